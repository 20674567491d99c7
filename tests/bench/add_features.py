"""Adds random features to an exported graph, so that two programs train on the same ones.

    add_features.py GRAPH.safetensors OUT.safetensors [--width 128] [--seed 7]
"""

import argparse

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph")
    parser.add_argument("out")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    with safe_open(arguments.graph, framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    torch.manual_seed(arguments.seed)
    for node_type in metadata["node_types"].split(","):
        tensors[f"{node_type}.x"] = torch.randn(int(metadata[f"{node_type}.n_nodes"]), arguments.width)
    save_file(tensors, arguments.out, metadata)


if __name__ == "__main__":
    main()

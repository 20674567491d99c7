"""Loads the weights of a run into PyTorch Geometric's own model and compares the embeddings on the train graph.

    check_with_pyg.py RUN_DIR GRAPH.safetensors [--write-new-weights FILE]

RUN_DIR holds `model.safetensors` and `embeddings.safetensors` (`user`, `movie`: what the plugin computes for those
weights; the integration test golden/pyg.rs writes it). `--write-new-weights` also stores a freshly initialised model of
the same shape, as a Python user would: the host takes it as `model.init_from`.

Needs torch, torch_geometric and safetensors. Written with torch 2.13, torch_geometric 2.8, safetensors 0.8.
"""

import argparse
import sys
from pathlib import Path

import torch
import torch_geometric
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch_geometric.nn import GATv2Conv, HeteroConv, LightGCN

# Relative to the largest absolute value.
TOLERANCE = 1e-4


class GAT(nn.Module):
    def __init__(self, user_dim, item_dim, hidden_dim, num_heads, num_layers, edge_types, dropout=0.1):
        super().__init__()
        self.user_proj = nn.Linear(user_dim, hidden_dim)
        self.item_proj = nn.Linear(item_dim, hidden_dim)
        self.dropout = nn.Dropout(dropout)
        self.convs = nn.ModuleList()
        for layer in range(num_layers):
            width = hidden_dim if layer == 0 else hidden_dim * num_heads
            self.convs.append(
                HeteroConv(
                    {
                        edge_type: GATv2Conv(
                            (width, width), hidden_dim, heads=num_heads, dropout=dropout, add_self_loops=False
                        )
                        for edge_type in edge_types
                    },
                    aggr="sum",
                )
            )

    def forward(self, x, edge_index):
        x = {"user": self.user_proj(x["user"]), "movie": self.item_proj(x["movie"])}
        for layer, conv in enumerate(self.convs):
            if layer > 0:
                x = {node_type: self.dropout(value.relu()) for node_type, value in x.items()}
            x = conv(x, edge_index)
        return x


class TwoTower(nn.Module):
    def __init__(self, user_dim, item_dim, hidden_dim, dropout=0.1):
        super().__init__()
        self.user_tower = self.tower(user_dim, hidden_dim, dropout)
        self.item_tower = self.tower(item_dim, hidden_dim, dropout)

    @staticmethod
    def tower(width, hidden_dim, dropout):
        return nn.Sequential(
            nn.Linear(width, hidden_dim), nn.Dropout(dropout), nn.ReLU(),
            nn.Linear(hidden_dim, hidden_dim), nn.Dropout(dropout), nn.ReLU(),
        )

    def forward(self, x, edge_index):
        return {"user": self.user_tower(x["user"]), "movie": self.item_tower(x["movie"])}


class BipartiteLightGCN(LightGCN):
    """PyG's class, which knows one node set: users, then movies."""

    def forward(self, x, edge_index):
        n_users = len(x["user"])
        user, movie = edge_index["user", "rates", "movie"]
        edges = torch.stack([torch.cat([user, movie + n_users]), torch.cat([movie + n_users, user])])
        nodes = self.get_embedding(edges)
        return {"user": nodes[:n_users], "movie": nodes[n_users:]}


def build(weights, edge_types):
    """The model that these weights are of; the sizes stand in their shapes."""
    if "embedding.weight" in weights:
        return BipartiteLightGCN(*weights["embedding.weight"].shape, num_layers=len(weights["alpha"]) - 1)
    if "user_tower.0.weight" in weights:
        hidden_dim, user_dim = weights["user_tower.0.weight"].shape
        return TwoTower(user_dim, weights["item_tower.0.weight"].shape[1], hidden_dim)
    hidden_dim, user_dim = weights["user_proj.weight"].shape
    num_layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("convs."))
    num_heads = next(value.shape[1] for name, value in weights.items() if name.endswith(".att"))
    return GAT(user_dim, weights["item_proj.weight"].shape[1], hidden_dim, num_heads, num_layers, edge_types)


def read_graph(path):
    """Features, and the message edges of the train split by edge type."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    x = {node_type: tensors[f"{node_type}.x"] for node_type in ("user", "movie")}
    head, tail = "train.", ".edge_index"
    edges = {name[len(head):-len(tail)]: value for name, value in tensors.items()
             if name.startswith(head) and name.endswith(tail)}
    return x, {tuple(name.split("__")): value for name, value in edges.items()}


def off(ours, expected):
    """The largest difference relative to the largest absolute value."""
    if ours.shape != expected.shape:
        sys.exit(f"shape {tuple(ours.shape)}, PyG's is {tuple(expected.shape)}")
    return ((ours - expected).abs().max() / expected.abs().max()).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("graph", type=Path)
    parser.add_argument("--write-new-weights", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, torch_geometric {torch_geometric.__version__}")

    weights = load_file(arguments.run_dir / "model.safetensors")
    x, edge_index = read_graph(arguments.graph)
    model = build(weights, list(edge_index))
    if arguments.write_new_weights:
        torch.manual_seed(1)
        fresh = build(weights, list(edge_index)).state_dict()
        save_file({name: value.contiguous() for name, value in fresh.items()}, arguments.write_new_weights)
    model.load_state_dict(weights, strict=True)
    model.eval()
    with torch.no_grad():
        expected = model(x, edge_index)

    ours = load_file(arguments.run_dir / "embeddings.safetensors")
    if ours.keys() != expected.keys():
        sys.exit(f"embeddings of {sorted(ours)}, PyG's are of {sorted(expected)}")
    worst = {node_type: off(ours[node_type], expected[node_type]) for node_type in ours}
    for node_type, value in worst.items():
        print(f"{type(model).__name__} {node_type} {tuple(ours[node_type].shape)}: off by {value:.1e} of the largest value")
    # Not `>`: a NaN must fail.
    if not all(value <= TOLERANCE for value in worst.values()):
        sys.exit(f"more than {TOLERANCE}")


if __name__ == "__main__":
    main()

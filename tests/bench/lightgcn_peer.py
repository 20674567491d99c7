"""The peers of the LightGCN operator: propagation forward and backward, by PyG's LGConv and by torch's sparse product.

    lightgcn_peer.py GRAPH.safetensors --layers 2 --way lgconv

On the train split's message edges of both directions, symmetric normalisation, mean over the layers; `--loss bpr` puts
the gather, dot and BPR of every training positive with one random negative behind it, without it a given gradient comes
in. Prints JSON: seconds of forward plus backward.
"""

import argparse
import json
import time

import torch
from safetensors import safe_open
from torch_geometric.nn import LGConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm


def read(path):
    """One node set, users first: edges of both directions, training positives, number of users and of all nodes."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        n_users, n_movies = (int(metadata[f"{node}.n_nodes"]) for node in ("user", "movie"))
        user, movie = file.get_tensor("train.user__rates__movie.edge_index")
    edges = torch.stack([torch.cat([user, movie + n_users]), torch.cat([movie + n_users, user])])  # [2, 2 n_edges]
    return edges, (user, movie + n_users), n_users, n_users + n_movies


def propagation(way, edges, n_nodes, n_layers):
    """From embeddings to the mean over the layers."""
    if way == "lgconv":
        conv = LGConv()
        spread = lambda x: conv(x, edges)  # noqa: E731
    else:
        index, weight = gcn_norm(edges, num_nodes=n_nodes, add_self_loops=False)
        matrix = torch.sparse_coo_tensor(index.flip(0), weight, (n_nodes, n_nodes)).coalesce().to_sparse_csr()
        spread = lambda x: SymmetricProduct.apply(matrix, x)  # noqa: E731

    def forward(x):
        total = x
        for _ in range(n_layers):
            x = spread(x)
            total = total + x
        return total / (n_layers + 1)

    return forward


class SymmetricProduct(torch.autograd.Function):
    """The matrix is its own transpose; torch would transpose it in every backward pass."""

    @staticmethod
    def forward(ctx, matrix, x):
        ctx.matrix = matrix
        return matrix @ x

    @staticmethod
    def backward(ctx, grad):
        return None, ctx.matrix @ grad


def bpr(z, positives, negatives):
    user, item = positives
    difference = (z[user] * z[item]).sum(-1) - (z[user] * z[negatives]).sum(-1)
    return torch.nn.functional.softplus(-difference).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph")
    parser.add_argument("--way", choices=("lgconv", "csr"), default="lgconv")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--loss", choices=("bpr",))
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(7)
    edges, positives, n_users, n_nodes = read(arguments.graph)
    forward = propagation(arguments.way, edges, n_nodes, arguments.layers)
    x = torch.randn(n_nodes, arguments.width, requires_grad=True)
    grad = torch.randn(n_nodes, arguments.width)
    negatives = torch.randint(n_users, n_nodes, positives[0].shape)
    seconds = []
    for _ in range(arguments.repeats + 1):
        x.grad = None
        started = time.perf_counter()
        z = forward(x)
        bpr(z, positives, negatives).backward() if arguments.loss else z.backward(grad)
        seconds.append(time.perf_counter() - started)
    print(json.dumps({"seconds": seconds[1:], "checksum": x.grad.double().abs().sum().item()}))


if __name__ == "__main__":
    main()

"""The peer: what a user of PyTorch Geometric would write to train and evaluate on the same splits.

    pyg_peer.py GRAPH.safetensors --model gat --epochs 100

Reads a file of `recsys-host load CONFIG --export FILE`, trains full batch with Adam on BCE with logits, validates every
epoch (loss, AUC, AP; the full ranking every `--eval-every` epochs and after the last, as the host's trainer does), keeps
the weights of the lowest validation loss, and ranks all items for the users of the test split. The last line of output is
JSON: seconds per epoch, losses, test metrics. The models are those of tests/golden/check_with_pyg.py, which takes the
host's weights under the same names.
"""

import argparse
import copy
import json
import sys
import time
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sklearn.metrics import average_precision_score, roc_auc_score
from torch_geometric.data import HeteroData
from torch_geometric.metrics import LinkPredMetricCollection, LinkPredNDCG, LinkPredPrecision, LinkPredRecall

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from check_with_pyg import GAT, TwoTower  # noqa: E402

TARGET = ("user", "rates", "movie")
KS = (5, 10, 20)


def read_splits(path, width):
    """A HeteroData a split. Nodes without features in the file get random ones of `width`."""
    with safe_open(path, framework="pt") as file:
        metadata, names = file.metadata(), set(file.keys())
        x = {}
        for node_type in metadata["node_types"].split(","):
            n_nodes = int(metadata[f"{node_type}.n_nodes"])
            name = f"{node_type}.x"
            x[node_type] = file.get_tensor(name) if name in names else torch.randn(n_nodes, width)
        splits = {}
        for split in ("train", "val", "test"):
            data = splits[split] = HeteroData()
            for node_type, features in x.items():
                data[node_type].x = features
            for edge_type in metadata["edge_types"].split(","):
                data[tuple(edge_type.split("__"))].edge_index = file.get_tensor(f"{split}.{edge_type}.edge_index")
            for label in ("edge_label_index", "edge_label"):
                data[TARGET][label] = file.get_tensor(f"{split}.{'__'.join(TARGET)}.{label}")
    return splits


def build(arguments, data):
    user_dim, item_dim = data["user"].x.shape[1], data["movie"].x.shape[1]
    if arguments.model == "two_tower":
        return TwoTower(user_dim, item_dim, arguments.hidden_dim, arguments.dropout)
    return GAT(
        user_dim, item_dim, arguments.hidden_dim, arguments.heads, arguments.layers, data.edge_types, arguments.dropout
    )


def scores_of(z, edge_label_index):
    return (z["user"][edge_label_index[0]] * z["movie"][edge_label_index[1]]).sum(dim=-1)


def step(model, optimizer, criterion, data):
    model.train()
    optimizer.zero_grad()
    z = model(data.x_dict, data.edge_index_dict)
    loss = criterion(scores_of(z, data[TARGET].edge_label_index), data[TARGET].edge_label)
    loss.backward()
    optimizer.step()
    return loss.item()


@torch.no_grad()
def evaluate(model, criterion, data, ranking):
    """Loss, AUC and AP on the labelled edges; with `ranking` also the metrics at KS over all items."""
    model.eval()
    z = model(data.x_dict, data.edge_index_dict)
    target = data[TARGET]
    scores = scores_of(z, target.edge_label_index)
    result = {"loss": criterion(scores, target.edge_label).item()}
    labels, scores = target.edge_label.numpy(), scores.numpy()
    result["auc"] = float(roc_auc_score(labels, scores))
    result["ap"] = float(average_precision_score(labels, scores))
    return {**result, **rank(z, target)} if ranking else result


def rank(z, target):
    """matmul + mask + topk; users without held-out items are left out of the means."""
    scores = z["user"] @ z["movie"].t()  # [n_users, n_items]
    scores[target.edge_index[0], target.edge_index[1]] = float("-inf")
    top = scores.topk(max(KS), dim=1).indices  # [n_users, max k]
    heldout = target.edge_label_index[:, target.edge_label > 0.5]
    kinds = {"precision": LinkPredPrecision, "recall": LinkPredRecall, "ndcg": LinkPredNDCG}
    metrics = LinkPredMetricCollection({f"{name}@{k}": kind(k) for name, kind in kinds.items() for k in KS})
    metrics.update(top, heldout)
    return {name: value.item() for name, value in metrics.compute().items()}


def train(model, splits, arguments):
    criterion = torch.nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    result = {"epoch_s": [], "train_loss": [], "val_loss": []}
    best_loss, best_weights = float("inf"), None
    for epoch in range(1, arguments.epochs + 1):
        started = time.perf_counter()
        train_loss = step(model, optimizer, criterion, splits["train"])
        due = arguments.eval_every > 0 and (epoch % arguments.eval_every == 0 or epoch == arguments.epochs)
        validated = evaluate(model, criterion, splits["val"], due)
        result["epoch_s"].append(time.perf_counter() - started)
        result["train_loss"].append(train_loss)
        result["val_loss"].append(validated["loss"])
        if validated["loss"] < best_loss:
            best_loss, best_weights = validated["loss"], copy.deepcopy(model.state_dict())
    if best_weights is not None:
        model.load_state_dict(best_weights)
    return {**result, "test": evaluate(model, criterion, splits["test"], not arguments.no_ranking)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", type=Path)
    parser.add_argument("--model", choices=("gat", "two_tower"), default="gat")
    parser.add_argument("--hidden-dim", type=int, default=128)
    parser.add_argument("--heads", type=int, default=2)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--eval-every", type=int, default=10)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--width", type=int, default=128, help="of the random features, where the file has none")
    parser.add_argument("--no-ranking", action="store_true", help="no full ranking on the test split")
    parser.add_argument("--float64", action="store_true", help="weights, features and all arithmetic in double precision")
    parser.add_argument("--init-from", type=Path, metavar="FILE", help="initial weights, safetensors")
    parser.add_argument("--write-weights", type=Path, metavar="FILE", help="store the initial weights")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    splits = read_splits(arguments.graph, arguments.width)
    model = build(arguments, splits["train"])
    if arguments.init_from:
        model.load_state_dict(load_file(arguments.init_from))
    if arguments.float64:
        model.double()
        for data in splits.values():
            data["user"].x, data["movie"].x = data["user"].x.double(), data["movie"].x.double()
            data[TARGET].edge_label = data[TARGET].edge_label.double()
    if arguments.write_weights:
        save_file({name: value.contiguous() for name, value in model.state_dict().items()}, arguments.write_weights)
    print(json.dumps(train(model, splits, arguments)))


if __name__ == "__main__":
    main()

"""Full-ranking evaluation on the same data: two loops over users in Python, torch's matmul + mask + topk, and ours.

    cargo build -p evaluators --example full_ranking
    PYTHON tests/bench/evaluator/compare.py        # a Python with torch and safetensors

The ways take turns; the medians of all rounds are printed, with the ratios. Fails if the lists differ.
"""

import argparse
import json
import math
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

KS = (5, 10, 20)
WORKSPACE = Path(__file__).resolve().parents[3]


def generate(arguments):
    """Random embeddings; edges of users and items of power-law popularity, a ninth of them held out."""
    random = torch.Generator().manual_seed(arguments.seed)
    n_users, n_items = arguments.users, arguments.items
    popularity = [(torch.arange(n) + 10.0) ** -0.8 for n in (n_users, n_items)]
    ends = [torch.multinomial(weights, arguments.edges, replacement=True, generator=random) for weights in popularity]
    pairs = (ends[0] * n_items + ends[1]).unique()
    pairs = pairs[torch.randperm(len(pairs), generator=random)]
    n_heldout = len(pairs) // 9
    # In the order in which the data loaders give them: by user and item.
    heldout, known = (pairs[part].sort().values for part in (slice(n_heldout), slice(n_heldout, None)))
    heldout, known = (torch.stack([pairs // n_items, pairs % n_items]) for pairs in (heldout, known))  # [2, n]
    negatives = torch.stack([heldout[0], torch.randint(n_items, (n_heldout,), generator=random)])
    return {
        "source": torch.randn(n_users, arguments.width, generator=random),
        "destination": torch.randn(n_items, arguments.width, generator=random),
        "edge_label_index": torch.cat([heldout, negatives], dim=1),
        "edge_label": torch.cat([torch.ones(n_heldout), torch.zeros(n_heldout)]),
        "known_edges": known,
    }


def add_metrics(sums, ranked, heldout):
    """What a user's list is worth at every k, in plain Python."""
    hits = [item in heldout for item in ranked]
    for k in KS:
        found = sum(hits[:k])
        precisions = [sum(hits[: at + 1]) / (at + 1) for at in range(min(k, len(hits))) if hits[at]]
        gain = sum(1 / math.log2(at + 2) for at in range(min(k, len(hits))) if hits[at])
        best = sum(1 / math.log2(at + 2) for at in range(min(k, len(heldout))))
        metrics = {
            "precision": found / k,
            "recall": found / len(heldout),
            "map": sum(precisions) / min(len(heldout), k),
            "ndcg": gain / best,
            "mrr": 1 / (hits.index(True) + 1) if True in hits[:k] else 0.0,
            "hit": float(found > 0),
        }
        for name, value in metrics.items():
            sums[f"{name}@{k}"] = sums.get(f"{name}@{k}", 0.0) + value


def heldout_edges(data):
    return data["edge_label_index"][:, data["edge_label"] > 0.5]


@torch.no_grad()
def loop_over_users(data, rank):
    """As a script does it: one user after the other, their edges picked out of all by a comparison."""
    known, heldout = data["known_edges"], heldout_edges(data)
    sums, lists = {}, []
    for user in range(len(data["source"])):
        mine = set(heldout[1, heldout[0] == user].tolist())
        if not mine:
            continue
        scores = data["destination"] @ data["source"][user]
        ranked = rank(scores, known[1, known[0] == user])
        add_metrics(sums, ranked, mine)
        lists.append((user, ranked))
    return lists, {name: value / len(lists) for name, value in sums.items()}


def rank_in_python(scores, known):
    """Candidates as a list, sorted: what a script does that was not written for speed."""
    known = set(known.tolist())
    candidates = [(item, score) for item, score in enumerate(scores.tolist()) if item not in known]
    candidates.sort(key=lambda candidate: candidate[1], reverse=True)
    return [item for item, _ in candidates[: max(KS)]]


def rank_in_torch(scores, known):
    scores[known] = -math.inf
    return scores.topk(max(KS)).indices.tolist()


@torch.no_grad()
def matmul_mask_topk(data):
    """All users at once; lists only, no metrics."""
    scores = data["source"] @ data["destination"].T
    scores[data["known_edges"][0], data["known_edges"][1]] = -math.inf
    return scores.topk(max(KS)).indices


def ours(binary, path, threads, repeats):
    command = [binary, path, ",".join(map(str, KS)), str(repeats), str(threads)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def timed(work, *arguments):
    start = time.perf_counter()
    made = work(*arguments)
    return time.perf_counter() - start, made


def check(loops, multiplied, measured):
    multiplied = multiplied.tolist()
    assert multiplied == measured["lists"], "lists differ from matmul + mask + topk"
    for lists, metrics in loops:
        check_loop(lists, metrics, measured)


def check_loop(lists, metrics, measured):
    assert all(ranked == measured["lists"][user] for user, ranked in lists), "lists differ from a loop"
    for name, value in metrics.items():
        assert abs(value - measured["metrics"][name]) < 1e-9, f"{name}: {value}, ours {measured['metrics'][name]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=610)
    parser.add_argument("--items", type=int, default=9742)
    parser.add_argument("--edges", type=int, default=130_000, help="drawn before repeats are dropped")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only-ours", action="store_true", help="for sizes that the others cannot take")
    parser.add_argument("--binary", default=WORKSPACE / "target/debug/examples/full_ranking")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    data = generate(arguments)
    n_labels, n_known = len(data["edge_label"]), data["known_edges"].shape[1]
    print(f"{arguments.users} users, {arguments.items} items, {arguments.width} wide; {n_known} known edges, {n_labels} labels")
    seconds = {"python": [], "loop": [], "matmul": [], "lists": [], "evaluate": [], "labelled": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evaluation.safetensors"
        save_file(data, path)
        if arguments.only_ours:
            print(json.dumps({**ours(arguments.binary, path, arguments.threads, arguments.rounds), "lists": None}, indent=1))
            return
        matmul_mask_topk(data)
        for _ in range(arguments.rounds):
            python_s, plain = timed(loop_over_users, data, rank_in_python)
            loop_s, looped = timed(loop_over_users, data, rank_in_torch)
            matmul_s, multiplied = timed(matmul_mask_topk, data)
            measured = ours(arguments.binary, path, arguments.threads, 3)
            check([plain, looped], multiplied, measured)
            seconds["python"].append(python_s)
            seconds["loop"].append(loop_s)
            seconds["matmul"].append(matmul_s)
            for name, key in (("lists", "lists_s"), ("evaluate", "ranking_s"), ("labelled", "labelled_s")):
                seconds[name] += measured[key][1:]
    report(seconds)


def report(seconds):
    names = {
        "python": "loop over users, ranked in Python, with metrics",
        "loop": "loop over users, ranked by torch, with metrics",
        "matmul": "torch matmul + mask + topk, lists only",
        "lists": "ours, grouping + mask + lists",
        "evaluate": "ours, grouping + mask + lists + metrics",
        "labelled": "ours, AUC and AP of the labels",
    }
    for name, label in names.items():
        of = sorted(1e3 * value for value in seconds[name])
        print(f"{label:47} median {statistics.median(of):9.2f} ms   ({of[0]:.2f} to {of[-1]:.2f})")
    of = {name: statistics.median(values) for name, values in seconds.items()}
    print(
        f"loop in Python / ours {of['python'] / of['evaluate']:.0f}; loop with torch / ours {of['loop'] / of['evaluate']:.0f}; "
        f"matmul / ours {of['matmul'] / of['evaluate']:.1f}, lists / lists {of['matmul'] / of['lists']:.1f}; lists and metrics identical"
    )


if __name__ == "__main__":
    main()

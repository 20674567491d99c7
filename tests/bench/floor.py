"""`floor`: how far the GAT epoch is from what its matrix products and its edge traffic alone would take.

An epoch is forward, backward and Adam on the train split, then forward on the validation split. The floor counts

- matrix products. A Linear [n, in] to [n, out] takes 2 n in out operations forward, as many for the gradient of its input,
  as many for that of its weights; the validation forward once more. A layer has four of them: `lin_l` on the sources and
  `lin_r` on the destinations of both edge types. The two input projections need no gradient of their input. Each shape is
  timed by itself, so the rate is the one that this machine has at that shape;
- edge traffic. Rows are heads * channels floats. Of each edge a convolution must read the source's row in a forward
  pass (destination rows and sums stay at hand while the edges of a destination are walked through); in backward the
  source's row once more for the gradients of the destination and of `att`, and, walking the other way, the destination's
  row and the row of its gradient for the gradient of the source. That is 1 + 3 rows in training and 1 in validation; an
  edge's ids are 4 bytes in each of these walks, its attention 4 bytes a head written and read once. Scoring a labelled
  edge reads two rows, and in training adds to two rows of gradients (read and write); a fused loss needs no second
  reading. The rate is that of copies through memory: where rows stay in the cache, less than the floor is possible.

Not in it, and so part of the distance: everything of the size of the nodes (bias, ReLU, dropout, sums), softmax and dropout
arithmetic, Adam, AUC and AP.
"""

import json
from dataclasses import dataclass
from statistics import median

import measure
import ours
import report

HIDDEN, HEADS, LAYERS = 128, 2, 2
ID_BYTES, FLOAT_BYTES = 4, 4
ASKED = 1.6


@dataclass
class Sizes:
    """Of a graph with its splits; `train_edges` and `val_edges` are message edges a direction."""

    users: int
    movies: int
    train_edges: int
    val_edges: int
    train_labels: int
    val_labels: int


def products(sizes):
    """[kind, n, in, out] of every matrix product with how often an epoch has it."""
    counted = {}

    def add(n, width, out, needs_grad_x):
        kinds = {"forward": 2, "grad_w": 1, **({"grad_x": 1} if needs_grad_x else {})}
        for kind, times in kinds.items():
            counted[kind, n, width, out] = counted.get((kind, n, width, out), 0) + times

    for n in (sizes.users, sizes.movies):
        add(n, HIDDEN, HIDDEN, needs_grad_x=False)
        for layer in range(LAYERS):
            width = HIDDEN if layer == 0 else HEADS * HIDDEN
            for _ in ("lin_l", "lin_r"):
                add(n, width, HEADS * HIDDEN, needs_grad_x=True)
    return counted


def edge_bytes(sizes):
    """Bytes that an epoch must move for edges and labelled edges."""
    row = HEADS * HIDDEN * FLOAT_BYTES
    attention = 2 * HEADS * FLOAT_BYTES
    train = sizes.train_edges * (4 * row + 3 * ID_BYTES + attention)
    val = sizes.val_edges * (row + ID_BYTES)
    labels = sizes.train_labels * (2 + 4) * row + sizes.val_labels * 2 * row
    return 2 * LAYERS * (train + val) + labels


class Floor:
    name = "floor"

    def __call__(self, bench):
        graph = ours.export_with_features(bench, "small", HIDDEN)
        sizes = sizes_of(graph)
        counted = products(sizes)
        n_epochs = min(bench.epochs, 20)
        epochs, gemm, copy = [], [], []
        for index in range(bench.rounds):
            rates = bench.python_script("machine_rates.py", json.dumps(list(counted)), "--threads", bench.threads)
            rates = rates.check().last_json()
            gemm.append(sum(times * seconds for times, seconds in zip(counted.values(), rates["gemm_s"])))
            copy.append(rates["copy_bytes_per_s"])
            result = ours.train(bench, "config_gat", [
                "data=graph_file", f"data.params.path={graph}", f"trainer.params.num_epochs={n_epochs}",
                "trainer.params.eval_every=0",
            ])
            epochs.append(result["epoch_s"])
            measure.emit(subset=self.name, round=index + 1, threads=bench.threads, gemm_s=gemm[-1],
                         copy_bytes_per_s=copy[-1], epoch_s=result["epoch_s"])
        return self.lines(bench, sizes, counted, (gemm, copy, epochs))

    def lines(self, bench, sizes, counted, measured):
        gemm, copy, epochs = measured
        operations = sum(times * 2 * n * width * out for (_, n, width, out), times in counted.items())
        moved = edge_bytes(sizes)
        floors = [seconds + moved / rate for seconds, rate in zip(gemm, copy)]
        all_epochs = [value for values in epochs for value in values]
        off = median(all_epochs) / median(floors)
        each = [median(values) / floor for values, floor in zip(epochs, floors)]
        rates = [operations / seconds / 1e9 for seconds in gemm]
        rows = [
            ["matrix products", f"{operations / 1e9:.1f} G operations", f"{median(rates):.0f} G/s", report.spread(gemm)],
            ["edges", f"{moved / 1e9:.2f} GB", f"{median(copy) / 1e9:.1f} GB/s",
             report.spread([moved / rate for rate in copy])],
            ["floor", "", "", report.spread(floors)],
            ["epoch, measured", "", "", report.spread(all_epochs)],
            ["measured / floor", "", "", f"{off:.2f} (rounds {min(each):.2f} to {max(each):.2f})"],
        ]
        return [
            f"config_gat, env=small, {bench.threads} threads, {bench.rounds} rounds; what is counted stands in floor.py:", "",
            *report.table(["", "an epoch has", "this machine's rate", "time"], rows), "",
            bench.expect(off <= ASKED, f"measured / floor at most {ASKED}"),
        ]


def sizes_of(graph):
    """From the header of a safetensors file, which is JSON behind its length."""
    with open(graph, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))

    def size(name, dimension):
        return header[name]["shape"][dimension]

    edges, target = "{}.user__rates__movie.edge_index", "{}.user__rates__movie.edge_label"
    return Sizes(
        size("user.x", 0), size("movie.x", 0), *(size(edges.format(split), 1) for split in ("train", "val")),
        *(size(target.format(split), 0) for split in ("train", "val")),
    )

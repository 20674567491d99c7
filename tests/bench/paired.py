"""`gat-100k`, `gat-small`, `two-tower-small`: whole trainings of PyG and ours in turn, on the same splits and features."""

import tempfile
from pathlib import Path

import measure
import ours
import report

CURVE_TOLERANCE = 1e-4
WIDTH = 128


class Paired:
    """One model on one MovieLens release, as the shipped config has it."""

    def __init__(self, name, env, config, peer_model):
        self.name, self.env, self.config, self.peer_model = name, env, config, peer_model

    def __call__(self, bench):
        graph = ours.export_with_features(bench, self.env, WIDTH)
        rounds = [self.round(bench, graph, index) for index in range(bench.rounds)]
        return [*self.table(bench, rounds), "", self.curves(bench, graph)]

    def round(self, bench, graph, index):
        """Both, one after the other; who is first changes from round to round."""
        sides = {
            "pyg": lambda: bench.pyg(graph, "--model", self.peer_model, "--epochs", bench.epochs, "--seed", 7 + index),
            "ours": lambda: ours.train(
                bench, self.config,
                ["data=graph_file", f"data.params.path={graph}", f"trainer.params.num_epochs={bench.epochs}",
                 f"seed={7 + index}"],
            ),
        }
        order = ("pyg", "ours") if index % 2 == 0 else ("ours", "pyg")
        results = {}
        for side in order:
            result = results[side] = sides[side]()
            record = {name: value for name, value in result.items() if name != "records"}
            measure.emit(subset=self.name, side=side, round=index + 1, threads=bench.threads, **record)
        return results

    def table(self, bench, rounds):
        theirs, mine = ([result[side] for result in rounds] for side in ("pyg", "ours"))

        def row(label, value, unit):
            """`value` gives the list of values of a run."""
            sides = [[value(result) for result in results] for results in (theirs, mine)]
            cells = [report.spread([item for values in side for item in values], unit) for side in sides]
            return [label, *cells, report.ratios(*sides)]

        def last(label, value):
            cells = [report.spread([value(result) for result in results], "{:.4f}".format) for results in (theirs, mine)]
            return [label, *cells, ""]

        rows = [
            row("epoch, validation included", lambda result: result["epoch_s"], report.seconds),
            row(f"whole process, {bench.epochs} epochs", lambda result: [result["total_s"]], report.seconds),
            row("peak memory", lambda result: [result["peak_rss_bytes"]], report.gigabytes),
            last("last train loss", lambda result: result["train_loss"][-1]),
            last("last validation loss", lambda result: result["val_loss"][-1]),
            last("test.auc", lambda result: result["test"]["auc"]),
            last("test.ndcg@10", lambda result: result["test"]["ndcg@10"]),
        ]
        head = f"{self.config}, env={self.env}, {bench.rounds} rounds of {bench.epochs} epochs, seeds from 7 on"
        return [head + ":", "", *report.table(["", "PyG", "ours", "PyG / ours"], rows)]

    def curves(self, bench, graph):
        """Without dropout and from the same weights both must learn the same."""
        n_epochs = bench.curve_epochs
        with tempfile.TemporaryDirectory(dir=bench.work) as folder:
            weights = Path(folder) / "init.safetensors"
            theirs = bench.pyg(
                graph, "--model", self.peer_model, "--epochs", n_epochs, "--dropout", 0, "--write-weights", weights
            )
            mine = ours.train(
                bench, self.config,
                ["data=graph_file", f"data.params.path={graph}", f"trainer.params.num_epochs={n_epochs}",
                 "model.params.dropout=0.0", f"model.init_from={weights}"],
            )
        off = {loss: largest_difference(theirs[loss], mine[loss]) for loss in ("train_loss", "val_loss")}
        metrics = {name: abs(value - mine["test"][name]) for name, value in theirs["test"].items() if name in mine["test"]}
        measure.emit(subset=self.name, check="curves", epochs=n_epochs, largest_difference=off, test_metrics=metrics)
        worst = max(off.values())
        text = (
            f"Without dropout, from the same weights, the losses of {n_epochs} epochs differ by at most "
            f"{off['train_loss']:.1e} (training) and {off['val_loss']:.1e} (validation), the test metrics afterwards by "
            f"{max(metrics.values()):.1e}"
        )
        # Not `>`: a NaN must fail.
        return bench.expect(worst < CURVE_TOLERANCE, f"{text}; asked for: losses below {CURVE_TOLERANCE:.0e}")


def largest_difference(theirs, mine):
    if len(theirs) != len(mine):
        raise measure.Failed(f"{len(theirs)} epochs of PyG, {len(mine)} of ours")
    return max(abs(their - my) for their, my in zip(theirs, mine))


SUBSETS = [
    Paired("gat-100k", "dev", "config_gat", "gat"),
    Paired("gat-small", "small", "config_gat", "gat"),
    Paired("two-tower-small", "small", "config", "two_tower"),
]

"""`gat-100k`, `gat-small`, `two-tower-small`: whole trainings of PyG and ours in turn, on the same splits and features."""

import tempfile
from pathlib import Path

import measure
import ours
import report

CURVE_TOLERANCE = 1e-4
WIDTH = 128
LOSSES = ("train_loss", "val_loss")


class Paired:
    """One model on one MovieLens release, as the shipped config has it. `asked`: the ratios that the project promises, for
    the epoch, the whole process and the peak memory."""

    def __init__(self, name, env, config, peer_model, asked):
        self.name, self.env, self.config, self.peer_model, self.asked = name, env, config, peer_model, asked

    def __call__(self, bench):
        graph = ours.export_with_features(bench, self.env, WIDTH)
        with tempfile.TemporaryDirectory(dir=bench.work) as folder:
            weights = Path(folder) / "init.safetensors"
            bench.pyg(graph, "--model", self.peer_model, "--epochs", 0, "--no-ranking", "--write-weights", weights)
            rounds = [self.round(bench, graph, weights, index) for index in range(bench.rounds)]
            curves = self.curves(bench, graph, weights)
        return [*self.table(bench, rounds), "", curves]

    def round(self, bench, graph, weights, index):
        """Both, one after the other; who is first changes from round to round."""
        sides = {
            "pyg": lambda: self.pyg(bench, graph, weights, bench.epochs, "--seed", 7 + index),
            "ours": lambda: self.ours(bench, graph, weights, bench.epochs, f"seed={7 + index}"),
        }
        order = ("pyg", "ours") if index % 2 == 0 else ("ours", "pyg")
        results = {}
        for side in order:
            result = results[side] = sides[side]()
            record = {name: value for name, value in result.items() if name != "records"}
            measure.emit(subset=self.name, side=side, round=index + 1, threads=bench.threads, **record)
        return results

    def pyg(self, bench, graph, weights, n_epochs, *options):
        return bench.pyg(graph, "--model", self.peer_model, "--init-from", weights, "--epochs", n_epochs, *options)

    def ours(self, bench, graph, weights, n_epochs, *overrides):
        return ours.train(bench, self.config, [
            "data=graph_file", f"data.params.path={graph}", f"model.init_from={weights}",
            f"trainer.params.num_epochs={n_epochs}", *overrides,
        ])

    def table(self, bench, rounds):
        theirs, mine = ([result[side] for result in rounds] for side in ("pyg", "ours"))

        def row(label, value, unit, asked):
            """`value` gives the list of values of a run."""
            sides = [[value(result) for result in results] for results in (theirs, mine)]
            cells = [report.spread([item for values in side for item in values], unit) for side in sides]
            return [label, *cells, report.ratios(*sides), asked]

        def last(label, value):
            cells = [report.spread([value(result) for result in results], "{:.4f}".format) for results in (theirs, mine)]
            return [label, *cells, "", ""]

        rows = [
            row("epoch, validation included", lambda result: result["epoch_s"], report.seconds, self.asked[0]),
            row(f"whole process, {bench.epochs} epochs", lambda result: [result["total_s"]], report.seconds, self.asked[1]),
            row("peak memory", lambda result: [result["peak_rss_bytes"]], report.gigabytes, self.asked[2]),
            last("last train loss", lambda result: result["train_loss"][-1]),
            last("last validation loss", lambda result: result["val_loss"][-1]),
            last("test.auc", lambda result: result["test"]["auc"]),
            last("test.ndcg@10", lambda result: result["test"]["ndcg@10"]),
        ]
        how_often = f"{bench.rounds} rounds of {bench.epochs} epochs"
        head = f"{self.config}, env={self.env}, {how_often}, all from the same weights:"
        return [head, "", *report.table(["", "PyG", "ours", "PyG / ours", "asked for"], rows)]

    def curves(self, bench, graph, weights):
        """Without dropout and from the same weights both must learn the same."""
        n_epochs = bench.curve_epochs
        theirs = self.pyg(bench, graph, weights, n_epochs, "--dropout", 0)
        mine = self.ours(bench, graph, weights, n_epochs, "model.params.dropout=0.0")
        off = {loss: largest_difference(theirs[loss], mine[loss]) for loss in LOSSES}
        metrics = {name: abs(value - mine["test"][name]) for name, value in theirs["test"].items() if name in mine["test"]}
        losses = {side: {loss: run[loss] for loss in off} for side, run in (("pyg", theirs), ("ours", mine))}
        measure.emit(
            subset=self.name, check="curves", epochs=n_epochs, largest_difference=off, test_metrics=metrics, **losses
        )
        # Not `>`: a NaN must fail.
        close = all(value < CURVE_TOLERANCE for value in off.values())
        text = (
            f"Without dropout, from the same weights, the losses of {n_epochs} epochs differ by at most "
            f"{off['train_loss']:.1e} (training) and {off['val_loss']:.1e} (validation), the test metrics afterwards by "
            f"{max(metrics.values()):.1e}; asked for: losses below {CURVE_TOLERANCE:.0e}"
        )
        return bench.expect(close, text if close else f"{text}; {self.control(bench, graph, weights, theirs, mine)}")

    def control(self, bench, graph, weights, theirs, mine):
        """What tells rounding that training amplifies from another model: when the curves part, and how far each of them is from
        the same training in double precision, by PyG."""
        n_epochs = bench.curve_epochs
        exact = self.pyg(bench, graph, weights, n_epochs, "--dropout", 0, "--float64")
        sides = {"PyG": theirs, "ours": mine}
        off = {name: max(largest_difference(exact[loss], side[loss]) for loss in LOSSES) for name, side in sides.items()}
        measure.emit(subset=self.name, check="control", epochs=n_epochs, largest_difference_from_float64=off)
        half = max(1, n_epochs // 2)
        early = max(largest_difference(theirs[loss][:half], mine[loss][:half]) for loss in LOSSES)
        return (
            f"the first {half} epochs differ by at most {early:.1e}; from the same training by PyG in double precision PyG differs by "
            f"{off['PyG']:.1e}, ours by {off['ours']:.1e}"
        )


def largest_difference(theirs, mine):
    if len(theirs) != len(mine):
        raise measure.Failed(f"{len(theirs)} epochs of PyG, {len(mine)} of ours")
    differences = [abs(their - my) for their, my in zip(theirs, mine)]
    return max(differences) if all(value == value for value in differences) else float("nan")


SUBSETS = [
    Paired("gat-100k", "dev", "config_gat", "gat", (15, 12, 4)),
    Paired("gat-small", "small", "config_gat", "gat", (15, 12, 4)),
    Paired("two-tower-small", "small", "config", "two_tower", (5, "", "")),
]

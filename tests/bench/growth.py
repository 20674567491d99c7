"""`growth`: the GAT (2 layers, 2 heads of 64) full batch on generated ratings, from 0.1 to 32 million.

The ratings are a `ratings.csv` of data_path/generate.py, with degrees like MovieLens' and at 32 million its numbers of
users and movies. It lies where the user's own MovieLens 32M would, in a data folder made for the purpose, and goes
through the MovieLens loader: `recsys-host load` parses it and caches the graph, `recsys-host train` opens the cache,
splits, trains and evaluates. PyG trains on the split that `load --export` writes, at the sizes up to the one at which it
fails under the limit of memory.

A growth factor compares sizes that were trained one after the other: the machine's speed changes over minutes, so the
sizes take turns, `--rounds` times, and a factor is the median of those within a round.
"""

import re
import shutil
from statistics import median

import measure
import ours
import plot
import ratings
import report

CHANNELS, HEADS, LAYERS = 64, 2, 2
# As many as make the sizes train about as long, the first one, which gets its memory from the system, weighing little; few for
# PyG, which needs half a minute for one.
EPOCHS_OF_RATINGS, FEWEST_EPOCHS, MOST_EPOCHS = 60_000_000, 5, 60
PYG_EPOCHS = 3
RELEASE = "ml-32m"
# Time and memory may grow no faster than the ratings; a tenth is left to the noise of the machine.
NO_WORSE_THAN_LINEAR = 1.1
# What the largest size is asked to fit in.
LARGEST, LARGEST_PEAK = 32_000_000, 16 * 2**30


class Growth:
    name = "growth"

    def __call__(self, bench):
        folders = {millions: bench.work / f"growth-{millions:g}m" for millions in sorted(bench.sizes)}
        try:
            sizes = [self.prepared(bench, folder, round(millions * 1e6)) for millions, folder in folders.items()]
            for _ in range(bench.rounds):
                for size, folder in zip(sizes, folders.values()):
                    if "failure" not in size["ours"]:
                        self.train(bench, folder, size)
            self.peers(bench, folders.values(), sizes)
        finally:
            if not bench.keep:
                for folder in folders.values():
                    shutil.rmtree(folder, ignore_errors=True)
        for size in sizes:
            measure.emit(subset=self.name, threads=bench.threads, **size)
        return self.lines(bench, sizes)

    def prepared(self, bench, folder, n_ratings):
        """The ratings of a size, parsed into its graph."""
        # Where the loader looks for MovieLens 32M, in a data folder of its own.
        ratings.generate(bench, folder / "data" / "raw" / RELEASE / "ratings.csv", n_ratings)
        loaded = attempt(lambda: self.load(bench, folder))
        mine = loaded if "failure" in loaded else {"rounds": []}
        return {"ratings": n_ratings, "load": loaded, "ours": mine}

    def train(self, bench, folder, size):
        """One more round of ours."""
        run = attempt(lambda: self.ours(bench, folder, size["ratings"]))
        if "failure" in run:
            size["ours"] = run
            return
        rounds = [*size["ours"]["rounds"], run]
        size["ours"] = {
            "rounds": rounds,
            "epoch_s": [median(one["epoch_s"]) for one in rounds],
            "peak_rss_bytes": max(one["peak_rss_bytes"] for one in rounds),
        }

    def peers(self, bench, folders, sizes):
        fits = True
        for folder, size in zip(folders, sizes):
            size["pyg"] = {"failure": "not run: a smaller size failed"}
            if fits:
                size["pyg"] = attempt(lambda: self.pyg(bench, folder))
            fits = "epoch_s" in size["pyg"]

    def load(self, bench, folder):
        child = ours.load(bench, overrides(), cwd=folder, limit_bytes=bench.limit_bytes)
        return {"total_s": child.seconds, "peak_rss_bytes": child.peak_rss_bytes}

    def ours(self, bench, folder, n_ratings):
        n_epochs = min(max(EPOCHS_OF_RATINGS // n_ratings, FEWEST_EPOCHS), MOST_EPOCHS)
        training = [
            f"model.params.hidden_dim={CHANNELS}", f"model.params.num_heads={HEADS}", f"model.params.num_layers={LAYERS}",
            f"trainer.params.num_epochs={n_epochs}", "trainer.params.eval_every=0", "seed=7",
        ]
        limit = bench.limit_bytes
        result = ours.train(bench, "config_gat", [*overrides(), *training], cwd=folder, limit_bytes=limit)
        return {name: result[name] for name in ("epoch_s", "total_s", "peak_rss_bytes", "timing", "val_loss")}

    def pyg(self, bench, folder):
        graph = folder / "graph.safetensors"
        ours.load(bench, [*overrides(), "seed=7"], cwd=folder, export=graph)
        options = {
            "--hidden-dim": CHANNELS, "--heads": HEADS, "--layers": LAYERS, "--width": CHANNELS, "--epochs": PYG_EPOCHS,
            "--eval-every": 0,
        }
        flat = [part for option in options.items() for part in option]
        result = bench.pyg(graph, *flat, "--no-ranking", limit_bytes=bench.limit_bytes)
        return {name: result[name] for name in ("epoch_s", "total_s", "peak_rss_bytes", "val_loss")}

    def lines(self, bench, sizes):
        rows = [
            [f"{size['ratings'] / 1e6:g} million",
             *(cell(size[side], name) for side, names in COLUMNS for name in names)]
            for size in sizes
        ]
        head = ["ratings", "csv to graph", "its peak", "our epoch", "our peak, whole run", "PyG's epoch", "PyG's peak"]
        limit = report.gigabytes(bench.limit_bytes)
        intro = (
            f"GAT, {LAYERS} layers of {HEADS} heads x {CHANNELS}, full batch; {bench.threads} threads; ours: medians of "
            f"{bench.rounds} rounds, in which the sizes take turns, each the median of its epochs; every process limited to "
            f"{limit} of memory:"
        )
        drawn = [f"![Epoch time and peak memory against ratings]({bench.svg.name})"] if self.draw(bench, sizes) else []
        parts = [[intro], report.table(head, rows), self.needs(sizes), self.slopes(bench, sizes), drawn]
        return report.paragraphs(parts)

    def needs(self, sizes):
        """Where PyG stopped, and what it would need: its bytes a rating between the two largest sizes that it managed."""
        managed = [(size["ratings"], size["pyg"]["peak_rss_bytes"]) for size in sizes if "epoch_s" in size["pyg"]]
        stopped = [size for size in sizes if "epoch_s" not in size["pyg"]]
        lines = []
        if stopped:
            lines.append(f"PyG stops at {stopped[0]['ratings'] / 1e6:g} million ratings: `{stopped[0]['pyg']['failure']}`.")
        if len(managed) > 1:
            (few, low), (many, high) = managed[-2:]
            each = (high - low) / (many - few)
            lines.append(f"From {few / 1e6:g} to {many / 1e6:g} million its peak grows by {each:.0f} bytes a rating.")
            for size in stopped:
                needed = high + each * (size["ratings"] - many)
                lines.append(f"By that it needs {report.gigabytes(needed)} for {size['ratings'] / 1e6:g} million (computed).")
        return [" ".join(lines)] if lines else []

    def slopes(self, bench, sizes):
        """The checks of ours: from size to size the factors of time and memory, the peak at the largest, no failures."""
        lines = []
        done = [size for size in sizes if "epoch_s" in size["ours"]]
        for small, large in zip(done, done[1:]):
            grown = large["ratings"] / small["ratings"]
            factors = [after / before for before, after in zip(small["ours"]["epoch_s"], large["ours"]["epoch_s"])]
            time = median(factors)
            memory = large["ours"]["peak_rss_bytes"] / small["ours"]["peak_rss_bytes"]
            text = (
                f"{small['ratings'] / 1e6:g} to {large['ratings'] / 1e6:g} million, {grown:.3g} times the ratings: "
                f"{time:.3g} times the time ({min(factors):.3g} to {max(factors):.3g}), {memory:.3g} times the memory, "
                "no worse than linear"
            )
            lines.append(bench.expect(max(time, memory) <= grown * NO_WORSE_THAN_LINEAR, text))
        if done and done[-1]["ratings"] >= LARGEST:
            peak = done[-1]["ours"]["peak_rss_bytes"]
            text = f"{done[-1]['ratings'] / 1e6:g} million within {report.gigabytes(LARGEST_PEAK)}"
            lines.append(bench.expect(peak <= LARGEST_PEAK, text))
        failed = [size for size in sizes if "epoch_s" not in size["ours"]]
        lines += [bench.expect(False, f"{size['ratings'] / 1e6:g} million: {size['ours']['failure']}") for size in failed]
        return [f"- {line}" for line in lines]

    def draw(self, bench, sizes):
        def points(side, value):
            return [(size["ratings"] / 1e6, value(size[side])) for size in sizes if "epoch_s" in size[side]]

        panels = []
        for title, label, value in (
            ("Seconds per epoch", "seconds", lambda result: median(result["epoch_s"])),
            ("Peak memory of the process", "GiB", lambda result: result["peak_rss_bytes"] / 2**30),
        ):
            series = {name: points(side, value) for name, side in (("recsys-host", "ours"), ("PyG", "pyg"))}
            series = {name: values for name, values in series.items() if values}
            if not series:
                return False
            panels.append(plot.Panel(title, "million ratings", label, series))
        plot.write(bench.svg, panels)
        return True


COLUMNS = (
    ("load", ("total_s", "peak_rss_bytes")),
    ("ours", ("epoch_s", "peak_rss_bytes")),
    ("pyg", ("epoch_s", "peak_rss_bytes")),
)


def cell(result, name):
    if name not in result:
        return "-"
    if name == "peak_rss_bytes":
        return report.gigabytes(result[name])
    return report.spread(result[name]) if isinstance(result[name], list) else report.seconds(result[name])


def overrides():
    return ["data=movielens", "data.params.env=32m", "++data.params.sources=[raw]"]


def attempt(work):
    """What `work` gives, or why not: a size that does not fit is a result."""
    try:
        return work()
    except measure.Failed as failure:
        return {"failure": reason(str(failure))}


def reason(text):
    """The line that tells most: that of the allocation, or else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if re.search(r"allocate|memory|MemoryError|bad_alloc|signal", line, re.IGNORECASE)]
    # No paths of this machine in a report that is committed.
    return re.sub(r"/\S*/", "", (told or lines)[-1])[:300]

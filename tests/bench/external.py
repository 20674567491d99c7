"""`evaluator`, `data-path`, `boundary`, `compose`: comparisons that are programs of their own; what they print goes into the report."""

import re

import environment
import measure
import ours
import ratings
from bench import HERE


class Evaluator:
    """The full ranking. Its script fails where the lists or metrics differ."""

    name = "evaluator"

    def __call__(self, bench):
        build = ["cargo", "build", "--quiet", "-p", "evaluators", "--example", "full_ranking"]
        measure.run(build, cwd=environment.ROOT).check()
        return printed_by(bench, self.name, "evaluator", "--rounds", bench.rounds)


class DataPath:
    """From a file of ratings to the split graph. PyG is measured at the smaller size only: the larger one takes it minutes."""

    name = "data-path"

    def __call__(self, bench):
        lines = []
        for millions, peers in ((0.2, "pyg,polars"),) if bench.quick else ((5, "pyg,polars"), (25, "polars")):
            path = bench.work / f"ratings-{millions:g}m.csv"
            ratings.generate(bench, path, round(millions * 1e6))
            options = ("--runs", bench.rounds, "--peers", peers, "--threads", bench.threads, "--binary", bench.binary)
            lines += printed_by(bench, self.name, "data_path", path, *options)
            if not bench.keep:
                path.unlink()
        return lines


class Boundary:
    """A call across the boundary of a plugin, and training through it against the same parts in one binary."""

    name = "boundary"

    def __call__(self, bench):
        command = ["cargo", "bench", "--quiet", "-p", "gat", "--profile", "dev", "--bench", "boundary"]
        child = measure.run(command, cwd=environment.ROOT, env=ours.environment(bench.threads)).check()
        measure.emit(subset=self.name, seconds=child.seconds, printed=child.stdout)
        # Of criterion's report the names and times.
        told = [line.rstrip() for line in child.stdout.splitlines() if re.match(r"boundary/|\s+time:|a training|  \w", line)]
        return ["```text", *told, "```"]


class Compose:
    """Composition of a config with 20 overrides, against Hydra. Its script fails where the results differ or the host takes over 5 ms."""

    name = "compose"

    def __call__(self, bench):
        return printed_by(bench, self.name, "compose", "--rounds", bench.rounds, "--binary", bench.binary)


def printed_by(bench, subset, folder, *arguments):
    """The output of `folder/compare.py`, as a block of the report."""
    child = bench.python_script(HERE / folder / "compare.py", *arguments).check()
    measure.emit(subset=subset, seconds=child.seconds, printed=child.stdout)
    return ["```text", *child.stdout.rstrip().splitlines(), "```", ""]


SUBSETS = [Evaluator(), DataPath(), Boundary(), Compose()]

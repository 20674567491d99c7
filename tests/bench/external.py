"""`evaluator`, `data-path`: comparisons that are scripts of their own; what they print goes into the report."""

import environment
import measure
from bench import HERE


class External:
    """`folder/compare.py`, which takes `--rounds` and fails where the results differ; `cargo` builds what it calls."""

    def __init__(self, name, folder, cargo=()):
        self.name, self.script, self.cargo = name, HERE / folder / "compare.py", cargo

    def __call__(self, bench):
        if not self.script.exists():
            raise measure.Failed(f"{self.script.relative_to(environment.ROOT)} is missing")
        if self.cargo:
            measure.run(["cargo", *self.cargo], cwd=environment.ROOT).check()
        child = bench.python_script(self.script, "--rounds", bench.rounds).check()
        measure.emit(subset=self.name, seconds=child.seconds, printed=child.stdout)
        return ["```text", *child.stdout.rstrip().splitlines(), "```"]


SUBSETS = [
    External("evaluator", "evaluator", ["build", "--quiet", "-p", "evaluators", "--example", "full_ranking"]),
    External("data-path", "data_path"),
]

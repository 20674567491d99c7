"""What every subset is given, and how a peer is called."""

from dataclasses import dataclass, field
from pathlib import Path

import measure
import ours

HERE = Path(__file__).resolve().parent

# Freed memory is kept, and comes in huge pages.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(2**31 - 1),
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


@dataclass
class Bench:
    """The settings of a run of the harness."""

    python: Path
    binary: Path
    work: Path
    threads: int
    rounds: int
    epochs: int
    curve_epochs: int
    sizes: list
    limit_bytes: int
    quick: bool
    tune_allocator: bool
    keep: bool
    svg: Path
    failures: list = field(default_factory=list)

    def python_script(self, script, *arguments, threads=None, limit_bytes=None):
        """A script of this folder under the Python of the virtual environment."""
        env = ours.environment(threads or self.threads)
        if self.tune_allocator:
            # The host tells its allocator the same; for a PyG user it takes three variables.
            env.update(ALLOCATOR)
        return measure.run([self.python, HERE / script, *arguments], env=env, limit_bytes=limit_bytes)

    def pyg(self, *arguments, limit_bytes=None):
        """A run of pyg_peer.py as `ours.train` gives it."""
        child = self.python_script("pyg_peer.py", "--threads", self.threads, *arguments, limit_bytes=limit_bytes).check()
        result = child.last_json()
        result.update(epochs=len(result["epoch_s"]), total_s=child.seconds, peak_rss_bytes=child.peak_rss_bytes)
        return result

    def expect(self, holds, text):
        """A line for the report; a check that does not hold makes the harness exit with 1 at the end."""
        if holds:
            return f"{text}: holds"
        self.failures.append(text)
        return f"**{text}: DOES NOT HOLD**"

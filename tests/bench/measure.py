"""Child processes, timed: every figure of the harness comes from a process of its own.

The harness itself imports the standard library only. Linux counts what the parent had resident at the fork towards the
peak of the child, so a large parent would show in every figure.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass


class Failed(Exception):
    """A child that did not end well, or a check that did not hold."""


@dataclass
class Child:
    """What came of a process; `peak_rss_bytes` is the largest resident set that the kernel saw."""

    command: list
    returncode: int
    seconds: float
    peak_rss_bytes: int
    stdout: str
    stderr: str

    def check(self):
        if self.returncode != 0:
            command = " ".join(map(str, self.command))
            raise Failed(f"exit code {self.returncode} of: {command}\n{self.stderr[-2000:]}")
        return self

    def last_json(self):
        """The last line of standard output."""
        return json.loads(self.stdout.strip().splitlines()[-1])


def run(command, cwd=None, env=None, limit_bytes=None):
    """Runs `command` to its end. `limit_bytes` bounds its private writable memory (RLIMIT_DATA): allocations beyond it
    fail in the child instead of taking the machine down. RLIMIT_AS would also count what is only mapped."""

    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))

    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command], cwd=cwd, env=env, stdout=stdout, stderr=stderr,
            stdin=subprocess.DEVNULL, preexec_fn=limit if limit_bytes else None,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        return Child(command, process.returncode, seconds, usage.ru_maxrss * 1024, stdout.read(), stderr.read())


def emit(**record):
    """A measurement as a line of JSON."""
    print(json.dumps(record), flush=True)


def say(text):
    """To the human: standard error."""
    print(text, file=sys.stderr, flush=True)

"""Composition of the shipped `config_gat.yaml` with 20 overrides: Hydra and the host in turn.

Hydra is measured warm, `compose` and the resolving of interpolations alone, after a first composition that is not counted. The host's
figure is criterion's, files read each time. Then the whole process of both. Fails if the resolved configs differ.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
OVERRIDES = (HERE / "overrides.txt").read_text().splitlines()
UNITS = {"ns": 1e-6, "µs": 1e-3, "us": 1e-3, "ms": 1.0, "s": 1e3}
LIMIT_MS = 5.0


def hydra_compose(count):
    """Milliseconds of each composition, and the resolved config."""
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    times = []
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        for _ in range(count + 1):
            start = time.perf_counter()
            resolved = OmegaConf.to_container(compose("config_gat", overrides=OVERRIDES), resolve=True)
            times.append((time.perf_counter() - start) * 1e3)
    return times[1:], resolved


def host_compose():
    """Criterion's estimate in milliseconds."""
    command = ["cargo", "bench", "--quiet", "-p", "front", "--profile", "dev", "--bench", "compose", "--", "20 overrides"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    low, unit = re.search(r"time:\s+\[\S+ \S+ (\S+) (\S+)", printed).groups()
    return float(low) * UNITS[unit]


def process(command):
    """Milliseconds from start to end, and what it printed."""
    start = time.perf_counter()
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return (time.perf_counter() - start) * 1e3, printed


def spread(name, times):
    return f"{name:<44}{statistics.median(times):10.3f} ms   ({min(times):.3f} to {max(times):.3f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/debug/recsys-host")
    parser.add_argument("--as-process", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_process:
        print(json.dumps(hydra_compose(0)[1]))
        return
    host_compose()  # builds
    theirs, ours, their_processes, our_processes = [], [], [], []
    show = [arguments.binary, "config", "show", "configs/config_gat.yaml", *OVERRIDES, "--resolve"]
    for _ in range(arguments.rounds):
        ours.append(host_compose())
        times, resolved = hydra_compose(20)
        theirs.append(statistics.median(times))
        seconds, printed = process(show)
        our_processes.append(seconds)
        their_processes.append(process([sys.executable, __file__, "--as-process"])[0])
        if read_yaml(printed) != resolved:
            sys.exit(f"the resolved configs differ:\n{printed}\n{resolved}")
    print(f"config_gat.yaml, {len(OVERRIDES)} overrides, resolved; {arguments.rounds} rounds, the two in turn")
    print(spread("Hydra, compose in a warm process", theirs))
    print(spread("host, compose, files read each time", ours))
    print(spread("Hydra, a process that composes", their_processes))
    print(spread("host, `config show --resolve`", our_processes))
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(f"Hydra / host {ratio:.0f}; resolved configs identical; limit of the host {LIMIT_MS:g} ms")
    if statistics.median(ours) > LIMIT_MS:
        sys.exit(f"composition takes more than {LIMIT_MS:g} ms")


def read_yaml(text):
    import yaml
    from omegaconf._utils import get_yaml_loader

    return yaml.load(text, Loader=get_yaml_loader())


if __name__ == "__main__":
    main()

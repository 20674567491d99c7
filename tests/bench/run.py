"""Measures recsys-host against PyTorch Geometric, in turn, each measurement in a process of its own.

    run.py [SUBSET ...] [--quick] [--rounds N] [--epochs N]

Every measurement is a line of JSON on standard output; the tables go to standard error and to RESULTS.md. What the subsets
measure stands in README.md beside this file. Exits with 1 if a check does not hold or a child fails.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

import environment
import external
import measure
import paired
import report
from bench import HERE, Bench
from floor import Floor
from growth import Growth
from lightgcn import LightGCN
from threads import Threads

EVERYTHING = [*paired.SUBSETS, LightGCN(), *external.SUBSETS, Growth(), Floor(), Threads()]
SUBSETS = {subset.name: subset for subset in EVERYTHING}


def arguments_of(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subsets", nargs="*", metavar="SUBSET", help=f"{', '.join(SUBSETS)}; none: all of them")
    parser.add_argument("--rounds", type=int, help="how often each pair is measured (3; quick: 1)")
    parser.add_argument("--epochs", type=int, help="epochs of a training (100; quick: 5)")
    parser.add_argument("--curve-epochs", type=int, default=20, help="epochs over which losses are compared (20)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of both sides (all cores)")
    parser.add_argument("--sizes", help="growth: millions of ratings (0.1,1,10,32; quick: 0.1,0.3)")
    parser.add_argument("--limit-gib", type=float, default=20, help="growth: memory that a process may take (20)")
    parser.add_argument("--quick", action="store_true", help="small, to see that it works; RESULTS.md stays as it is")
    parser.add_argument("--tune-allocator", action="store_true", help="let the peer keep freed memory and use huge pages, as the host does")
    parser.add_argument("--keep", action="store_true", help="keep generated ratings for the next time")
    parser.add_argument("--venv", type=Path, help="the virtual environment (bench-venv in the user's cache)")
    parser.add_argument("--work", type=Path, help="where intermediate files go (bench in the user's cache)")
    parser.add_argument("--binary", type=Path, help="recsys-host (the build's)")
    parser.add_argument("--no-build", action="store_true", help="do not run `make plugins` first")
    parser.add_argument("--results", type=Path, help="the file to append to (RESULTS.md beside this script)")
    arguments = parser.parse_args(argv)
    if unknown := [name for name in arguments.subsets if name not in SUBSETS]:
        parser.error(f"no subset `{unknown[0]}`; there are: {', '.join(SUBSETS)}")
    return arguments


def prepare(arguments):
    if not arguments.no_build:
        environment.build()
    work = (arguments.work or environment.CACHE / "bench").resolve()
    work.mkdir(parents=True, exist_ok=True)
    sizes = arguments.sizes or ("0.1,0.3" if arguments.quick else "0.1,1,10,32")
    results = arguments.results or (work / "quick.md" if arguments.quick else HERE / "RESULTS.md")
    bench = Bench(
        python=environment.make_venv((arguments.venv or environment.CACHE / "bench-venv").absolute()),
        binary=(arguments.binary or environment.default_binary()).absolute(),
        work=work,
        threads=arguments.threads,
        rounds=arguments.rounds or (1 if arguments.quick else 3),
        epochs=arguments.epochs or (5 if arguments.quick else 100),
        curve_epochs=arguments.curve_epochs,
        sizes=[float(size) for size in sizes.split(",")],
        limit_bytes=int(arguments.limit_gib * 2**30),
        quick=arguments.quick,
        tune_allocator=arguments.tune_allocator,
        keep=arguments.keep,
        svg=results.parent / "growth.svg",
    )
    return bench, results


def main():
    # As an exception, so that the child in flight is ended and intermediate files are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    arguments = arguments_of(sys.argv[1:])
    bench, results = prepare(arguments)
    peer = ["- the peer keeps freed memory and uses huge pages, too"] if bench.tune_allocator else []
    head = environment.describe(bench.python, bench.binary, bench.threads)
    report.append(results, [f"## {head[0].removeprefix('- ')}", "", *head[1:], *peer])
    for name in arguments.subsets or SUBSETS:
        measure.say(f"{name} ...")
        try:
            lines = SUBSETS[name](bench)
        except measure.Failed as failure:
            bench.failures.append(f"{name}: {failure}")
            lines = ["Failed: " + str(failure).splitlines()[0]]
        section = [f"### {name}", "", *lines]
        measure.say("\n" + "\n".join(section) + "\n")
        report.append(results, section)
    measure.say(f"appended to {results}")
    if bench.failures:
        sys.exit("\n".join(["FAILED:", *bench.failures]))


if __name__ == "__main__":
    main()

"""From `ratings.csv` to the split graph: pandas and PyG's RandomLinkSplit against the real `recsys-host`, in turn, as medians.

Every run is a process of its own with as many threads; the page cache holds the file. Reported are

- wall: from the file to the finished split: PyG's from `read_csv` on, imports left out; ours from the host's line "run directory" (libraries
  and plugins are open) to its line "edges to predict", upon which this script ends the process. The fingerprint of the file and
  the graph cache, made anew, are in it. "whole" is ours from the start of the process.
- cpu: seconds of all threads, user and system, over the same span. On a machine that others use, wall times say little, and waiting
  threads must not spin: set OMP_WAIT_POLICY=passive, which both sides heed.
- peak: the largest resident memory of the process until then, and its ratio to the finished graph, whose tensors take 36 bytes
  a message edge (training and validation share theirs, an edge and its reverse share ids and attributes) and 20 a label.
- rows read: the parsing alone, for us as the host tells it under --verbose (SHA-256 of the file included), and for polars'
  `read_csv`.

Needs torch, torch_geometric, pandas and polars in the Python that runs it, and a built host with its plugins.
"""

import argparse
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve()
CHECKOUT = HERE.parents[3]


def run_pyg(path: str, threads: int) -> None:
    """The peer, in this process: prints its measurements."""
    import numpy as np
    import pandas as pd
    import torch
    import torch_geometric.transforms as T
    from torch_geometric.data import HeteroData

    torch.set_num_threads(threads)
    clock, cpu = time.perf_counter(), time.process_time()
    table = pd.read_csv(path)
    read_s = time.perf_counter() - clock
    users, user_ids = pd.factorize(table["userId"], sort=True)
    movies, movie_ids = pd.factorize(table["movieId"], sort=True)
    data = HeteroData()
    data["user"].num_nodes, data["movie"].num_nodes = len(user_ids), len(movie_ids)
    edges = data["user", "rates", "movie"]
    edges.edge_index = torch.stack([torch.from_numpy(users), torch.from_numpy(movies)])
    edges.rating = torch.from_numpy(table["rating"].to_numpy(np.float32))
    edges.timestamp = torch.from_numpy(table["timestamp"].to_numpy(copy=True))
    data = T.ToUndirected()(data)
    split = T.RandomLinkSplit(
        num_val=0.1,
        num_test=0.1,
        add_negative_train_samples=True,
        edge_types=[("user", "rates", "movie")],
        rev_edge_types=[("movie", "rev_rates", "user")],
    )
    train, _, _ = split(data)
    wall, cpu = time.perf_counter() - clock, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert train["user", "rates", "movie"].edge_label.numel() > 0
    print(f"wall={wall} cpu={cpu} peak={peak} read={read_s}")


def run_polars(path: str) -> None:
    """polars' parsing alone, in this process."""
    import polars as pl

    clock, cpu = time.perf_counter(), time.process_time()
    table = pl.read_csv(path)
    wall, cpu = time.perf_counter() - clock, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert table.height > 0
    print(f"wall={wall} cpu={cpu} peak={peak} read={wall}")


def peer(name: str, path: pathlib.Path, threads: int) -> dict[str, float]:
    """Runs a peer in a fresh process."""
    environment = os.environ | {"POLARS_MAX_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, str(HERE), str(path), "--threads", str(threads), "--only", name]
    output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {key: float(value) for key, value in re.findall(r"(\w+)=([\d.e+-]+)", output)}


def cpu_and_peak(pid: int) -> tuple[float, float]:
    """Seconds of all threads and the largest resident memory in bytes of a running process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return ticks / os.sysconf("SC_CLK_TCK"), int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024


def ours(binary: pathlib.Path, folder: pathlib.Path, threads: int, cached: bool) -> dict[str, float]:
    """Runs the host up to the finished split and ends it there."""
    if not cached:
        shutil.rmtree(folder / "data/processed", ignore_errors=True)
    command = [binary, "train", CHECKOUT / "configs/config.yaml", "--verbose", f"threads={threads}", "device=cpu"]
    command += ["data.params.env=25m", "data.params.sources=[raw]", "trainer.params.num_epochs=0"]
    clock = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    found: dict[str, float] = {}
    log = []
    for line in process.stderr:
        log.append(line)
        if line.startswith("run directory"):
            begin, cpu_before = time.perf_counter(), cpu_and_peak(process.pid)[0]
        if seconds := re.search(r"rows read in ([\d.]+) s", line):
            found["read"] = float(seconds[1])
        if counts := re.search(r"edges to predict: train (\d+), val (\d+), test (\d+)", line):
            now = time.perf_counter()
            found["wall"], found["whole"] = now - begin, now - clock
            found["cpu"], found["peak"] = cpu_and_peak(process.pid)
            found["cpu"] -= cpu_before
            train, val, test = map(int, counts.groups())
            found["graph"] = 36.0 * (2 * train + val) + 20.0 * 2 * (train + val + test)
            break
    process.kill()
    process.wait()
    if "wall" not in found:
        raise SystemExit("the host failed:\n" + "".join(log))
    return found


def median(runs: list[dict[str, float]], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def spread(runs: list[dict[str, float]], key: str) -> str:
    values = [run[key] for run in runs]
    return f"{statistics.median(values):7.2f} s ({min(values):.2f} to {max(values):.2f})"


def report(results: dict[str, list[dict[str, float]]], n_rows: int) -> None:
    for name, runs in results.items():
        million = n_rows / median(runs, "wall") / 1e6
        print(f"{name:13} wall {spread(runs, 'wall')}  cpu {spread(runs, 'cpu')}  {million:6.2f} million rows/s", end="")
        print(f"  peak {median(runs, 'peak') / 2**20:6.0f} MiB", end="")
        if "graph" in runs[0]:
            graph = median(runs, "graph")
            print(f" = {median(runs, 'peak') / graph:.2f} x finished graph ({graph / 2**20:.0f} MiB)", end="")
        if "whole" in runs[0]:
            print(f"  whole {median(runs, 'whole'):.2f} s", end="")
        if "read" in runs[0]:
            print(f"  rows read in {median(runs, 'read'):.3f} s", end="")
        print()
    if "pyg" in results:
        for key in ("wall", "cpu", "peak"):
            print(f"pyg / ours, {key}: {median(results['pyg'], key) / median(results['ours'], key):.1f}")
    if "polars" in results:
        print(f"polars / ours, reading: {median(results['polars'], 'read') / median(results['ours'], 'read'):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ratings", type=pathlib.Path, help="a ratings.csv, for example made by generate.py")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", default="pyg,polars", help="comma-separated; empty for ours alone")
    parser.add_argument("--binary", type=pathlib.Path, default=CHECKOUT / "target/debug/recsys-host")
    parser.add_argument("--only", choices=["pyg", "polars"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    path = arguments.ratings.resolve()
    if arguments.only == "pyg":
        return run_pyg(str(path), arguments.threads)
    if arguments.only == "polars":
        return run_polars(str(path))

    with path.open("rb") as file:  # also brings the file into the page cache
        n_rows = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 24), b"")) - 1
    names = [name for name in arguments.peers.split(",") if name]
    results: dict[str, list[dict[str, float]]] = {name: [] for name in [*names, "ours", "ours, cached"]}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        (folder / "data/raw/ml-25m").mkdir(parents=True)
        (folder / "data/raw/ml-25m/ratings.csv").symlink_to(path)
        os.sync()  # what was generated just before is on the disk: nobody's measurement waits for it
        for run in range(arguments.runs):
            for name in names:
                results[name].append(peer(name, path, arguments.threads))
            results["ours"].append(ours(arguments.binary, folder, arguments.threads, cached=False))
            results["ours, cached"].append(ours(arguments.binary, folder, arguments.threads, cached=True))
            print(f"run {run + 1} of {arguments.runs} done", file=sys.stderr)
    print(f"{n_rows} rows, {arguments.threads} threads, medians (least to greatest) of {arguments.runs} runs in turn")
    report(results, n_rows)


if __name__ == "__main__":
    main()

"""`recsys-host` as the harness calls it."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import measure
from environment import ROOT


def train(bench, config, overrides, cwd=ROOT, threads=None, limit_bytes=None):
    """A whole `recsys-host train`; gives what a peer prints: times, losses, metrics, peak memory."""
    threads = threads or bench.threads
    with tempfile.TemporaryDirectory(dir=bench.work, prefix="run-") as folder:
        run_dir = Path(folder) / "run"
        command = [
            bench.binary, "train", "--quiet", ROOT / "configs" / f"{config}.yaml", *overrides,
            "device=cpu", f"threads={threads}", f"run_dir={run_dir}",
        ]
        child = measure.run(command, cwd=cwd, env=environment(threads), limit_bytes=limit_bytes).check()
        epochs = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
        result = json.loads((run_dir / "result.json").read_text())
    return {
        "epochs": len(epochs),
        "epoch_s": [epoch["seconds"] for epoch in epochs],
        "total_s": child.seconds,
        "peak_rss_bytes": child.peak_rss_bytes,
        "train_loss": [epoch["train_loss"] for epoch in epochs],
        "val_loss": [epoch.get("val_loss") for epoch in epochs],
        "test": {name.removeprefix("test."): value for name, value in result["metrics"].items()},
        "timing": result["timing"],
        "records": epochs,
    }


def load(bench, overrides, cwd=ROOT, config="config_gat", export=None, limit_bytes=None):
    """`recsys-host load`: the child with its time and memory."""
    command = [bench.binary, "load", "--quiet", ROOT / "configs" / f"{config}.yaml", *overrides]
    command += ["--export", export] if export else []
    return measure.run(command, cwd=cwd, env=environment(bench.threads), limit_bytes=limit_bytes).check()


def export_with_features(bench, env, width):
    """Graph and splits of a MovieLens release with random features, which both sides then train on."""
    graph = bench.work / f"{env}-{width}.safetensors"
    with tempfile.TemporaryDirectory(dir=bench.work) as folder:
        plain = Path(folder) / "plain.safetensors"
        load(bench, [f"data.params.env={env}"], export=plain)
        bench.python_script("add_features.py", plain, Path(folder) / "graph.safetensors", "--width", width).check()
        shutil.move(Path(folder) / "graph.safetensors", graph)
    return graph


def environment(threads):
    """The user's, with as many threads as asked for from the first operation on."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}

"""The virtual environment of the peers, the build of ours, and what a table has to say about the machine."""

import datetime
import os
import platform
import re
import subprocess
from pathlib import Path

import measure

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "recsys-host"
REQUIREMENTS = {
    "torch": "torch==2.13.0",
    "torch-geometric": "torch-geometric",
    "numpy": "numpy",
    "pandas": "pandas",
    "polars": "polars",
    "psutil": "psutil",
    "safetensors": "safetensors",
    "scikit-learn": "scikit-learn",
    "optuna": "optuna",
    "hydra-core": "hydra-core==1.3.8",
}
VERSIONS = """
import importlib.metadata as metadata, json, sys
def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
print(json.dumps({name: version(name) for name in sys.argv[1:]}))
"""


def versions(python):
    """Of the required packages, None for one that is missing."""
    return measure.run([python, "-c", VERSIONS, *REQUIREMENTS]).check().last_json()


def make_venv(folder):
    """Makes the virtual environment, or completes the one that is there; gives its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        measure.say(f"making a virtual environment in {folder}")
        subprocess.run(["python3", "-m", "venv", folder], check=True)
    missing = [REQUIREMENTS[name] for name, version in versions(python).items() if version is None]
    if missing:
        measure.say(f"installing {' '.join(missing)}")
        subprocess.run([python, "-m", "pip", "install", "--quiet", *missing], check=True)
    return python


def build():
    subprocess.run(["make", "plugins"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def default_binary():
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "recsys-host"


def git_commit():
    def git(*arguments):
        child = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        return child.stdout.strip()

    commit = git("rev-parse", "--short", "HEAD") or "no git"
    others = [f":(top,exclude)tests/bench/{written}" for written in ("RESULTS.md", "growth.svg")]
    changes = git("status", "--porcelain", "--untracked-files=no", "--", ":(top)", *others)
    return f"{commit} with local changes" if changes else commit


def processor():
    """The name, and the widest vectors, which decide more than the name."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    name = re.search(r"model name\s*:\s*(.*)", text)
    flags = set((re.search(r"flags\s*:\s*(.*)", text) or [None, ""])[1].split())
    vectors = next((vector for vector in ("avx512f", "avx2", "sse2") if vector in flags), platform.machine())
    return f"{name[1] if name else platform.processor()} ({vectors})"


def describe(python, binary, threads):
    """The lines that head a table."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    ours = measure.run([binary, "--version"]).check().stdout.strip()
    libtorch = re.search(r'\[workspace\.metadata\.libtorch\]\s*version = "([^"]+)"', (ROOT / "Cargo.toml").read_text())
    theirs = ", ".join(f"{name} {version}" for name, version in versions(python).items())
    return [
        f"- {datetime.datetime.now():%Y-%m-%d %H:%M}, commit {git_commit()}",
        f"- {processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; {threads} threads; load {os.getloadavg()[0]:.1f}"
        f" at the start; {platform.system()} {platform.release()}",
        f"- {ours}, libtorch {libtorch[1] if libtorch else '?'}",
        f"- Python {python_version(python)}, {theirs}",
    ]


def python_version(python):
    return measure.run([python, "-c", "import json, platform; print(json.dumps(platform.python_version()))"]).last_json()

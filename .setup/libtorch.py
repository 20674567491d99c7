#!/usr/bin/env python3
"""Links a libtorch of the pinned version as `.libtorch` in the checkout, fetching it once for each user.

Order: `$LIBTORCH`, the link that stands already, the per-user cache, the CPU wheel of PyTorch's own index, the wheel
of the Python package index. The pin is `[workspace.metadata.libtorch]` of Cargo.toml; checksums are in wheels.json.
Needs Python 3.9 and pip. Building the bindings (torch-sys) and the host is cargo's work.

Variables: LIBTORCH, XDG_CACHE_HOME, RECSYS_TORCH_INDEX (the page of CPU wheels; empty: do not ask it).
"""

import argparse
import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WHEELS = Path(__file__).resolve().parent / "wheels.json"
TORCH_INDEX = "https://download.pytorch.org/whl/cpu/torch/"
INDEX_TIMEOUT_S = 10
# One Python's wheel for everyone: what we keep of it is the same in each, and one file has one checksum.
WHEEL_PYTHON = "3.11"
WHEEL_TAG = "cp311"
GLIBC_TAGS = [f"manylinux_2_{minor}" for minor in range(28, 16, -1)] + ["manylinux2014"]  # pip implies none
# The linker script makes `-ltorch` mean the CPU library: in the wheel it is a stub that would also link CUDA.
LIBTORCH_SO = "INPUT ( libtorch_cpu.so )\n"
PROBE_HEADER = "include/torch/csrc/api/include/torch/torch.h"
# What glibc and gcc's runtime packages bring on every machine that can compile C++.
SYSTEM_LIBRARIES = re.compile(r"(ld-linux-[\w-]+|lib(c|m|dl|pthread|rt|util|gcc_s|stdc\+\+))\.so\.\d+$")
# The driver's library: comes with the graphics driver and from nowhere else.
DRIVER_LIBRARY = "libcuda.so.1"
# Roughly, for the space check only: nobody has pinned the CUDA packages' sizes.
CUDA_BYTES, CUDA_KEEPS = 2_500_000_000, 5_500_000_000


class SetupError(Exception):
    """An expected failure: what, the reason, the cure."""


def say(text):
    print(f"setup: {text}", file=sys.stderr, flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--device", choices=("cpu", "cuda"), help="default: keep what is linked, else cpu")
    device = arguments.parse_args().device
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that SIGTERM unwinds and clears the temporary folder
    try:
        setup(ROOT, device)
    except SetupError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("error: interrupted; nothing half-made was left behind. Run `make setup` again.")
    except OSError as error:
        sys.exit(f"error: setup of libtorch failed: {error}")


def setup(root, device):
    check_tools()
    version = pinned_version(root)
    linked = root / ".libtorch"
    tree = users_own(linked, version, device)
    if tree is None and problem(linked, version, device) is None:
        return
    tree = tree or cached(version, device or "cpu")
    link(linked, tree)
    say(f".libtorch -> {tree} (libtorch {version})")


def check_tools():
    compiler = (os.environ.get("CXX") or "c++").split()[0]
    missing = [tool for tool in (compiler, "cc", "readelf") if shutil.which(tool) is None]
    if missing:
        raise SetupError(
            f"no {', '.join(missing)} on the PATH, and the bindings of libtorch are C++.\n"
            "  Cure: apt-get install gcc g++ (which brings binutils with readelf)"
        )


def pinned_version(root):
    text = (root / "Cargo.toml").read_text(encoding="utf-8")
    # No TOML reader stands in Python before 3.11, and one line needs none.
    found = re.search(r'^\[workspace\.metadata\.libtorch\]\s*^version\s*=\s*"([^"]+)"', text, re.MULTILINE)
    if not found:
        raise SetupError(f'{root}/Cargo.toml has no [workspace.metadata.libtorch] followed by version = "..."')
    return found.group(1)


# ---- Trees that are there already


def problem(tree, version, device=None):
    """Why `tree` is not the libtorch that we need, or None if it is."""
    try:
        found = (tree / "build-version").read_text(encoding="utf-8").strip()
    except OSError:
        return "has no file build-version"
    if found.split("+")[0] != version:  # the official builds say 2.11.0+cpu
        return f"is version {found}, needed is {version}"
    needed = ["lib/libtorch.so", "lib/libtorch_cpu.so", "lib/libc10.so", PROBE_HEADER]
    needed += ["lib/libtorch_cuda.so"] if device == "cuda" else []
    if device == "cpu" and (tree / "lib/libtorch_cuda.so").exists():
        return "is a CUDA build"
    absent = [name for name in needed if not (tree / name).exists()]
    return f"lacks {', '.join(absent)}" if absent else None


def users_own(linked, version, device):
    """The tree of `$LIBTORCH` if it serves. An installed CUDA build serves as a CPU one too."""
    value = os.environ.get("LIBTORCH")
    if not value or Path(value).absolute() == linked.absolute():  # inside cargo it is our link: no wish of the user
        return None
    reason = problem(Path(value), version, "cuda" if device == "cuda" else None)
    if reason is None:
        return Path(value).resolve()
    say(f"warning: LIBTORCH={value} {reason}: passed over")
    return None


def link(linked, tree):
    if linked.is_symlink() and linked.resolve() == tree.resolve():
        return
    if linked.exists() and not linked.is_symlink():
        raise SetupError(f"{linked} is a folder that setup did not make.\n  Cure: move it away, or name it in LIBTORCH")
    moved, fresh = linked.is_symlink(), linked.with_name(f".libtorch.{os.getpid()}")
    os.symlink(tree, fresh)
    os.rename(fresh, linked)  # replaces the old link in one step: a build never sees it absent
    build_script = linked.parent / "plugin-api/link_libtorch.rs"
    if moved and build_script.exists():
        os.utime(build_script)  # binaries hold the path behind the link, so cargo must link them again


# ---- The cache


def cached(version, device):
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "recsys-host"
    cache.mkdir(parents=True, exist_ok=True)
    tree = cache / f"libtorch-{version}-{device}"
    if problem(tree, version, device) is None:
        return tree
    with lock(cache / "lock"):
        if problem(tree, version, device) is None:  # another setup made it while we waited
            return tree
        for leftover in cache.glob("tmp-*"):  # only holders of the lock make these: their makers are dead
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="tmp-", dir=cache) as temporary:
            made = make_tree(Path(temporary), version, device)
            if reason := problem(made, version, device):
                raise SetupError(f"the libtorch just made {reason}. This is a mistake of {Path(__file__).name}")
            shutil.rmtree(tree, ignore_errors=True)
            os.rename(made, tree)
    return tree


@contextlib.contextmanager
def lock(path):
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another setup is fetching libtorch; waiting for it ({path})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_tree(temporary, version, device):
    pin = pinned_wheel(version)
    extra_bytes, extra_keeps = (CUDA_BYTES, CUDA_KEEPS) if device == "cuda" else (0, 0)
    keeps = pin["keeps"] + extra_keeps
    check_space(temporary, 2 * (pin["bytes"] + extra_bytes) + keeps)  # pip copies what it has fetched once more
    wheel = from_pytorch(temporary, version, keeps) if device == "cpu" else None
    if wheel is None:
        say(f"fetching torch {version} with pip, {size(pin['bytes'])}, keeps {size(keeps)} in {temporary.parent}")
        wheel = from_pip(temporary, pin)
    tree, libraries = temporary / "tree", cuda_libraries if device == "cuda" else cpu_libraries
    try:
        with zipfile.ZipFile(wheel) as archive:
            unpack(archive, "torch/include/", tree / "include")
            libraries(archive, tree / "lib", temporary)
    except (zipfile.BadZipFile, EOFError) as error:
        raise SetupError(f"{wheel.name} is broken: {error}\n  Cure: run `make setup` again") from error
    (tree / "lib/libtorch.so").write_text(LIBTORCH_SO)
    (tree / "build-version").write_text(f"{version}\n")
    return tree


def check_space(folder, needed):
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SetupError(
            f"{folder.parent} has {size(free)} free, and the setup of libtorch needs {size(needed)} for a while.\n"
            "  Cure: make room, or set XDG_CACHE_HOME to a folder on another disk"
        )


def size(n_bytes):
    return f"{n_bytes / 1e9:.2f} GB" if n_bytes >= 995_000_000 else f"{n_bytes / 1e6:.0f} MB"


# ---- Fetching


def pins():
    here = platform.machine() if platform.system() == "Linux" else None
    return [pin for pin in json.loads(WHEELS.read_text(encoding="utf-8")) if pin["machine"] == here]


def pinned_wheel(version):
    for pin in pins():
        if (pin["package"], pin["version"]) == ("torch", version):
            return pin
    raise SetupError(
        f"{WHEELS.name} holds no checksum of torch {version} for {platform.system()} on {platform.machine()}.\n"
        f"  Cure: set LIBTORCH to an unpacked libtorch {version}, or add the wheel to {WHEELS.name}"
    )


def from_pytorch(temporary, version, keeps):
    """The CPU wheel of PyTorch's own index, smaller and free of CUDA; None (and one line) if it cannot be had."""
    page = os.environ.get("RECSYS_TORCH_INDEX", TORCH_INDEX)
    if not page:
        return None
    try:
        with urllib.request.urlopen(page, timeout=INDEX_TIMEOUT_S) as answer:
            links = re.findall(r'href="([^"]+)"', answer.read().decode("utf-8", "replace"))
        address, sha256 = choose_wheel(page, links, version)
        name = urllib.parse.unquote(address.rsplit("/", 1)[1])
        with urllib.request.urlopen(address, timeout=INDEX_TIMEOUT_S) as answer:
            total = int(answer.headers.get("Content-Length") or 0)
            say(f"fetching {name}, {size(total)}, keeps at most {size(keeps)} in {temporary.parent}")
            return download(answer, total, temporary / name, sha256)
    except (OSError, ValueError, http.client.HTTPException) as error:  # URLError is an OSError
        say(f"PyTorch's own index cannot serve the CPU wheel ({getattr(error, 'reason', error)}); going on with pip")
        return None


def choose_wheel(page, links, version):
    ending = re.compile(rf"/torch-{re.escape(version)}\+cpu-{WHEEL_TAG}-{WHEEL_TAG}-\w*{platform.machine()}\.whl$")
    for href in links:
        address, _, fragment = urllib.parse.urljoin(page, href).partition("#")
        if ending.search(urllib.parse.unquote(address)):
            return address, fragment.partition("sha256=")[2]  # with no sum there, the comparison fails
    raise ValueError(f"it has no torch {version}+cpu for {WHEEL_TAG} on {platform.machine()}")


def download(answer, total, target, sha256):
    digest, done = hashlib.sha256(), 0
    with open(target, "wb") as file:
        while chunk := answer.read(1 << 20):
            file.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            if sys.stderr.isatty():
                print(f"\r  {size(done)} of {size(total)} ", end="", file=sys.stderr, flush=True)
    if digest.hexdigest() != sha256:
        target.unlink()
        raise ValueError(f"sha256 of what came is {digest.hexdigest()}, the page says {sha256}")
    return target


def from_pip(temporary, pin):
    """One pinned wheel; pip refuses a file of another checksum."""
    wanted, folder = f"{pin['package']}=={pin['version']}", temporary / pin["package"]
    listing = temporary / "requirements.txt"
    listing.write_text(f"{wanted} --hash=sha256:{pin['sha256']}\n")
    pip(temporary, folder, wanted, "--require-hashes", "--no-deps", f"--requirement={listing}")
    for wheel in folder.glob("*.whl"):
        return wheel
    raise SetupError(f"pip said that it fetched {wanted}, but there is no wheel")


def pip(temporary, folder, wanted, *what):
    command = [sys.executable, "-m", "pip", "download", "--only-binary=:all:", "--implementation=cp"]
    command += [f"--python-version={WHEEL_PYTHON}", f"--dest={folder}"]
    command += [f"--platform={tag}_{platform.machine()}" for tag in GLIBC_TAGS]
    command += ["--disable-pip-version-check", "--no-cache-dir"]  # our tree is the cache
    command += [] if sys.stderr.isatty() else ["--quiet", "--progress-bar=off"]
    environment = {**os.environ, "TMPDIR": str(temporary)}  # the disk whose space was checked
    # Standard output belongs to the command that make runs after us.
    with subprocess.Popen([*command, *what], stdout=sys.stderr, env=environment) as process:
        try:
            # Not one long wait: a signal that comes just before that blocks is heard only when pip has ended.
            while process.poll() is None:
                time.sleep(0.05)
        except BaseException:  # interrupted: pip must be gone before its folder is removed
            process.kill()
            process.wait()
            raise
    if process.returncode:
        raise SetupError(
            f"pip could not fetch {wanted}; its own message stands above.\n"
            "  Cure: see that `python3 -m pip download` works here (Debian: apt-get install python3-pip), with the index\n"
            "  of your pip configuration, or set LIBTORCH to an unpacked libtorch of the pinned version"
        )


# ---- Unpacking


def unpack(archive, prefix, target):
    for member in archive.infolist():
        if member.filename.startswith(prefix) and not member.is_dir():
            copy_member(archive, member, target / member.filename[len(prefix) :])


def copy_member(archive, member, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, open(path, "wb") as file:  # reading to the end checks the CRC
        shutil.copyfileobj(source, file, 1 << 20)


def shared_objects(archive):
    """Every library of a wheel by its file name; Python's extension modules are none."""
    names = {}
    for member in archive.infolist():
        name = member.filename.rsplit("/", 1)[-1]
        if re.search(r"\.so(\.[\w.]+)?$", name) and "cpython" not in name:
            names.setdefault(name, member)
    return names


def needed_by(library):
    environment = {**os.environ, "LC_ALL": "C"}
    found = subprocess.run(["readelf", "-d", str(library)], capture_output=True, text=True, env=environment)
    if found.returncode or "Dynamic section" not in found.stdout:
        raise SetupError(f"{library.name} of the wheel is no shared library: {found.stderr.strip()}")
    return re.findall(r"\(NEEDED\).*\[(.+)\]", found.stdout)


def cpu_libraries(archive, target, temporary):
    """libtorch_cpu.so and whatever it needs, from the wheel itself or from the small wheels that provide it."""
    inside, wanted = shared_objects(archive), ["libtorch_cpu.so"]
    while wanted:
        name = wanted.pop()
        if SYSTEM_LIBRARIES.match(name) or (target / name).exists():
            continue
        if name in inside:
            copy_member(archive, inside[name], target / name)
        else:
            fetch_provider(name, target, temporary)
        wanted += needed_by(target / name)


def fetch_provider(name, target, temporary):
    for pin in pins():
        if pin.get("provides") == name:
            say(f"fetching {pin['package']} {pin['version']} with pip, {size(pin['bytes'])}, for {name}")
            with zipfile.ZipFile(from_pip(temporary, pin)) as archive:
                inside = shared_objects(archive)
                if name in inside:
                    return copy_member(archive, inside[name], target / name)
    raise SetupError(f"libtorch needs {name}, which is neither in the wheel nor in a package of {WHEELS.name}")


def cuda_libraries(archive, target, temporary):
    """All libraries of the wheel and of the CUDA packages that it requires, in one folder.

    Tried with small wheels made by the test; of the real ones (about 2.5 GB) only that pip resolves them for x86_64. The
    torch wheel's checksum is pinned; for the CUDA packages pip checks the sums that its index gives.
    """
    for name, member in shared_objects(archive).items():
        if name not in ("libtorch_python.so", "libtorch.so"):  # the first needs a Python, the second is LIBTORCH_SO
            copy_member(archive, member, target / name)
    folder = temporary / "cuda"
    requirements = cuda_requirements(archive)
    say(f"fetching the CUDA libraries with pip, about {size(CUDA_BYTES)}: {', '.join(requirements)}")
    pip(temporary, folder, "the CUDA libraries", *requirements)
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as package:
            for name, member in shared_objects(package).items():
                copy_member(package, member, target / name)
    for library in ("libtorch_cpu.so", "libtorch_cuda.so"):
        for name in needed_by(target / library):
            if not (SYSTEM_LIBRARIES.match(name) or name == DRIVER_LIBRARY or (target / name).exists()):
                raise SetupError(f"{library} needs {name}, which no package that the wheel requires brought")


def cuda_requirements(archive):
    metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    text = archive.read(metadata).decode("utf-8")
    return re.findall(r"^Requires-Dist: ((?:nvidia-|cuda-toolkit\b)[^;\s]*)", text, re.MULTILINE)


if __name__ == "__main__":
    main()

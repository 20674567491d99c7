"""Tests of .setup/libtorch.py as users run it, with tiny wheels: real pip without an index, a web page on 127.0.0.1.

Left out: the real wheels (half a GB), which CI's `make setup` fetches.
"""

import hashlib
import http.server
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
MACHINE = platform.machine()
UNREACHABLE = "http://127.0.0.1:9/whl/cpu/torch/"  # port 9 (discard): nothing listens, refused at once
METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n{}"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: {}\n"


def library(folder, name, needs=(), text="int f(void) { return 1; }"):
    """A real shared library whose NEEDED entries are `needs`."""
    stubs = []
    for need in needs:
        stub = folder / "stubs" / need
        stub.parent.mkdir(exist_ok=True)
        compile_library(stub, "int g(void) { return 2; }")
        stubs.append(str(stub))
    compile_library(folder / name, text, *stubs)
    return (folder / name).read_bytes()


def compile_library(path, text, *more):
    command = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-x", "none", f"-Wl,-soname,{path.name}", "-Wl,--no-as-needed"]
    subprocess.run([*command, *more, "-o", str(path)], input=text.encode(), check=True)


def wheel(folder, name, version, tag, members, requires=""):
    path = folder / f"{name.replace('-', '_')}-{version}-{tag}.whl"
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
        archive.writestr(f"{info}/METADATA", METADATA.format(name, version, requires))
        archive.writestr(f"{info}/WHEEL", WHEEL.format(tag))
        archive.writestr(f"{info}/RECORD", "")
    return path


class Wheels:
    """The pip wheels and PyTorch's CPU wheel in small, made once for all tests."""

    def __init__(self, folder):
        build = folder / "build"
        self.pip, self.index = folder / "pip", folder / "index"
        for path in (build, self.pip, self.index):
            path.mkdir()
        cuda = ["libcudart.so.13", "libcupti.so.13"]
        common = {
            "torch/include/torch/csrc/api/include/torch/torch.h": "// torch.h",
            "torch/include/ATen/ATen.h": "// ATen.h",
            "torch/lib/libc10.so": library(build, "libc10.so"),
            "torch/lib/libgomp.so.1": library(build, "libgomp.so.1"),
            "torch/lib/libtorch.so": "a stub that links CUDA",
            "torch/lib/libtorch_python.so": "needs a Python",
        }
        cpu = library(build, "libtorch_cpu.so", ["libc10.so", "libgomp.so.1"])
        cuda_cpu = library(build, "libtorch_cpu.so", ["libc10.so", "libgomp.so.1", *cuda])
        gpu = library(build, "libtorch_cuda.so", ["libtorch_cpu.so", "libc10.so", *cuda])
        tag = f"cp311-cp311-manylinux_2_28_{MACHINE}"
        members = {**common, "torch/lib/libtorch_cpu.so": cuda_cpu, "torch/lib/libtorch_cuda.so": gpu}
        requires = 'Requires-Dist: filelock\nRequires-Dist: nvidia-cuda-runtime==13.0.96 ; platform_system == "Linux"\n'
        requires += "Requires-Dist: nvidia-cuda-cupti==13.0.85\nRequires-Dist: triton==3.6.0\n"
        small = f"py3-none-manylinux_2_17_{MACHINE}"
        made = [wheel(self.pip, "torch", "2.11.0", tag, members, requires)]
        for name, version, provides in (
            ("nvidia-cuda-runtime", "13.0.96", cuda[0]),
            ("nvidia-cuda-cupti", "13.0.85", cuda[1]),
        ):
            content = {f"nvidia/cu13/lib/{provides}": library(build, provides)}
            made.append(wheel(self.pip, name, version, small, content))
        self.pins = [pin(path) for path in made]
        self.pins[1]["provides"], self.pins[2]["provides"] = cuda
        self.cpu = wheel(self.index, "torch", "2.11.0+cpu", tag, {**common, "torch/lib/libtorch_cpu.so": cpu})


def pin(path):
    name, version = path.name.split("-")[:2]
    content = path.read_bytes()
    return {
        "package": name.replace("_", "-"),
        "version": version,
        "machine": MACHINE,
        "bytes": len(content),
        "keeps": 1000,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.TemporaryDirectory()
        cls.wheels = Wheels(Path(cls.shared.name))
        cls.addClassCleanup(cls.shared.cleanup)

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.root = self.folder / "checkout"
        (self.root / ".setup").mkdir(parents=True)
        shutil.copy(CHECKOUT / ".setup/libtorch.py", self.root / ".setup")
        self.write_pin("2.11.0")
        self.write_wheels(self.wheels.pins)
        self.cache = self.folder / "cache/recsys-host"
        self.found = self.folder / "wheels"
        shutil.copytree(self.wheels.pip, self.found)

    def write_pin(self, version):
        (self.root / "Cargo.toml").write_text(f'[workspace.metadata.libtorch]\nversion = "{version}"\n')

    def write_wheels(self, pins):
        (self.root / ".setup/wheels.json").write_text(json.dumps(pins))

    def command(self, *arguments, **variables):
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environment = {
            **kept,
            "XDG_CACHE_HOME": str(self.cache.parent),
            "RECSYS_TORCH_INDEX": UNREACHABLE,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.found),
            **variables,
        }
        command = [sys.executable, str(self.root / ".setup/libtorch.py"), *arguments]
        return {"args": command, "env": environment, "stderr": subprocess.PIPE, "text": True}

    def setup_libtorch(self, *arguments, **variables):
        return subprocess.run(**self.command(*arguments, **variables))

    def succeeds(self, *arguments, **variables):
        done = self.setup_libtorch(*arguments, **variables)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(list(self.cache.glob("tmp-*")), [])
        return done.stderr

    def fails(self, *arguments, **variables):
        done = self.setup_libtorch(*arguments, **variables)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertIn("error: ", done.stderr)
        return done.stderr

    def assert_nothing_left(self):
        self.assertFalse((self.root / ".libtorch").is_symlink())
        self.assertEqual([path.name for path in self.cache.glob("*") if path.name != "lock"], [])

    def tree(self):
        return (self.root / ".libtorch").resolve()

    def libraries(self):
        return sorted(path.name for path in (self.tree() / "lib").iterdir())

    def own_libtorch(self, version):
        own = self.folder / f"own-{version}"
        shutil.copytree(self.tree(), own)
        (own / "build-version").write_text(f"{version}\n")
        (self.root / ".libtorch").unlink()
        return own


class WithPip(Case):
    def test_makes_the_tree_and_a_second_run_changes_nothing(self):
        said = self.succeeds()
        self.assertIn("PyTorch's own index cannot serve the CPU wheel (", said)
        self.assertIn("fetching torch 2.11.0 with pip, 0 MB, keeps 0 MB", said)
        self.assertEqual(self.tree(), self.cache.resolve() / "libtorch-2.11.0-cpu")
        self.assertEqual(
            self.libraries(),
            ["libc10.so", "libcudart.so.13", "libcupti.so.13", "libgomp.so.1", "libtorch.so", "libtorch_cpu.so"],
        )
        self.assertEqual((self.tree() / "lib/libtorch.so").read_text(), "INPUT ( libtorch_cpu.so )\n")
        self.assertEqual((self.tree() / "build-version").read_text(), "2.11.0\n")
        self.assertTrue((self.tree() / "include/ATen/ATen.h").is_file())

        def state():
            inside = [path for top in (self.root, self.cache) for path in (top, *top.rglob("*"))]
            return {path: path.lstat().st_mtime_ns for path in inside}

        before = state()
        shutil.rmtree(self.found)  # nor is anything fetched
        self.assertEqual(self.succeeds(), "")
        self.assertEqual(state(), before)

    def test_a_second_checkout_takes_it_from_the_cache(self):
        self.succeeds()
        (self.root / ".libtorch").unlink()
        shutil.rmtree(self.found)
        said = self.succeeds()
        self.assertNotIn("fetching", said)
        self.assertIn("INPUT", (self.tree() / "lib/libtorch.so").read_text())

    def test_a_wrong_checksum_leaves_nothing(self):
        self.write_wheels([{**pin, "sha256": "0" * 64} for pin in self.wheels.pins])
        self.assertIn("pip could not fetch torch==2.11.0", self.fails())
        self.assert_nothing_left()

    def test_a_wrong_checksum_of_a_small_wheel_leaves_nothing(self):
        self.write_wheels([self.wheels.pins[0], *({**pin, "sha256": "0" * 64} for pin in self.wheels.pins[1:])])
        self.assertIn("pip could not fetch nvidia-cuda-", self.fails())
        self.assert_nothing_left()

    def test_a_truncated_wheel_leaves_nothing(self):
        broken = next(self.found.glob("torch-*.whl"))
        broken.write_bytes(broken.read_bytes()[:-200])
        self.fails()
        self.assert_nothing_left()

    def test_a_library_that_nothing_provides_is_named(self):
        self.write_wheels(self.wheels.pins[:2])
        self.assertIn("libtorch needs libcupti.so.13", self.fails())
        self.assert_nothing_left()

    def test_a_version_without_a_checksum_is_refused(self):
        self.write_pin("2.12.0")
        self.assertIn("no checksum of torch 2.12.0", self.fails())
        self.assert_nothing_left()

    def test_too_little_space_is_told_before_the_download(self):
        self.write_wheels([{**pin, "bytes": 10**18} for pin in self.wheels.pins])
        said = self.fails()
        self.assertIn("free, and the setup of libtorch needs", said)
        self.assertNotIn("fetching", said)
        self.assert_nothing_left()

    def test_leftovers_of_a_killed_setup_are_cleared(self):
        leftover = self.cache / "tmp-dead"
        leftover.mkdir(parents=True)
        (leftover / "half").write_text("half a wheel")
        self.succeeds()
        self.assertFalse(leftover.exists())

    def test_concurrent_setups_share_one_download(self):
        running = [subprocess.Popen(**self.command()) for _ in range(3)]
        said = [process.communicate()[1] for process in running]
        self.assertEqual([process.returncode for process in running], [0, 0, 0], said)
        self.assertEqual(sum("fetching torch" in text for text in said), 1, said)
        self.assertEqual(list(self.cache.glob("tmp-*")), [])
        self.assertIn("libcupti.so.13", self.libraries())

    def test_sigterm_and_ctrl_c_leave_nothing(self):
        # A pip that never ends: a module of that name on the path stands before the real one.
        (self.folder / "slow").mkdir()
        (self.folder / "slow/pip.py").write_text("import time; open('started', 'w'); time.sleep(60)")
        for stop in (signal.SIGTERM, signal.SIGINT):
            process = subprocess.Popen(**self.command(PYTHONPATH=str(self.folder / "slow")), cwd=self.folder)
            while not (self.folder / "started").exists():
                self.assertIsNone(process.poll())
                time.sleep(0.01)
            (self.folder / "started").unlink()
            process.send_signal(stop)
            said = process.communicate()[1]
            self.assertNotEqual(process.returncode, 0)
            self.assertNotIn("Traceback", said)
            self.assert_nothing_left()

    def test_without_pip_the_cure_is_named(self):
        (self.folder / "none").mkdir()
        (self.folder / "none/pip.py").write_text("raise SystemExit('No module named pip')")
        self.assertIn("apt-get install python3-pip", self.fails(PYTHONPATH=str(self.folder / "none")))
        self.assert_nothing_left()

    def test_without_a_compiler_the_cure_is_named(self):
        self.assertIn("apt-get install gcc g++", self.fails(PATH=str(self.folder)))

    def test_a_folder_in_the_place_of_the_link_is_left_alone(self):
        (self.root / ".libtorch").mkdir()
        self.assertIn("a folder that setup did not make", self.fails())
        self.assertTrue((self.root / ".libtorch").is_dir())

    def test_cuda_keeps_all_libraries_and_stays_until_cpu_is_asked_for(self):
        self.succeeds("--device", "cuda")
        self.assertEqual(self.tree().name, "libtorch-2.11.0-cuda")
        self.assertIn("libtorch_cuda.so", self.libraries())
        self.assertIn("libcupti.so.13", self.libraries())
        self.assertNotIn("libtorch_python.so", self.libraries())
        self.assertEqual((self.tree() / "lib/libtorch.so").read_text(), "INPUT ( libtorch_cpu.so )\n")
        self.assertEqual(self.succeeds(), "")
        self.assertEqual(self.tree().name, "libtorch-2.11.0-cuda")
        self.succeeds("--device", "cpu")
        self.assertEqual(self.tree().name, "libtorch-2.11.0-cpu")


class WithUsersLibtorch(Case):
    def test_the_right_version_is_linked_and_nothing_fetched(self):
        self.succeeds()
        own = self.own_libtorch("2.11.0+cpu")
        shutil.rmtree(self.cache)
        self.succeeds(LIBTORCH=str(own))
        self.assertEqual(self.tree(), own.resolve())
        self.assertFalse(self.cache.exists())

    def test_a_wrong_version_is_passed_over_with_a_warning(self):
        self.succeeds()
        own = self.own_libtorch("2.9.1")
        said = self.succeeds(LIBTORCH=str(own))
        self.assertIn(f"warning: LIBTORCH={own} is version 2.9.1, needed is 2.11.0: passed over", said)
        self.assertEqual(self.tree().name, "libtorch-2.11.0-cpu")

    def test_inside_cargo_the_variable_is_our_own_link(self):
        self.assertNotIn("warning", self.succeeds(LIBTORCH=str(self.root / ".libtorch")))
        self.assertEqual(self.tree().name, "libtorch-2.11.0-cpu")

    def test_another_link_makes_cargo_link_again(self):
        self.succeeds()
        own = self.own_libtorch("2.11.0")
        script = self.root / "plugin-api/link_libtorch.rs"
        script.parent.mkdir()
        script.write_text("")
        os.utime(script, (1, 1))
        self.succeeds()
        self.assertEqual(script.stat().st_mtime, 1)
        self.succeeds(LIBTORCH=str(own))
        self.assertGreater(script.stat().st_mtime, 1)


class WithPytorchIndex(Case):
    def setUp(self):
        super().setUp()
        self.served = self.folder / "served"
        shutil.copytree(self.wheels.index, self.served)
        served = self.served

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=str(served))

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.page = f"http://127.0.0.1:{server.server_port}/torch/index.html"
        (self.served / "torch").mkdir()
        self.write_page(hashlib.sha256(self.wheels.cpu.read_bytes()).hexdigest())

    def write_page(self, sha256):
        name = self.wheels.cpu.name.replace("+", "%2B")
        links = [name.replace("2.11.0", "2.10.0"), name.replace("cp311", "cp312"), name]
        page = "".join(f'<a href="/{link}#sha256={sha256}">{link}</a><br/>\n' for link in links)
        (self.served / "torch/index.html").write_text(page)

    def test_the_cpu_wheel_needs_no_cuda(self):
        said = self.succeeds(RECSYS_TORCH_INDEX=self.page)
        self.assertIn(f"fetching {self.wheels.cpu.name}", said)
        self.assertEqual(self.libraries(), ["libc10.so", "libgomp.so.1", "libtorch.so", "libtorch_cpu.so"])

    def falls_back_to_pip(self, reason):
        said = self.succeeds(RECSYS_TORCH_INDEX=self.page)
        self.assertIn(reason, said)
        self.assertIn("libcudart.so.13", self.libraries())

    def test_a_wrong_checksum_falls_back_to_pip(self):
        self.write_page("0" * 64)
        self.falls_back_to_pip("the page says 000")

    def test_a_truncated_wheel_falls_back_to_pip(self):
        path = self.served / self.wheels.cpu.name
        path.write_bytes(path.read_bytes()[:-100])
        self.falls_back_to_pip("sha256 of what came is")

    def test_a_missing_version_falls_back_to_pip(self):
        (self.served / "torch/index.html").write_text("<a href='x'>x</a>")
        self.falls_back_to_pip("it has no torch 2.11.0+cpu for cp311")

    def test_an_absent_page_falls_back_to_pip(self):
        self.page += ".gone"
        self.falls_back_to_pip("(File not found); going on with pip")

    def test_an_empty_variable_does_not_ask(self):
        self.assertNotIn("PyTorch's own index", self.succeeds(RECSYS_TORCH_INDEX=""))


if __name__ == "__main__":
    unittest.main()

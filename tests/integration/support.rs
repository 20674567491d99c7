//! Fresh folders, the host in them, and what it said.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// The checkout.
pub fn workspace() -> &'static Path {
    static WORKSPACE: OnceLock<PathBuf> = OnceLock::new();
    WORKSPACE.get_or_init(|| Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned())
}

/// The fixtures made with PyTorch Geometric, or the folder that `RECSYS_GOLDEN_DIR` names.
pub fn golden_dir() -> PathBuf {
    std::env::var_os("RECSYS_GOLDEN_DIR").map_or_else(|| workspace().join("tests/golden"), PathBuf::from)
}

/// The host binary, with every plugin of the workspace built beside it.
pub fn host_binary() -> &'static Path {
    static BUILT: OnceLock<()> = OnceLock::new();
    let binary = Path::new(env!("CARGO_BIN_EXE_recsys-host"));
    BUILT.get_or_init(|| {
        // The profile of the tests is that of the plugins, so that nothing is compiled twice.
        let built = cargo().args(["build", "--workspace", "--offline", "--quiet"]).current_dir(workspace()).status();
        assert!(built.unwrap().success(), "the plugins do not build");
    });
    binary
}

/// Cargo as the tests were started, into the same target folder.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.env("CARGO_TARGET_DIR", plugin_dir().parent().unwrap());
    cargo
}

/// `target/<profile>`: where the plugins are.
pub fn plugin_dir() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_recsys-host")).parent().unwrap()
}

/// The cache folder of the hosts that the tests run, in place of the user's.
pub fn shared_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// A fresh folder with a copy of the shipped configs.
pub struct Sandbox {
    folder: TempDir,
    kernels: &'static str,
    cache: PathBuf,
}

/// What the host said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    pub fn new() -> Self {
        let sandbox = Self { folder: tempfile::tempdir().unwrap(), kernels: "", cache: shared_cache() };
        copy_folder(&workspace().join("configs"), &sandbox.path("configs"));
        sandbox
    }

    /// With `plain`, layers and losses run on libtorch's operations in place of the fused kernels.
    pub fn with_kernels(self, kernels: &'static str) -> Self {
        Self { kernels, ..self }
    }

    /// With a host that has seen no plugin before. The others share what they have seen, so that each is tried once.
    pub fn with_own_cache(self) -> Self {
        Self { cache: self.path("cache"), ..self }
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub fn write(&self, relative: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn read(&self, relative: &str) -> String {
        let path = self.path(relative);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A command that runs the host here, without the variables of the person who runs the tests.
    pub fn command(&self) -> Command {
        self.command_of(host_binary())
    }

    /// The same, of another program.
    pub fn command_of(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path());
        for variable in ["RECSYS_PLUGIN_PATH", "RECSYS_BACKTRACE", "RECSYS_SIMD", "LIBTORCH", "LD_LIBRARY_PATH"] {
            command.env_remove(variable);
        }
        command.env("XDG_CACHE_HOME", &self.cache).env("XDG_CONFIG_HOME", self.path("settings"));
        // Whoever asks for backtraces of the tests does not ask for the host's.
        command.env("RUST_BACKTRACE", "0").env("RECSYS_KERNELS", self.kernels);
        command
    }

    /// Runs the host to its end.
    pub fn host(&self, arguments: &[&str]) -> Said {
        let output = self.command().args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Trains; gives the run directory relative to the sandbox.
    pub fn train(&self, arguments: &[&str]) -> String {
        let said = self.host(&[&["train"], arguments].concat());
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        said.stdout.lines().last().unwrap().to_owned()
    }

    /// The lines of a run's metrics.jsonl.
    pub fn metrics(&self, run: &str) -> Vec<Value> {
        self.read(&format!("{run}/metrics.jsonl")).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn json(&self, relative: &str) -> Value {
        serde_json::from_str(&self.read(relative)).unwrap()
    }

    /// A small MovieLens 100K in data/raw: two tastes of users and movies, with noise; `u.data` and `u.item`.
    pub fn with_ratings(self, n_users: usize, n_movies: usize) -> Self {
        let (mut ratings, mut titles) = (String::new(), String::new());
        for user in 0..n_users {
            for movie in 0..n_movies {
                let mixed = (user * 31 + movie * 17 + user * movie * 7) % 10;
                let likes = if user % 2 == movie % 2 { mixed < 6 } else { mixed < 1 };
                if likes {
                    // Raw ids are neither dense nor in order of the dense ones' names.
                    let (user, movie) = (100 + 3 * user, 1000 + 7 * movie);
                    ratings += &format!("{user}\t{movie}\t{}\t{}\n", 1 + mixed % 5, 880_000_000 + mixed);
                }
            }
        }
        for movie in 0..n_movies {
            titles += &format!("{}|Movie {movie} (1995)|01-Jan-1995||\n", 1000 + 7 * movie);
        }
        self.write("data/raw/ml-100k/u.data", ratings);
        self.write("data/raw/ml-100k/u.item", titles);
        self
    }
}

impl Said {
    #[track_caller]
    pub fn is_fine(&self) {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
    }

    /// An error with this exit code whose message holds all of `parts`; never a panic, an abort or a Rust backtrace.
    #[track_caller]
    pub fn is_error(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in:\n{}", self.stderr);
        }
        for trace in ["stack backtrace", "RUST_BACKTRACE=1` environment", "thread 'main' panicked"] {
            assert!(!self.stderr.contains(trace), "{}", self.stderr);
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

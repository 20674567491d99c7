//! [`Policy`]: how far libraries are trusted, as the command line and the environment say. Process-wide, like the level of the log.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

/// `1` opens libraries that were never seen before without trying them in a child process.
const NO_PROBE: &str = "RECSYS_NO_PROBE";
/// Seconds that a child process may take to open a library.
const PROBE_TIMEOUT: &str = "RECSYS_PROBE_TIMEOUT";
const DEFAULT_PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// What is asked of libraries before they are opened.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Policy {
    /// Open only the libraries that plugins.lock lists, and fail if there is no such file. Where there is one it always counts.
    #[arg(long, global = true)]
    pub locked: bool,
    /// The lock file, in place of plugins.lock in the working folder.
    #[arg(long, value_name = "FILE", global = true)]
    pub lock_file: Option<PathBuf>,
    /// Open libraries that were never seen before without trying them in a child process first.
    #[arg(long, global = true)]
    pub no_probe: bool,
}

static POLICY: OnceLock<Policy> = OnceLock::new();

impl Policy {
    /// Makes it that of the process; the first one stays.
    pub fn install(self) {
        let _ = POLICY.set(self);
    }

    /// That of the process. Where no command line was read, this program is another one with the host in it, which cannot be run again
    /// to try plugins.
    pub fn current() -> Self {
        POLICY.get().cloned().unwrap_or_else(|| Self { no_probe: true, ..Self::default() })
    }

    pub fn probes(&self) -> bool {
        !self.no_probe && std::env::var_os(NO_PROBE).is_none_or(|value| value.is_empty() || value == "0")
    }
}

pub fn probe_timeout() -> Duration {
    let seconds = std::env::var(PROBE_TIMEOUT).ok().and_then(|text| text.parse().ok());
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(DEFAULT_PROBE_TIMEOUT)
}

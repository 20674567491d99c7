//! Broken things stay errors: an exit code, a message that a user can act on, no Rust backtrace, nothing half written.
//!
//! Leaves out what is wrong with a config alone (`config_errors`).

mod code;
mod data;
mod fixtures;
mod libraries;
mod runs;

pub use fixtures::plugin_fixture;

use std::path::Path;

use crate::support::{Said, Sandbox};

/// Nothing is fetched: the raw folder is the only source.
pub const RAW_ONLY: &str = "data.params.sources=[raw]";

/// Runs the host here, which must fail as `Said::is_error` says and leave nothing half written. `RUST_BACKTRACE` is set: it
/// asks for the backtraces of whatever runs the host.
#[track_caller]
pub fn fails(sandbox: &Sandbox, arguments: &[&str], code: i32, parts: &[&str]) -> Said {
    let output = sandbox.command().env("RUST_BACKTRACE", "1").args(arguments).output().unwrap();
    let said = Said::from(output);
    said.is_error(code, parts);
    said.is_plain();
    sandbox.holds_nothing_half_written();
    said
}

impl From<std::process::Output> for Said {
    fn from(output: std::process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Said {
    /// No trace of Rust's or libtorch's insides.
    #[track_caller]
    pub fn is_plain(&self) {
        let lower = self.stderr.to_lowercase();
        for trace in ["backtrace:", "panicked at", "unwrap()", "exception raised from", "frame #"] {
            // The host's own line about a plugin's panic stands on a line of its own.
            let text = lower.replace("\n  panicked at", "");
            assert!(!text.contains(trace), "`{trace}` is in:\n{}", self.stderr);
        }
    }
}

impl Sandbox {
    /// No temporary file is left, and what the host wrote can be read.
    #[track_caller]
    pub fn holds_nothing_half_written(&self) {
        let configs = self.path("configs");
        each_file(&self.path(""), &mut |path| {
            if path.starts_with(&configs) {
                return;
            }
            let name = path.file_name().unwrap().to_str().unwrap();
            let temporary = name.starts_with(".tmp") || name.ends_with(".part") || name.ends_with('~');
            assert!(!temporary, "{} was left", path.display());
            if let Err(error) = parse(path) {
                panic!("{}: {error}", path.display());
            }
        });
    }
}

/// Reads a file of a run or of the cache as its format asks.
fn parse(path: &Path) -> Result<(), String> {
    let text = || std::fs::read_to_string(path).map_err(|error| error.to_string());
    let json =
        |text: &str| serde_json::from_str::<serde_json::Value>(text).map(drop).map_err(|error| error.to_string());
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") => {
            let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
            safetensors::SafeTensors::deserialize(&bytes).map(drop).map_err(|error| error.to_string())
        }
        Some("json") => json(&text()?),
        Some("jsonl") => {
            let text = text()?;
            if !text.is_empty() && !text.ends_with('\n') {
                return Err("its last line has no end".to_owned());
            }
            text.lines().try_for_each(json)
        }
        Some("yaml") => {
            serde_yaml::from_str::<serde_yaml::Value>(&text()?).map(drop).map_err(|error| error.to_string())
        }
        Some(_) | None => Ok(()),
    }
}

fn each_file(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_file(&path, visit);
        } else {
            visit(&path);
        }
    }
}

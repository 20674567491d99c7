//! [`Stage`]: the folders and the environment of one child, and what it left where it may not write.
//!
//! `data/` and `run/` are the plugin's; `home/`, `tmp/` and `work/`, which a careless plugin would write to, are not. What it writes
//! elsewhere by an absolute path is not seen.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::plan::{Assignment, Folders};

/// A fresh folder, removed with the value.
pub struct Stage {
    folder: TempDir,
}

/// Not the plugin's.
const FORBIDDEN: [&str; 3] = ["home", "tmp", "work"];

/// An address that answers nobody: the suite needs no network, and a plugin that does shows it.
const NOWHERE: &str = "http://127.0.0.1:9";

impl Stage {
    pub fn new() -> std::io::Result<Self> {
        let stage = Self { folder: tempfile::Builder::new().prefix("recsys-check-").tempdir()? };
        for name in FORBIDDEN.into_iter().chain(["data", "run"]) {
            std::fs::create_dir(stage.path(name))?;
        }
        super::board::write_ratings(&stage.path("data"))?;
        Ok(stage)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folders(&self) -> Folders {
        Folders { data: self.path("data"), run: self.path("run") }
    }

    pub fn results(&self) -> PathBuf {
        self.path("results.jsonl")
    }

    /// The child that does what `assignment` says.
    pub fn command(&self, assignment: &Assignment) -> std::io::Result<Command> {
        let file = self.path("assignment.json");
        std::fs::write(&file, serde_json::to_vec(assignment)?)?;
        let mut command = Command::new(crate::child::this_program());
        command.args(["plugins", "run-tests"]).arg(file);
        let home = self.path("home");
        command.current_dir(self.path("work")).env("HOME", &home).env("TMPDIR", self.path("tmp"));
        for variable in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
            command.env(variable, &home);
        }
        for variable in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(variable, NOWHERE);
        }
        // It sets itself up in an empty home as soon as somebody asks for the version of rustc, as pip does.
        let rustup = std::env::var_os("RUSTUP_HOME")
            .or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".rustup").into()));
        command.envs(rustup.map(|folder| ("RUSTUP_HOME", folder)));
        command.env("PIP_NO_INDEX", "1").env_remove("NO_PROXY").env_remove("no_proxy");
        Ok(command)
    }

    /// What lies where nothing may lie, relative to the stage.
    pub fn strays(&self) -> Vec<String> {
        let mut strays = Vec::new();
        FORBIDDEN.iter().for_each(|name| collect(&self.path(name), &mut strays));
        let root = self.folder.path();
        strays.iter().map(|path| path.strip_prefix(root).unwrap_or(path).display().to_string()).collect()
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        found.push(entry.path());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_outside_the_plugins_folders_are_strays() {
        let stage = Stage::new().unwrap();
        let Folders { data, run } = stage.folders();
        std::fs::write(data.join("cache"), "").unwrap();
        std::fs::write(run.join("checkpoint"), "").unwrap();
        assert!(stage.strays().is_empty(), "{:?}", stage.strays());
        std::fs::create_dir(stage.path("home/.cache")).unwrap();
        std::fs::write(stage.path("home/.cache/file"), "").unwrap();
        assert_eq!(stage.strays(), ["home/.cache", "home/.cache/file"]);
    }
}

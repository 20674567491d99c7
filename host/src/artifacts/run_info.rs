//! `run.json`: what it takes to know what a run was.

use std::process::Command;

use plugin_api::{API_VERSION, LIBTORCH_VERSION};
use serde::Serialize;

use crate::machine::Machine;
use crate::plugins::admission::LibraryFile;

#[derive(Debug, Serialize)]
pub struct RunInfo {
    pub started: String,
    pub versions: Versions,
    pub git: Option<Git>,
    pub plugins: Vec<PluginFile>,
    pub seed: u64,
    pub device: String,
    pub threads: i32,
    /// Known once the data are loaded.
    pub data_fingerprint: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Versions {
    pub recsys_host: &'static str,
    pub plugin_api: String,
    pub libtorch: &'static str,
}

/// Of the working folder.
#[derive(Debug, Serialize)]
pub struct Git {
    pub commit: String,
    pub dirty: bool,
}

#[derive(Debug, Serialize)]
pub struct PluginFile {
    pub name: String,
    pub version: String,
    pub path: String,
    pub sha256: String,
}

impl RunInfo {
    pub fn new<'a>(seed: u64, machine: &Machine, plugins: impl Iterator<Item = &'a LibraryFile>) -> Self {
        let plugins = plugins.map(|file| PluginFile {
            name: file.identity.name.clone(),
            version: file.identity.version.clone(),
            path: file.path.display().to_string(),
            sha256: file.sha256.clone(),
        });
        Self {
            started: jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            versions: Versions {
                recsys_host: env!("CARGO_PKG_VERSION"),
                plugin_api: API_VERSION.to_string(),
                libtorch: LIBTORCH_VERSION,
            },
            git: git(),
            plugins: plugins.collect(),
            seed,
            device: machine.device_name(),
            threads: machine.threads,
            data_fingerprint: None,
        }
    }
}

/// `None` outside a checkout, or without git.
fn git() -> Option<Git> {
    let ask = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    Some(Git { commit: ask(&["rev-parse", "HEAD"])?, dirty: !ask(&["status", "--porcelain"])?.is_empty() })
}

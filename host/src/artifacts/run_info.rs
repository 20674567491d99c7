//! `run.json`: what it takes to know what a run was.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use plugin_api::{API_VERSION, LIBTORCH_VERSION};
use serde::{Deserialize, Serialize};

use crate::config::ExperimentConfig;
use crate::experiment::{Parts, SEED_MEANING};
use crate::machine::Machine;
use crate::plugins::admission::LibraryFile;
use crate::plugins::content::sha256;

#[derive(Debug, Serialize)]
pub struct RunInfo {
    pub started: String,
    pub versions: Versions,
    pub git: Option<Git>,
    pub plugins: Vec<PluginFile>,
    pub seed: u64,
    pub device: String,
    pub threads: i32,
    /// Which instructions the kernels use, on which the last digits depend.
    pub kernels: String,
    /// [`crate::experiment::SEED_MEANING`].
    pub seed_meaning: u32,
    /// Of the weights that `model.init_from` names.
    pub init_from_sha256: Option<String>,
    /// Known once the data are loaded.
    pub data_fingerprint: Option<String>,
    /// The run that this one repeats.
    pub rerun_of: Option<PathBuf>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Versions {
    pub recsys_host: String,
    pub plugin_api: String,
    pub libtorch: String,
}

impl Versions {
    /// Those of this host.
    pub fn current() -> Self {
        Self {
            recsys_host: env!("CARGO_PKG_VERSION").to_owned(),
            plugin_api: API_VERSION.to_string(),
            libtorch: LIBTORCH_VERSION.to_owned(),
        }
    }

    /// What was another one then.
    pub fn differences(&self) -> Vec<String> {
        let current = Self::current();
        let pairs = [
            ("recsys-host", &self.recsys_host, &current.recsys_host),
            ("plugin-api", &self.plugin_api, &current.plugin_api),
            ("libtorch", &self.libtorch, &current.libtorch),
        ];
        let different = pairs.iter().filter(|(_, then, now)| then != now);
        different.map(|(name, then, now)| format!("{name} {then} (now {now})")).collect()
    }
}

/// Of the working folder.
#[derive(Debug, Serialize)]
pub struct Git {
    pub commit: String,
    pub dirty: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PluginFile {
    pub name: String,
    pub version: String,
    pub path: String,
    pub sha256: String,
}

impl RunInfo {
    pub fn new(experiment: &ExperimentConfig, machine: &Machine, parts: &Parts) -> Self {
        let init_from = experiment.model.init_from.as_ref();
        Self {
            started: now(),
            versions: Versions::current(),
            git: git(),
            plugins: plugin_files(parts.libraries()),
            seed: experiment.settings.seed,
            device: machine.device_name(),
            threads: machine.threads,
            kernels: instructions(),
            seed_meaning: SEED_MEANING,
            init_from_sha256: init_from.and_then(|file| sha256(&File::open(file).ok()?).ok()),
            data_fingerprint: None,
            rerun_of: None,
        }
    }
}

/// As `run.json` tells them.
pub fn plugin_files<'a>(files: impl Iterator<Item = &'a LibraryFile>) -> Vec<PluginFile> {
    let told = files.map(|file| PluginFile {
        name: file.identity.name.clone(),
        version: file.identity.version.clone(),
        path: file.path.display().to_string(),
        sha256: file.sha256.clone(),
    });
    told.collect()
}

/// `V4` is AVX-512, `V3` AVX2.
fn instructions() -> String {
    let arch = format!("{:?}", kernels::arch::arch());
    let path = if nn::path::plain_wanted() { "plain" } else { "fused" };
    format!("{path} {}", arch.split('(').next().unwrap_or(&arch))
}

/// The time with its zone, to the second.
pub fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// `None` outside a checkout, or without git.
fn git() -> Option<Git> {
    let ask = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    Some(Git { commit: ask(&["rev-parse", "HEAD"])?, dirty: !ask(&["status", "--porcelain"])?.is_empty() })
}

//! [`RunDirectory`]: `runs/YYYY-MM-DD/HH-MM-SS/`, written before training starts and kept on failure.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use plugin_api::context::EpochRecord;
use serde::Serialize;
use serde_json::{Map, Value};

use super::weights::{self, Weights};
use super::{write_json, write_whole, ArtifactError};
use crate::config::Config;

pub const WEIGHTS: &str = "model.safetensors";
pub const CONFIG: &str = "config.yaml";
pub const OVERRIDES: &str = "overrides.yaml";
pub const METRICS: &str = "metrics.jsonl";
pub const RUN_INFO: &str = "run.json";
/// Written last: a run that has it came to its end.
pub const RESULT: &str = "result.json";

pub struct RunDirectory {
    path: PathBuf,
    metrics: Mutex<File>,
    epoch_seconds: Mutex<Vec<f64>>,
}

impl RunDirectory {
    /// Makes the folder, with a suffix `-1`, `-2` if its name is taken, and writes `config.yaml` and `overrides.yaml`.
    pub fn create(wanted: &Path, config: &Config) -> Result<Self, ArtifactError> {
        let path = make_folder(wanted, "run_dir")?;
        write_whole(&path.join(CONFIG), |staged| std::fs::write(staged, config.to_yaml()))?;
        write_whole(&path.join(OVERRIDES), |staged| std::fs::write(staged, config.overrides_to_yaml()))?;
        Self::open(path)
    }

    /// That of a job: the folder is there with its config.
    pub fn open(path: PathBuf) -> Result<Self, ArtifactError> {
        let metrics = open_to_append(&path.join(METRICS))?;
        Ok(Self { path, metrics: Mutex::new(metrics), epoch_seconds: Mutex::default() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn log_file(&self) -> Result<File, ArtifactError> {
        open_to_append(&self.path.join("train.log"))
    }

    /// A line of `metrics.jsonl`, written at once, so that a reader never meets half of one.
    pub fn append_metrics(&self, record: &EpochRecord) -> Result<(), ArtifactError> {
        let mut line = Map::new();
        line.insert("epoch".into(), record.epoch.into());
        let first = ["train_loss", "val_loss", "seconds"];
        let named = first.iter().filter_map(|name| Some((*name, record.values.get(*name)?)));
        let others = record.values.iter().filter(|(name, _)| !first.contains(&name.as_str()));
        for (name, value) in named.chain(others.map(|(name, value)| (name.as_str(), value))) {
            // JSON has no NaN; the trainer's error tells of it.
            line.insert(name.to_owned(), serde_json::Number::from_f64(*value).map_or(Value::Null, Value::Number));
        }
        if let Some(seconds) = record.values.get("seconds") {
            self.epoch_seconds.lock().unwrap_or_else(PoisonError::into_inner).push(*seconds);
        }
        let mut file = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        let text = format!("{}\n", Value::Object(line));
        let end = file.metadata().map(|metadata| metadata.len());
        file.write_all(text.as_bytes()).map_err(|error| {
            // What a full disk took of the line goes again.
            let _ = end.and_then(|end| file.set_len(end));
            ArtifactError::new(&self.path.join(METRICS), error)
        })
    }

    /// Of the epochs reported so far.
    pub fn median_epoch_seconds(&self) -> Option<f64> {
        let mut seconds = self.epoch_seconds.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied()
    }

    pub fn save_weights(&self, weights: &Weights) -> Result<(), ArtifactError> {
        weights::save(&self.path.join(WEIGHTS), weights)
    }

    /// `checkpoints/NAME.safetensors`.
    pub fn save_checkpoint(&self, name: &str, weights: &Weights) -> Result<(), ArtifactError> {
        let folder = self.path.join("checkpoints");
        let path = folder.join(format!("{name}.safetensors"));
        // The name comes from a plugin; it must not lead out of the folder.
        if name.is_empty() || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter)) {
            return Err(ArtifactError::new(&path, "a checkpoint's name holds letters, digits, - and _ only"));
        }
        std::fs::create_dir_all(&folder).map_err(|error| ArtifactError::new(&folder, error))?;
        weights::save(&path, weights)
    }

    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), ArtifactError> {
        write_json(&self.path.join(name), value)
    }
}

/// A new folder, with a suffix `-1`, `-2` if its name is taken; `setting` is what chooses it.
pub fn make_folder(wanted: &Path, setting: &str) -> Result<PathBuf, ArtifactError> {
    // Without a slash at the end, to which a suffix would make a folder inside.
    let wanted: &Path = &wanted.components().collect::<PathBuf>();
    let parent = wanted.parent().unwrap_or(Path::new("."));
    let failed = |path: &Path, error: std::io::Error| {
        let error = if path.is_file() { "is a file, not a folder".to_owned() } else { error.to_string() };
        ArtifactError::new(path, format!("{error}; the run directory goes there, choose another with {setting}=PATH"))
    };
    std::fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
    let mut path = wanted.to_owned();
    for suffix in 1.. {
        // Creating it decides; looking first would let two runs of one second share a folder.
        match std::fs::create_dir(&path) {
            Ok(()) => break,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let mut name = wanted.as_os_str().to_owned();
                name.push(format!("-{suffix}"));
                path = name.into();
            }
            Err(error) => return Err(failed(&path, error)),
        }
    }
    Ok(path)
}

fn open_to_append(path: &Path) -> Result<File, ArtifactError> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map_err(|error| ArtifactError::new(path, error))
}

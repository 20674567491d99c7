//! [`Context`]: what the host offers a plugin. Logging goes through the crate `log` as usual and is forwarded.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tch::{Device, Tensor};

use crate::abi::host::HostObject;
use crate::error::{PluginError, Result};
use crate::record::Record;

/// The host, as a plugin sees it. Cheap to clone; its methods may be called from any thread.
#[derive(Clone)]
pub struct Context {
    host: HostObject,
    seed: u64,
    device: Device,
    data_dir: PathBuf,
    artifact_dir: Option<PathBuf>,
}

/// How far a long piece of work has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What is under way, for example `epoch` or `downloading ml-100k.zip`.
    pub task: String,
    pub done: u64,
    /// `None` if unknown.
    pub total: Option<u64>,
    /// `bytes`, or empty for a plain count.
    pub unit: String,
    /// Shown at the end of the line, for example `loss 0.52`.
    pub note: String,
}

/// A line of `metrics.jsonl`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// `train_loss`, `val_loss`, `seconds`, validation metrics. An undefined metric is absent.
    pub values: BTreeMap<String, f64>,
}

impl Context {
    /// Reads the settings once. Called by the adapters; authors are given a context.
    ///
    /// # Errors
    /// If the host gives no seed or device, or one that cannot be read.
    pub fn new(host: HostObject) -> Result<Self> {
        let settings = host.settings();
        Ok(Self {
            seed: settings.parsed("seed")?,
            device: parse_device(settings.text("device")?)?,
            data_dir: settings.text("data_dir")?.into(),
            artifact_dir: settings.texts.get("artifact_dir").map(PathBuf::from),
            host,
        })
    }

    /// The run's seed. libtorch's global generator is seeded by the host and is the host's alone.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Where tensors belong.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The folder for data sets, `data/` unless configured.
    pub fn data_dir(&self) -> &std::path::Path {
        &self.data_dir
    }

    /// The run directory; `None` in commands that leave no run.
    pub fn artifact_dir(&self) -> Option<&std::path::Path> {
        self.artifact_dir.as_deref()
    }

    /// Whether the user asked to stop. Long work looks at it often and finishes what it is at: a trainer its epoch.
    pub fn is_cancelled(&self) -> bool {
        self.host.is_cancelled()
    }

    pub fn progress(&self, progress: &Progress) {
        self.host.progress(progress);
    }

    /// Appends a line to `metrics.jsonl`.
    ///
    /// # Errors
    /// If the host cannot write it.
    pub fn report_epoch(&self, record: &EpochRecord) -> Result<()> {
        self.host.report_epoch(record)
    }

    /// Stores tensors as `checkpoints/NAME.safetensors`, whole or not at all; does nothing where there is no run.
    ///
    /// # Errors
    /// If the host cannot write it.
    pub fn checkpoint(&self, name: &str, tensors: &[(String, Tensor)]) -> Result<()> {
        let mut record = Record::default();
        tensors.iter().for_each(|(name, tensor)| record.set_tensor(name, tensor));
        self.host.checkpoint(name, record)
    }
}

fn parse_device(text: &str) -> Result<Device> {
    match text.split_once(':') {
        None if text == "cpu" => Ok(Device::Cpu),
        Some(("cuda", index)) if index.parse::<usize>().is_ok() => Ok(Device::Cuda(index.parse()?)),
        None | Some(_) => Err(PluginError::unsupported(format!("unknown device `{text}`"))),
    }
}

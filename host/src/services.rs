//! What the host offers its plugins: the host's end of [`plugin_api::Context`].

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use plugin_api::abi::host::{Host, HostObject};
use plugin_api::context::{EpochRecord, Progress};
use plugin_api::error::ResultExt;
use plugin_api::record::Record;

use crate::artifacts::RunDirectory;
use crate::machine::Machine;
use crate::terminal::{terminal, EPOCH};

/// The word that Ctrl-C sets and plugins read.
static CANCELLED: AtomicBool = AtomicBool::new(false);

/// Where data sets are kept, relative to the working folder.
const DATA_DIR: &str = "data";

/// The first Ctrl-C asks to stop; the second ends the process as usual.
pub fn watch_interrupts() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        if CANCELLED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        log::warn!("interrupted: finishing what is under way, then saving; once more to stop at once");
    })
}

pub fn is_cancelled() -> bool {
    CANCELLED.load(Ordering::Relaxed)
}

/// One command's host. Clones share it.
#[derive(Clone)]
pub struct Services(Arc<Inner>);

struct Inner {
    seed: u64,
    machine: Machine,
    run: Option<Arc<RunDirectory>>,
}

impl Services {
    pub fn new(seed: u64, machine: Machine, run: Option<Arc<RunDirectory>>) -> Self {
        Self(Arc::new(Inner { seed, machine, run }))
    }

    pub fn machine(&self) -> Machine {
        self.0.machine
    }

    /// As plugins take it.
    pub fn object(&self) -> HostObject {
        HostObject::new(self.clone())
    }
}

impl Host for Services {
    fn settings(&self) -> Record {
        let mut record = Record::default();
        record.set_text("seed", self.0.seed);
        record.set_text("device", self.0.machine.device_name());
        record.set_text("data_dir", absolute(Path::new(DATA_DIR)).display());
        if let Some(run) = &self.0.run {
            record.set_text("artifact_dir", absolute(run.path()).display());
        }
        record
    }

    fn is_cancelled(&self) -> bool {
        is_cancelled()
    }

    fn progress(&self, progress: Progress) {
        terminal().progress(&progress);
    }

    fn report_epoch(&self, record: EpochRecord) -> plugin_api::Result<()> {
        log::info!(target: EPOCH, "{}", crate::terminal::epoch_line(&record));
        match &self.0.run {
            Some(run) => run.append_metrics(&record).context("metrics.jsonl"),
            None => Ok(()),
        }
    }

    fn checkpoint(&self, name: &str, record: Record) -> plugin_api::Result<()> {
        match &self.0.run {
            Some(run) => {
                run.save_checkpoint(name, &record.tensors.into_iter().collect::<Vec<_>>()).context("checkpoint")
            }
            None => Ok(()),
        }
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

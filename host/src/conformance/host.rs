//! [`CheckHost`]: the host that components under test see. It keeps what it is told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use plugin_api::abi::host::{Host, HostObject};
use plugin_api::context::{EpochRecord, Progress};
use plugin_api::error::ResultExt;
use plugin_api::record::Record;
use plugin_api::Context;

use super::plan::Folders;
use crate::artifacts::weights;

/// The task that the reference model names when it is called; see [`Encode`].
pub const ENCODES: &str = "the reference model encodes";

/// Clones share what they keep.
#[derive(Clone)]
pub struct CheckHost(Arc<Inner>);

struct Inner {
    seed: u64,
    folders: Folders,
    cancelled: AtomicBool,
    /// The training step at which the user asks to stop.
    cancel_at: Option<usize>,
    kept: Mutex<Kept>,
}

/// What was told.
#[derive(Debug, Default)]
pub struct Kept {
    pub epochs: Vec<EpochRecord>,
    pub encodes: Vec<Encode>,
    pub cancelled_at: Option<Instant>,
}

/// A call of the reference model.
#[derive(Debug, Clone, Copy)]
pub struct Encode {
    pub n_edges: u64,
    pub training: bool,
}

impl CheckHost {
    pub fn new(seed: u64, folders: &Folders) -> Self {
        Self::cancelling(seed, folders, None)
    }

    /// The user asks to stop during this training step of the reference model; 0 is before anything begins.
    pub fn cancelling(seed: u64, folders: &Folders, cancel_at: Option<usize>) -> Self {
        let cancelled = AtomicBool::new(cancel_at == Some(0));
        Self(Arc::new(Inner { seed, folders: folders.clone(), cancelled, cancel_at, kept: Mutex::default() }))
    }

    pub fn object(&self) -> HostObject {
        HostObject::new(self.clone())
    }

    /// For the suite's own parts.
    pub fn context(&self) -> plugin_api::Result<Context> {
        Context::new(self.object())
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn encodes(&self, encode: Encode) {
        let mut kept = self.kept();
        kept.encodes.push(encode);
        let n_steps = kept.encodes.iter().filter(|encode| encode.training).count();
        if Some(n_steps) == self.0.cancel_at && !self.0.cancelled.swap(true, Ordering::Relaxed) {
            kept.cancelled_at = Some(Instant::now());
        }
    }
}

impl Host for CheckHost {
    fn settings(&self) -> Record {
        let mut record = Record::default();
        record.set_text("seed", self.0.seed);
        record.set_text("device", "cpu");
        record.set_text("data_dir", self.0.folders.data.display());
        record.set_text("artifact_dir", self.0.folders.run.display());
        record
    }

    fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Relaxed)
    }

    fn progress(&self, progress: Progress) {
        if progress.task == ENCODES {
            self.encodes(Encode { n_edges: progress.done, training: progress.total.is_some() });
        }
    }

    fn report_epoch(&self, record: EpochRecord) -> plugin_api::Result<()> {
        self.kept().epochs.push(record);
        Ok(())
    }

    fn checkpoint(&self, name: &str, record: Record) -> plugin_api::Result<()> {
        let file = self.0.folders.run.join(format!("{}.safetensors", name.replace('/', "_")));
        weights::save(&file, &record.tensors.into_iter().collect()).context("checkpoint")
    }
}

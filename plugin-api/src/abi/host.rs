//! The host's twin: what [`crate::Context`] calls. The host never re-enters the plugin from these.

use abi_stable::std_types::{RBox, ROption, RStr, RVec};
use abi_stable::{sabi_trait, StableAbi};

use crate::abi::guard::guarded;
use crate::abi::types::{from_wire, to_wire, AbiRecord, AbiResult, NamedNumber};
use crate::context::{EpochRecord, Progress};
use crate::error::{ErrorKind, PluginError, Result};
use crate::record::Record;

/// What a host implements. Calls may come from any thread.
pub trait Host: Clone + Send + Sync + 'static {
    /// Texts `seed`, `device` (`cpu`, `cuda:0`), `data_dir`, and in a run `artifact_dir`.
    fn settings(&self) -> Record;
    fn is_cancelled(&self) -> bool;
    fn progress(&self, progress: Progress);
    /// # Errors
    /// If it cannot be written.
    fn report_epoch(&self, record: EpochRecord) -> Result<()>;
    /// # Errors
    /// If it cannot be written.
    fn checkpoint(&self, name: &str, record: Record) -> Result<()>;
}

#[sabi_trait]
pub trait AbiHost: Clone + Send + Sync {
    fn settings(&self) -> AbiRecord;
    fn is_cancelled(&self) -> bool;
    fn progress(&self, task: RStr<'_>, done: u64, total: ROption<u64>, unit: RStr<'_>, note: RStr<'_>);
    fn report_epoch(&self, epoch: u64, values: RVec<NamedNumber>) -> AbiResult<()>;
    #[sabi(last_prefix_field)]
    fn checkpoint(&self, name: RStr<'_>, record: AbiRecord) -> AbiResult<()>;
}

/// Runs the host's code under the same guard as that of plugins: a panic must not reach the boundary from this side either.
#[derive(Clone)]
struct Adapter<H>(H);

const HOST: &str = "the host";

/// What goes wrong in the host for a plugin is the plugin's error, unless the host panicked.
fn answer(call: impl FnOnce() -> Result<()>) -> AbiResult<()> {
    to_wire(guarded(HOST, call).map_err(|error| match error.kind {
        ErrorKind::Panicked => error,
        _ => PluginError { component: None, ..error },
    }))
}

impl<H: Host> AbiHost for Adapter<H> {
    fn settings(&self) -> AbiRecord {
        guarded(HOST, || Ok(self.0.settings())).unwrap_or_default().into()
    }

    fn is_cancelled(&self) -> bool {
        // Whoever cannot tell any more had better stop.
        guarded(HOST, || Ok(self.0.is_cancelled())).unwrap_or(true)
    }

    fn progress(&self, task: RStr<'_>, done: u64, total: ROption<u64>, unit: RStr<'_>, note: RStr<'_>) {
        let total = total.into_option();
        let progress = Progress { task: task.into(), done, total, unit: unit.into(), note: note.into() };
        if let Err(error) = guarded(HOST, || {
            self.0.progress(progress);
            Ok(())
        }) {
            log::warn!("progress cannot be shown: {error}");
        }
    }

    fn report_epoch(&self, epoch: u64, values: RVec<NamedNumber>) -> AbiResult<()> {
        let values = values.into_iter().map(|number| (number.name.into(), number.value)).collect();
        answer(|| self.0.report_epoch(EpochRecord { epoch: epoch as usize, values }))
    }

    fn checkpoint(&self, name: RStr<'_>, record: AbiRecord) -> AbiResult<()> {
        answer(|| self.0.checkpoint(name.as_str(), Record::from(&record)))
    }
}

/// A host that can be handed to any library.
#[repr(transparent)]
#[derive(Clone, StableAbi)]
pub struct HostObject(AbiHost_TO<'static, RBox<()>>);

impl HostObject {
    pub fn new(host: impl Host) -> Self {
        Self(AbiHost_TO::from_value(Adapter(host), sabi_trait::TD_Opaque))
    }

    pub(crate) fn settings(&self) -> Record {
        Record::from(&self.0.settings())
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    pub(crate) fn progress(&self, progress: &Progress) {
        let Progress { task, done, total, unit, note } = progress;
        let total = total.map_or(ROption::RNone, ROption::RSome);
        self.0.progress(task.as_str().into(), *done, total, unit.as_str().into(), note.as_str().into());
    }

    pub(crate) fn report_epoch(&self, record: &EpochRecord) -> Result<()> {
        from_wire(self.0.report_epoch(record.epoch as u64, NamedNumber::all(&record.values)))
    }

    pub(crate) fn checkpoint(&self, name: &str, record: Record) -> Result<()> {
        from_wire(self.0.checkpoint(name.into(), record.into()))
    }
}

//! What `train --profile` records: calls and time of every span ([`mod@recording`]), for `result.json` and a table ([`mod@summary`]), and the
//! spans themselves for `trace.json` ([`trace`]).
//!
//! Process-wide, as spans are: they come from any library and any thread, and nest on their thread. Plugins reach it through the sink
//! of `plugin_api::abi::profile`.

pub mod recording;
pub mod summary;
mod trace;

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use plugin_api::abi::profile::{install, Recorder, SpanSink};

use super::{ArtifactError, RunDirectory};
use crate::terminal::terminal;
use recording::{Recording, Thread};
use summary::Profile;

/// `None` before [`start`] and after [`finish`].
static RECORDING: Mutex<Option<Recording>> = Mutex::new(None);

static ORIGIN: OnceLock<Instant> = OnceLock::new();

thread_local! {
    static THREAD: RefCell<Option<Thread>> = const { RefCell::new(None) };
}

/// Records from here on, the host's spans included.
pub fn start() {
    ORIGIN.get_or_init(Instant::now);
    *recording() = Some(Recording::default());
    install(SpanSink::new::<Process>(), "host");
    // Whoever starts is thread 1.
    let _ = on_this_thread(|_| 0);
}

/// Where plugins send their spans; `None` where nothing is recorded.
pub fn sink() -> Option<SpanSink> {
    recording().is_some().then(SpanSink::new::<Process>)
}

/// Ends the recording; `None` if nothing was recorded.
pub fn finish() -> Option<Recording> {
    recording().take()
}

impl RunDirectory {
    /// Writes `trace.json` and shows the phases as a table.
    pub fn write_trace(&self, recording: Recording) -> Result<(), ArtifactError> {
        terminal().print(&summary::table(&Profile::of(&recording), nanoseconds()));
        trace::write(&self.path().join(trace::FILE), recording)
    }
}

fn recording() -> MutexGuard<'static, Option<Recording>> {
    RECORDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Since [`start`].
fn nanoseconds() -> u64 {
    let elapsed = ORIGIN.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

/// `None` on a thread that is ending.
fn on_this_thread<R>(work: impl FnOnce(&mut Thread) -> R) -> Option<R> {
    static N_THREADS: AtomicU32 = AtomicU32::new(0);
    let number = || N_THREADS.fetch_add(1, Ordering::Relaxed) + 1;
    let with = |thread: &RefCell<Option<Thread>>| {
        let mut thread = thread.try_borrow_mut().ok()?;
        Some(work(thread.get_or_insert_with(|| Thread::new(number()))))
    };
    THREAD.try_with(with).ok().flatten()
}

struct Process;

impl Recorder for Process {
    fn enter(library: &'static str, name: &'static str) -> u64 {
        let enter = |thread: &mut Thread| {
            if thread.is_full() {
                return None;
            }
            let parent = thread.innermost();
            let node = recording().as_mut()?.node(parent, library, name);
            // Last, so that a span does not hold the time that it takes to begin it.
            Some(thread.enter(node, nanoseconds()))
        };
        on_this_thread(enter).flatten().unwrap_or_default()
    }

    fn exit(number: u64) {
        let end = nanoseconds();
        let _ = on_this_thread(|thread| {
            let mut recording = recording();
            thread.exit(number, end, |event, own| {
                if let Some(recording) = recording.as_mut() {
                    recording.add(event, own);
                }
            });
        });
    }
}

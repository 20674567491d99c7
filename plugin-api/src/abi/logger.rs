//! Forwards the `log` records of a plugin to the host: every library has its own `log` statics.

use std::sync::OnceLock;

use abi_stable::std_types::RStr;
use abi_stable::StableAbi;

/// The host's end: level as in `log::Level` (1 error to 5 trace), target, message. Callable from any thread.
#[repr(transparent)]
#[derive(Clone, Copy, StableAbi)]
pub struct LogSink {
    pub write: extern "C" fn(u32, RStr<'_>, RStr<'_>),
}

static SINK: OnceLock<LogSink> = OnceLock::new();

struct Forward;

impl log::Log for Forward {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &log::Record) {
        if let (Some(sink), true) = (SINK.get(), self.enabled(record.metadata())) {
            (sink.write)(record.level() as u32, record.target().into(), record.args().to_string().as_str().into());
        }
    }

    fn flush(&self) {}
}

/// Called once when the host has opened the library. `max_level` as in `log::LevelFilter` (0 off to 5 trace).
pub(crate) fn install(sink: LogSink, max_level: u32) {
    if SINK.set(sink).is_ok() && log::set_logger(&Forward).is_ok() {
        let level = log::LevelFilter::iter().find(|level| *level as u32 == max_level);
        log::set_max_level(level.unwrap_or(log::LevelFilter::Info));
    }
}

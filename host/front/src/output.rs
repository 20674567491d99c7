//! Standard output, and how a record of the log reads.

use std::io::Write;

/// Standard output is for programs; a reader that closed it has what it wanted.
pub fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A record as people see it on standard error.
pub fn line(record: &log::Record) -> String {
    match record.level() {
        log::Level::Info => record.args().to_string(),
        log::Level::Error | log::Level::Warn | log::Level::Debug | log::Level::Trace => {
            format!("{}: {}", record.level().as_str().to_lowercase(), record.args())
        }
    }
}

/// The log of a command that shows no progress: every record a line on standard error.
pub struct PlainLog;

impl PlainLog {
    pub fn install(level: log::LevelFilter) {
        if log::set_logger(&PlainLog).is_ok() {
            log::set_max_level(level);
        }
    }
}

impl log::Log for PlainLog {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        // Nobody is left to tell where standard error is closed.
        let _ = writeln!(std::io::stderr(), "{}", line(record));
    }

    fn flush(&self) {}
}

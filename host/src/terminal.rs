//! What the user sees on standard error: log lines, a progress bar on a terminal and plain lines elsewhere. The log goes into
//! the run's `train.log` as well. Standard output is the commands' own.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

pub use front::table;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plugin_api::abi::abi_stable::std_types::RStr;
use plugin_api::abi::logger::LogSink;
use plugin_api::context::{EpochRecord, Progress};

/// The one terminal of the process.
pub struct Terminal {
    state: Mutex<State>,
    interactive: bool,
}

struct State {
    bar: Option<(String, ProgressBar)>,
    file: Option<File>,
    /// Since when no plain progress line was written, and of what.
    plain: Option<(String, Instant)>,
}

/// Plain progress lines come no more often than this, and not for work that takes less.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// The target of log records that a progress bar shows already.
pub const EPOCH: &str = "epoch";

pub fn terminal() -> &'static Terminal {
    static TERMINAL: OnceLock<Terminal> = OnceLock::new();
    TERMINAL.get_or_init(|| Terminal {
        state: Mutex::new(State { bar: None, file: None, plain: None }),
        interactive: std::io::stderr().is_terminal(),
    })
}

impl Terminal {
    /// Makes it the logger of the process.
    pub fn install(&'static self, level: log::LevelFilter) {
        if log::set_logger(self).is_ok() {
            log::set_max_level(level);
        }
    }

    /// From here on the log goes to this file too.
    pub fn log_to(&self, file: File) {
        self.state().file = Some(file);
    }

    /// Writes to standard error, past the progress bar.
    pub fn print(&self, text: &str) {
        print(&self.state(), text);
    }

    pub fn progress(&self, progress: &Progress) {
        let mut state = self.state();
        if self.interactive {
            draw(&mut state, progress);
        } else if progress.task != EPOCH {
            plain(&mut state, progress);
        }
    }

    /// Removes the progress bar.
    pub fn finish(&self) {
        if let Some((_, bar)) = self.state().bar.take() {
            bar.finish_and_clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl log::Log for Terminal {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        // Libraries of the host talk at length on the lower levels.
        metadata.level() <= log::Level::Info || !metadata.target().starts_with("reqwest")
    }

    fn log(&self, record: &log::Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut state = self.state();
        if let Some(file) = &mut state.file {
            let level = record.level().as_str().to_lowercase();
            let now = jiff::Zoned::now().strftime("%H:%M:%S%.3f").to_string();
            // A full disk must not end the training that it is the log of.
            let _ = writeln!(file, "{now} {level:5} {}: {}", record.target(), record.args());
        }
        if record.target() == EPOCH && self.interactive {
            return;
        }
        print(&state, &front::output::line(record));
    }

    fn flush(&self) {}
}

fn print(state: &State, text: &str) {
    // Nobody is left to tell where standard error is closed.
    let write = || drop(writeln!(std::io::stderr(), "{text}"));
    match &state.bar {
        Some((_, bar)) => bar.suspend(write),
        None => write(),
    }
}

fn draw(state: &mut State, progress: &Progress) {
    if state.bar.as_ref().is_none_or(|(task, _)| *task != progress.task) {
        if let Some((_, former)) = state.bar.take() {
            former.finish_and_clear();
        }
        let bar = ProgressBar::with_draw_target(progress.total, ProgressDrawTarget::stderr());
        bar.set_style(style(progress));
        state.bar = Some((progress.task.clone(), bar));
    }
    if let Some((_, bar)) = &state.bar {
        bar.set_message(progress.note.clone());
        bar.set_prefix(progress.task.clone());
        bar.set_position(progress.done);
    }
    if progress.total == Some(progress.done) {
        if let Some((_, bar)) = state.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn style(progress: &Progress) -> ProgressStyle {
    let template = match (progress.unit.as_str(), progress.total) {
        ("bytes", Some(_)) => "{prefix} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left {msg}",
        ("bytes", None) => "{prefix} {spinner} {bytes} {bytes_per_sec} {msg}",
        (_, Some(_)) => "{prefix} {pos}/{len} {wide_bar} {eta} left  {msg}",
        (_, None) => "{prefix} {spinner} {pos} {msg}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn plain(state: &mut State, progress: &Progress) {
    let since = state.plain.take().filter(|(task, _)| *task == progress.task);
    let due = since.as_ref().is_some_and(|(_, since)| since.elapsed() >= PLAIN_EVERY);
    state.plain = since.filter(|_| !due).or_else(|| Some((progress.task.clone(), Instant::now())));
    if !due {
        return;
    }
    let amount = |n: u64| match progress.unit.as_str() {
        "bytes" => format!("{:.1} MB", n as f64 / 1e6),
        _ => n.to_string(),
    };
    let total = progress.total.map_or_else(String::new, |total| format!(" of {}", amount(total)));
    print(state, &format!("{}: {}{total} {}", progress.task, amount(progress.done), progress.note));
}

/// An epoch as a line: losses first, of the ranking metrics those of the middle k.
pub fn epoch_line(record: &EpochRecord) -> String {
    let k_of = |name: &str| name.split_once('@').and_then(|(_, k)| k.parse::<usize>().ok());
    let ks: std::collections::BTreeSet<usize> = record.values.keys().filter_map(|name| k_of(name)).collect();
    let shown = ks.iter().nth(ks.len().saturating_sub(1) / 2);
    let mut values: Vec<_> = record.values.iter().filter(|(name, _)| *name != "seconds").collect();
    values.retain(|(name, _)| k_of(name).is_none_or(|k| Some(&k) == shown));
    values.sort_by_key(|(name, _)| (!name.ends_with("_loss"), k_of(name).is_some()));
    let values: Vec<_> = values.into_iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
    let seconds = record.values.get("seconds").map_or_else(String::new, |seconds| format!("  ({seconds:.2} s)"));
    format!("epoch {:>3}  {}{seconds}", record.epoch, values.join("  "))
}

/// Where the log records of plugins arrive.
pub const LOG_SINK: LogSink = LogSink { write: receive };

extern "C" fn receive(level: u32, target: RStr<'_>, message: RStr<'_>) {
    let level = log::Level::iter().find(|known| *known as u32 == level).unwrap_or(log::Level::Info);
    log::log!(target: target.as_str(), level, "{message}");
}

//! One training run after the other, or several at a time, each in a process of its own: what multiruns and tuning are made of.
//!
//! [`Job`] is a run that was checked already; [`run`] runs one to its end and [`pool`] many of them. A job's folder holds its config
//! before the child starts, and the child is given nothing else: `recsys-host job RUN_DIR`. The child dies with this process, so that
//! nothing writes on behind the back of a host that was killed and started again. Leaves out: which jobs there are, and what their
//! results mean.

mod folder;
mod follow;
pub mod pool;

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Map, Value};

use crate::child::{self, Finished, Then};
use crate::plugins::policy::Policy;
use follow::Follower;

pub use folder::{finished_result, latest_error, prepare};
pub use pool::{run_all, threads_each, Work};

/// A run to be done.
#[derive(Debug)]
pub struct Job {
    /// Which of the jobs it is: for whoever gave it.
    pub number: usize,
    /// The resolved config as YAML, with the job's own `run_dir`.
    pub config: String,
    /// What the command line changed for this job.
    pub overrides: Vec<String>,
    /// Made anew. What an attempt that did not finish left there is moved beside it first, to `NAME.attempt-1`.
    pub run_dir: PathBuf,
    /// For a config that sets no `threads`.
    pub threads: usize,
    /// A file that the child holds open as long as it lives: locked by `flock`, it stays so until the last child is gone.
    pub held: Option<File>,
}

/// What is to become of a running job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Continue,
    /// It is killed.
    Stop,
}

/// What watches a running job.
pub trait Watch {
    /// A line of its `metrics.jsonl`.
    fn epoch(&mut self, metrics: &Map<String, Value>) -> anyhow::Result<Verdict>;
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Its `result.json`.
    Finished(Value),
    /// With the last lines that it said, and its exit code, if no signal ended it.
    Failed { message: String, code: Option<i32> },
    /// By its [`Watch`].
    Stopped,
    /// By Ctrl-C.
    Interrupted,
}

/// How children are started: what the command line of this process said of plugins.
#[derive(Debug, Clone)]
pub struct Launch {
    plugin_dirs: Vec<PathBuf>,
    policy: Policy,
    profile: bool,
}

impl Launch {
    pub fn new(plugin_dirs: &[PathBuf]) -> Self {
        Self { plugin_dirs: plugin_dirs.to_vec(), policy: Policy::current(), profile: false }
    }

    /// With `--profile`.
    pub fn with_profile(self, profile: bool) -> Self {
        Self { profile, ..self }
    }

    fn command(&self, job: &Job) -> anyhow::Result<Command> {
        let mut command = Command::new(child::this_program());
        for folder in &self.plugin_dirs {
            command.arg("--plugin-dir").arg(folder);
        }
        let flags = [
            ("--locked", self.policy.locked),
            ("--no-probe", self.policy.no_probe),
            ("--verbose", log::max_level() >= log::LevelFilter::Debug),
        ];
        command.args(flags.into_iter().filter_map(|(flag, is_set)| is_set.then_some(flag)));
        if let Some(file) = &self.policy.lock_file {
            command.arg("--lock-file").arg(file);
        }
        command.arg("job").args(self.profile.then_some("--profile"));
        command.args(["--threads".to_owned(), job.threads.to_string()]);
        command.args(["--parent".to_owned(), std::process::id().to_string()]);
        command.arg("--").arg(&job.run_dir);
        let held = job.held.as_ref().map(File::try_clone).transpose()?;
        command.stdin(held.map_or_else(Stdio::null, Stdio::from));
        Ok(command)
    }
}

/// Runs a job to its end, in a process of its own.
///
/// # Errors
/// If its folder cannot be made, the process cannot be started, or its watch failed; not if the job fails.
pub fn run(job: &Job, watch: &mut dyn Watch, launch: &Launch) -> anyhow::Result<Outcome> {
    run_while(job, watch, launch, crate::services::is_cancelled)
}

/// The same, until `is_cancelled`: then it is asked to stop, and waited for.
fn run_while(
    job: &Job,
    watch: &mut dyn Watch,
    launch: &Launch,
    is_cancelled: impl Fn() -> bool,
) -> anyhow::Result<Outcome> {
    folder::prepare(job)?;
    let mut follower = Follower::new(&job.run_dir, watch);
    let mut was_asked = false;
    let finished = child::follow(&mut launch.command(job)?, || {
        follower.look();
        if follower.is_over() {
            Then::Kill
        } else if is_cancelled() && !std::mem::replace(&mut was_asked, true) {
            Then::Interrupt
        } else {
            Then::Wait
        }
    })?;
    follower.look();
    // It may have come to its end just before it was to be stopped.
    let result = finished.success().then(|| finished_result(&job.run_dir)).flatten();
    follower.verdict()?;
    Ok(match (result, finished.timed_out) {
        (Some(result), _) => Outcome::Finished(result),
        (None, true) => Outcome::Stopped,
        (None, false) if finished.status.code() == Some(INTERRUPTED) => Outcome::Interrupted,
        (None, false) => failed(job, &finished),
    })
}

/// The exit code of an interrupted run.
const INTERRUPTED: i32 = 130;

fn failed(job: &Job, finished: &Finished) -> Outcome {
    folder::keep_output(&job.run_dir, &finished.stderr);
    let message = match finished.signal() {
        Some(signal) => {
            let why = if signal == "SIGKILL" { "; was there too little memory?" } else { "" };
            [format!("ended by {signal}{why}"), finished.last_lines(LINES)].join("\n").trim_end().to_owned()
        }
        None => latest_error(&finished.stderr).unwrap_or_else(|| finished.last_lines(LINES)),
    };
    let code = finished.status.code();
    let silent = || format!("it ended with exit code {} and said nothing", code.unwrap_or_default());
    Outcome::Failed { message: if message.is_empty() { silent() } else { message }, code }
}

/// Lines of output told of a job that failed.
const LINES: usize = 5;

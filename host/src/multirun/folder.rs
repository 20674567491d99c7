//! [`SweepFolder`]: a sweep's folder with its list of jobs, made anew or found again, and held by one host at a time.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::ledger::{Event, Ledger};
use super::plan::{root_of, same_jobs, write_jobs, Plan, Planned};
use super::Options;
use crate::artifacts::run_directory::{make_folder, CONFIG};
use crate::artifacts::run_info::{self, PluginFile, Versions};
use crate::artifacts::{write_json, ArtifactError};
use crate::cli::Usage;
use crate::config::{ConfigErrors, Request};
use crate::experiment;
use crate::jobs::{finished_result, Job};

pub const MANIFEST: &str = "sweep.json";
const LOCK: &str = "lock";
/// A host that was killed leaves children that end a moment later; so long they may hold the folder.
const PATIENCE: Duration = Duration::from_secs(10);
const NAP: Duration = Duration::from_millis(20);

/// `sweep.json`: what the sweep is. Enough to go on with it without the config files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    pub started: String,
    pub config: PathBuf,
    pub overrides: Vec<String>,
    pub n_parallel: usize,
    pub versions: Versions,
    pub plugins: Vec<PluginFile>,
    pub jobs: Vec<Planned>,
}

pub struct SweepFolder {
    pub path: PathBuf,
    pub manifest: Manifest,
    /// Locked as long as this host or one of its children lives.
    lock: File,
}

/// Whether a folder is that of a sweep.
pub fn is_sweep(path: &Path) -> bool {
    path.join(MANIFEST).is_file()
}

impl SweepFolder {
    /// For the jobs of a command line: the folder of an unfinished sweep of the same jobs, if there is one and nothing speaks against it,
    /// else a new one.
    pub fn of(plan: &Plan, options: Options) -> anyhow::Result<Self> {
        let former = if options.fresh { None } else { newest_of(plan) };
        match former {
            Some(path) if options.resume => Self::open(&path),
            None if options.resume => anyhow::bail!(Usage(nothing_to_resume(plan))),
            Some(path) => match why_not(&path, plan) {
                None => {
                    let folder = Self::open(&path)?;
                    log::info!("these jobs were begun in {}: going on there; --fresh begins anew", path.display());
                    Ok(folder)
                }
                Some(Objection::Whole) => Self::create(plan),
                Some(Objection::Because(why)) => {
                    log::warn!("{}: {why}; this sweep begins anew, --resume goes on with that one", path.display());
                    Self::create(plan)
                }
            },
            None => Self::create(plan),
        }
    }

    fn create(plan: &Plan) -> anyhow::Result<Self> {
        let path = make_folder(&plan.sweep_dir, "sweep_dir")?;
        let lock = lock(&path)?;
        let manifest = Manifest {
            started: run_info::now(),
            config: plan.config.clone(),
            overrides: plan.overrides.clone(),
            n_parallel: plan.n_parallel,
            versions: Versions::current(),
            plugins: plan.plugins.clone(),
            jobs: plan.jobs.clone(),
        };
        write_json(&path.join(MANIFEST), &manifest)?;
        Ok(Self { path, manifest, lock })
    }

    /// One that is there.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let lock = lock(path)?;
        Ok(Self { path: path.to_owned(), manifest: read(path)?, lock })
    }

    /// Jobs of a command line that the sweep does not have yet. Those that it has keep their numbers and results.
    pub fn add(&mut self, plan: &Plan) -> anyhow::Result<()> {
        warn_of_differences(&self.path, &self.manifest, &plan.plugins);
        let known = |key: &str| self.manifest.jobs.iter().any(|job| job.key == key);
        let new: Vec<Planned> = plan.jobs.iter().filter(|job| !known(&job.key)).cloned().collect();
        if new.is_empty() {
            return Ok(());
        }
        if new.len() == plan.jobs.len() {
            let what = format!("{}: none of these {} jobs is in this sweep", self.path.display(), new.len());
            anyhow::bail!(Usage(format!("{what}; leave --resume out to begin a new one")));
        }
        log::info!("{} new jobs join the {} of the sweep", new.len(), self.manifest.jobs.len());
        let first = self.manifest.jobs.len();
        self.manifest
            .jobs
            .extend(new.into_iter().enumerate().map(|(index, job)| Planned { number: first + index, ..job }));
        Ok(write_json(&self.path.join(MANIFEST), &self.manifest)?)
    }

    /// Checks the jobs that are to be run, from what the folder says of them.
    pub fn check_pending(&self, plugin_dirs: &[PathBuf]) -> anyhow::Result<()> {
        let ledger = Ledger::peek(&self.path);
        let (mut faults, mut plugins) = (Vec::new(), Vec::new());
        for planned in &self.manifest.jobs {
            if matches!(ledger.get(&planned.key), Some(Event::Finished { .. })) || self.finished(planned).is_some() {
                continue;
            }
            let job = self.job(planned, 0)?;
            crate::jobs::prepare(&job)?;
            match experiment::check(&Request::from_file(job.run_dir.join(CONFIG), Vec::new()), plugin_dirs) {
                Ok(checked) => plugins.extend(run_info::plugin_files(checked.parts.libraries())),
                Err(errors) => faults.extend_from_slice(errors.faults()),
            }
        }
        ConfigErrors::check((), faults)?;
        warn_of_differences(&self.path, &self.manifest, &plugins);
        Ok(())
    }

    pub fn run_dir(&self, planned: &Planned) -> PathBuf {
        self.path.join(planned.number.to_string())
    }

    /// The result that a job left, whether or not there was time to write it into the ledger.
    pub fn finished(&self, planned: &Planned) -> Option<serde_json::Value> {
        finished_result(&self.run_dir(planned))
    }

    /// What is run of a planned job.
    pub fn job(&self, planned: &Planned, threads: usize) -> Result<Job, ArtifactError> {
        let run_dir = self.run_dir(planned);
        let held = self.lock.try_clone().map_err(|error| ArtifactError::new(&self.path.join(LOCK), error))?;
        Ok(Job {
            number: planned.number,
            config: crate::config::with_run_dir(&planned.config, &run_dir),
            overrides: planned.overrides.clone(),
            run_dir,
            threads,
            held: Some(held),
        })
    }
}

impl fmt::Display for SweepFolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ledger = Ledger::peek(&self.path);
        let is_finished = |job: &&Planned| matches!(ledger.get(&job.key), Some(Event::Finished { .. }));
        let pending: Vec<Planned> = self.manifest.jobs.iter().filter(|job| !is_finished(job)).cloned().collect();
        write_jobs(formatter, &pending)
    }
}

fn read(path: &Path) -> Result<Manifest, ArtifactError> {
    let file = path.join(MANIFEST);
    let text = std::fs::read_to_string(&file).map_err(|error| ArtifactError::new(&file, error))?;
    serde_json::from_str(&text).map_err(|error| ArtifactError::new(&file, format!("no sweep of this host: {error}")))
}

/// Two hosts in one folder would run the same jobs over each other.
fn lock(path: &Path) -> anyhow::Result<File> {
    let file = path.join(LOCK);
    let failed = |error: std::io::Error| ArtifactError::new(&file, error);
    let mut lock =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&file).map_err(failed)?;
    let started = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
                let lives = holder.is_some_and(|holder| kill(Pid::from_raw(holder), None) != Err(Errno::ESRCH));
                if lives || started.elapsed() > PATIENCE {
                    let whose = holder.map_or_else(String::new, |holder| format!(" (process {holder})"));
                    let what = format!("{}: another host works on this sweep{whose}", path.display());
                    anyhow::bail!("{what}; wait until it is done, stop it, or begin another sweep with --fresh");
                }
                std::thread::sleep(NAP);
            }
            // Some network file systems cannot; a sweep is still worth having there.
            Err(TryLockError::Error(error)) => {
                log::warn!("{}: {error}; see to it yourself that no other host works on this sweep", file.display());
                break;
            }
        }
    }
    let written = lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "{}", std::process::id()));
    written.map_err(failed)?;
    Ok(lock)
}

/// What speaks against going on with a sweep that was not asked for by name.
enum Objection {
    /// Nothing is left to do.
    Whole,
    Because(String),
}

fn why_not(path: &Path, plan: &Plan) -> Option<Objection> {
    let manifest = read(path).ok()?;
    let ledger = Ledger::peek(path);
    let events: Vec<Option<&Event>> = manifest.jobs.iter().map(|job| ledger.get(&job.key)).collect();
    let n_failed = events.iter().filter(|event| matches!(event, Some(Event::Failed { .. }))).count();
    if events.iter().all(|event| matches!(event, Some(Event::Finished { .. } | Event::Failed { .. }))) {
        let failed = || Objection::Because(format!("{n_failed} of these {} jobs failed there", manifest.jobs.len()));
        return Some(if n_failed == 0 { Objection::Whole } else { failed() });
    }
    let differences = differences(&manifest, &plan.plugins);
    (!differences.is_empty())
        .then(|| Objection::Because(format!("an unfinished sweep of these jobs, with {}", differences.join(", "))))
}

/// In what the host and the plugins of today differ from those that a sweep began with.
fn differences(manifest: &Manifest, plugins: &[PluginFile]) -> Vec<String> {
    let mut found = manifest.versions.differences();
    for plugin in plugins {
        let former = manifest.plugins.iter().find(|former| former.name == plugin.name);
        if former.is_some_and(|former| former.sha256 != plugin.sha256)
            && !found.contains(&format!("another `{}`", plugin.name))
        {
            found.push(format!("another `{}`", plugin.name));
        }
    }
    found
}

fn warn_of_differences(path: &Path, manifest: &Manifest, plugins: &[PluginFile]) {
    let differences = differences(manifest, plugins);
    if !differences.is_empty() {
        let what = differences.join(", ");
        log::warn!("{}: it was begun with {what}; its results will not all be of one kind", path.display());
    }
}

/// The newest sweep of exactly these jobs.
fn newest_of(plan: &Plan) -> Option<PathBuf> {
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for path in sweeps_beside(&plan.sweep_dir, &plan.other_sweep_dir) {
        match read(&path) {
            Ok(manifest) if same_jobs(&manifest.jobs, &plan.jobs) => found.push((manifest.started, path)),
            Ok(_) => {}
            Err(error) => log::debug!("{error}"),
        }
    }
    found.sort();
    found.pop().map(|(_, path)| path)
}

fn sweeps_beside(wanted: &Path, other: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    match root_of(wanted, other) {
        Some((root, depth)) => collect(&root, depth, &mut found),
        None => {
            // The folder itself, and those that got a suffix because its name was taken.
            let wanted: PathBuf = wanted.components().collect();
            let name = wanted.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let is_one = |path: &PathBuf| {
                let rest = path.file_name().and_then(|found| found.to_str()?.strip_prefix(name.as_str()));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            };
            collect(wanted.parent().unwrap_or(Path::new("")), 1, &mut found);
            found.retain(is_one);
        }
    }
    found
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let folder_or_here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    for entry in std::fs::read_dir(folder_or_here).into_iter().flatten().flatten() {
        let path = folder.join(entry.file_name());
        if is_sweep(&path) {
            found.push(path);
        } else if depth > 1 && path.is_dir() {
            collect(&path, depth - 1, found);
        }
    }
}

fn nothing_to_resume(plan: &Plan) -> String {
    let place = match root_of(&plan.sweep_dir, &plan.other_sweep_dir) {
        Some((root, _)) if root.as_os_str().is_empty() => "here".to_owned(),
        Some((root, _)) => format!("below {}", root.display()),
        None => format!("at {}", plan.sweep_dir.display()),
    };
    let mut text =
        format!("there is no sweep of exactly these {} jobs {place}; leave --resume out to begin one", plan.jobs.len());
    let mut others = sweeps_beside(&plan.sweep_dir, &plan.other_sweep_dir);
    others.sort();
    if let Some(newest) = others.last() {
        text += &format!(", or name the folder that these jobs are to join: `--resume {}`", newest.display());
    }
    text
}

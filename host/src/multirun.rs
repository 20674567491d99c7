//! `train -m`: many runs of one config, and what came of them together.
//!
//! In the order of the data: overrides become jobs that are composed and checked before the first one starts (`plan`); a folder is made for
//! them, or the folder of the same jobs is found again (`folder`); each job runs in a process of its own ([`crate::jobs`]), and what
//! comes of it is written to a ledger at once (`ledger`), so that whatever stops the sweep, it goes on where it was (`work`); the
//! results become tables (`table`) with mean, standard deviation and interval over seeds (`statistics`).

mod folder;
mod ledger;
mod plan;
mod statistics;
mod table;
mod work;

use std::path::{Path, PathBuf};

use crate::cli::Usage;
use crate::config::Request;
use crate::jobs::{self, Launch};
use crate::terminal::terminal;
use folder::SweepFolder;
use plan::Plan;
use work::Sweeping;

pub use folder::is_sweep;
pub use plan::refuse_outside;

/// What the command line asks of a multirun besides its jobs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Go on with the newest sweep of the same jobs.
    pub resume: bool,
    /// Begin anew, whatever there is.
    pub fresh: bool,
    /// Tell the jobs and run none.
    pub dry_run: bool,
    pub profile: bool,
}

/// How a multirun ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// Every job has its result.
    Whole,
    /// Some jobs failed.
    Failed,
    /// By Ctrl-C.
    Interrupted,
}

/// Runs the jobs of a command line; prints the sweep's folder.
pub fn run(request: &Request, options: Options, plugin_dirs: &[PathBuf]) -> anyhow::Result<Swept> {
    let plan = Plan::make(request, plugin_dirs)?;
    if options.dry_run {
        crate::commands::print(&plan.to_string());
        return Ok(Swept::Whole);
    }
    let folder = SweepFolder::of(&plan, options)?;
    sweep(folder, plan.n_parallel, options, plugin_dirs)
}

/// Goes on with the sweep in a folder, from the folder alone or with the jobs that `request` adds to it.
pub fn resume(
    path: &Path,
    request: Option<&Request>,
    options: Options,
    plugin_dirs: &[PathBuf],
) -> anyhow::Result<Swept> {
    if options.fresh {
        anyhow::bail!(Usage(format!(
            "--fresh begins a new sweep, and {} is one to go on with; leave one of them out",
            path.display()
        )));
    }
    let plan = request.map(|request| Plan::make(request, plugin_dirs)).transpose()?;
    let mut folder = SweepFolder::open(path)?;
    match &plan {
        Some(plan) => folder.add(plan)?,
        None => folder.check_pending(plugin_dirs)?,
    }
    let n_parallel = plan.map_or(folder.manifest.n_parallel, |plan| plan.n_parallel);
    if options.dry_run {
        crate::commands::print(&folder.to_string());
        return Ok(Swept::Whole);
    }
    sweep(folder, n_parallel, options, plugin_dirs)
}

fn sweep(folder: SweepFolder, n_parallel: usize, options: Options, plugin_dirs: &[PathBuf]) -> anyhow::Result<Swept> {
    log::info!("sweep directory {}", folder.path.display());
    let path = folder.path.clone();
    let mut sweeping = Sweeping::new(folder, jobs::threads_each(n_parallel))?;
    sweeping.write_tables()?;
    let launch = Launch::new(plugin_dirs).with_profile(options.profile);
    let ran = jobs::run_all(n_parallel, &mut sweeping, &launch);
    terminal().finish();
    terminal().print(&sweeping.table());
    let swept = sweeping.tell();
    ran.map_err(|error| {
        error.context(format!("the sweep stopped; `recsys-host train --resume {}` goes on", path.display()))
    })?;
    crate::commands::print(&path.display().to_string());
    Ok(swept)
}

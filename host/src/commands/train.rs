//! `recsys-host train CONFIG [overrides]`; with `-m` many runs.

use std::path::PathBuf;

use crate::artifacts::profile;
use crate::cli::{ConfigArguments, Usage};
use crate::experiment::{self, Terms};
use crate::multirun::{self, Swept};
use crate::rerun::Former;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Time the phases of the run: a table at the end, `profile` in result.json, and trace.json for ui.perfetto.dev or
    /// chrome://tracing.
    #[arg(long)]
    pub profile: bool,
    /// Train nothing: check, build everything, push one batch through and estimate the memory, as `check --dry-run` does; of several
    /// runs check and list all.
    #[arg(long, conflicts_with = "profile")]
    pub dry_run: bool,
    /// Several runs: `key=a,b`, `key=range(1,5)`, `group=glob(*)` vary as in Hydra, `repeat=5` runs five seeds of each, `jobs=2` two
    /// runs at a time.
    #[arg(short, long)]
    pub multirun: bool,
    /// Go on with the newest sweep of the same jobs, or with that of a folder: `train --resume multirun/2026-01-31/12-00-00`.
    #[arg(long)]
    pub resume: bool,
    /// Begin a new sweep although the same jobs were begun before.
    #[arg(long, conflicts_with = "resume")]
    pub fresh: bool,
    /// Repeat a run from its directory alone, with overrides if any; tells what is not as it was: plugins, versions, data.
    #[arg(long, value_name = "RUN_DIR", conflicts_with_all = ["multirun", "resume", "fresh", "config_name"])]
    pub rerun: Option<PathBuf>,
    /// Refuse to repeat a run if anything is not as it was, and compare all numbers at the end.
    #[arg(long, requires = "rerun")]
    pub exact: bool,
    #[command(flatten)]
    pub config: ConfigArguments,
}

/// How training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Done,
    /// Runs of a sweep failed; it was said which.
    Failed,
    Interrupted,
}

/// Nothing is trained with `--dry-run`.
pub fn run(arguments: Arguments, plugin_dirs: &[PathBuf]) -> anyhow::Result<Ended> {
    if arguments.multirun || arguments.resume {
        return several(arguments, plugin_dirs);
    }
    if arguments.fresh {
        anyhow::bail!(Usage("--fresh begins a new sweep, and this is one run; add -m (--multirun)".into()));
    }
    multirun::refuse_outside(&arguments.config.arguments)?;
    let former = arguments.rerun.as_deref().map(|run| Former::open(run, arguments.exact)).transpose()?;
    let request = match &former {
        Some(former) => former.request(arguments.config.arguments)?,
        None => arguments.config.request()?,
    };
    // Before any library is opened: each is then told where its spans go.
    if arguments.profile {
        profile::start();
    }
    let checked = experiment::check(&request, plugin_dirs)?;
    if arguments.dry_run {
        super::print(&experiment::dry_run(&checked)?.to_string());
        return Ok(Ended::Done);
    }
    let trained = experiment::train(checked, &Terms { former: former.as_ref(), ..Terms::default() })?;
    super::print(&trained.run_directory.display().to_string());
    if trained.interrupted {
        return Ok(Ended::Interrupted);
    }
    former.filter(|former| former.exact).map_or(Ok(()), |former| former.compare_metrics(&trained.run_directory))?;
    Ok(Ended::Done)
}

fn several(mut arguments: Arguments, plugin_dirs: &[PathBuf]) -> anyhow::Result<Ended> {
    let Arguments { resume, fresh, dry_run, profile, .. } = arguments;
    let options = multirun::Options { resume, fresh, dry_run, profile };
    let words = &mut arguments.config.arguments;
    // A sweep's folder is none of a config's words, wherever it stands among them.
    let folder = words.iter().position(|word| resume && multirun::is_sweep(word.as_ref())).map(|at| words.remove(at));
    let request = |config: ConfigArguments| config.request();
    let swept = match folder {
        Some(folder) if arguments.config.is_empty() => multirun::resume(folder.as_ref(), None, options, plugin_dirs)?,
        Some(folder) => {
            let request = request(arguments.config)?;
            multirun::resume(folder.as_ref(), Some(&request), options, plugin_dirs)?
        }
        None => multirun::run(&request(arguments.config)?, options, plugin_dirs)?,
    };
    Ok(match swept {
        Swept::Whole => Ended::Done,
        Swept::Failed => Ended::Failed,
        Swept::Interrupted => Ended::Interrupted,
    })
}

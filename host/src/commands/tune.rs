//! `recsys-host tune CONFIG [overrides]`, `tune best [STUDY]`, `tune report [STUDY]`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::artifacts::write_whole;
use crate::cli::{ConfigArguments, INTERRUPTED};
use crate::tune::trial::State;
use crate::tune::{find, report, tune, winner};

/// Search the values that make a metric best. `sweeper=tpe` (random, grid) in a config's defaults says how, and sweep functions say
/// where: `'model.params.dropout=interval(0, 0.5)'`, `'model.params.hidden_dim=choice(32,64)'`,
/// `'trainer.params.learning_rate=tag(log, interval(1e-4, 1e-1))'`. The same command goes on with a study that was stopped.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub config: ConfigArguments,
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print the best trial's config, which `train` takes.
    Best {
        #[command(flatten)]
        study: StudyArgument,
        /// Write it to this file instead.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write an HTML page on a study: history, importance, slices, learning curves, all trials.
    Report {
        #[command(flatten)]
        study: StudyArgument,
        /// The page; by default report.html beside the study.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
pub struct StudyArgument {
    /// A name, its folder or its SQLite file; by default the study below studies/ that was written last.
    #[arg(value_name = "STUDY")]
    pub study: Option<String>,
}

pub fn run(arguments: Arguments, plugin_dirs: &[PathBuf]) -> anyhow::Result<ExitCode> {
    match arguments.command {
        None => search(arguments.config, plugin_dirs),
        Some(Command::Best { study, output }) => {
            let text = winner::config(&find::open(study.study.as_deref())?)?;
            match output {
                Some(output) => write(&output, &text)?,
                None => super::print(text.trim_end()),
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Report { study, output }) => {
            let study = find::open(study.study.as_deref())?;
            let output = output.unwrap_or_else(|| study.path.with_file_name("report.html"));
            write(&output, &report::page(&study))?;
            super::print(&output.display().to_string());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn search(config: ConfigArguments, plugin_dirs: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let tuned = tune(&config.request()?, plugin_dirs)?;
    super::print(&tuned.storage.display().to_string());
    let complete = tuned.trials.iter().any(|trial| trial.state == State::Complete);
    Ok(match (tuned.is_complete, complete) {
        (false, _) => ExitCode::from(INTERRUPTED),
        (true, true) => ExitCode::SUCCESS,
        (true, false) => anyhow::bail!("no trial came to its end; the first says:\n{}", first_message(&tuned.trials)),
    })
}

fn first_message(trials: &[crate::tune::trial::Trial]) -> &str {
    trials.iter().find_map(|trial| trial.message.as_deref()).unwrap_or("nothing: all were pruned")
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    Ok(write_whole(path, |staged| std::fs::write(staged, text))?)
}

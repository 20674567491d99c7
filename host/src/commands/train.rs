//! `recsys-host train CONFIG [overrides]`.

use std::path::PathBuf;

use crate::artifacts::profile;
use crate::cli::ConfigArguments;
use crate::experiment::{self, Terms, Trained};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Time the phases of the run: a table at the end, `profile` in result.json, and trace.json for ui.perfetto.dev or
    /// chrome://tracing.
    #[arg(long)]
    pub profile: bool,
    /// Train nothing: check, build everything, push one batch through and estimate the memory, as `check --dry-run` does.
    #[arg(long, conflicts_with = "profile")]
    pub dry_run: bool,
    #[command(flatten)]
    pub config: ConfigArguments,
}

/// Nothing is trained with `--dry-run`.
pub fn run(arguments: Arguments, plugin_dirs: &[PathBuf]) -> anyhow::Result<Option<Trained>> {
    let request = arguments.config.request()?;
    let checked = experiment::check(&request, plugin_dirs)?;
    if arguments.dry_run {
        super::print(&experiment::dry_run(&checked)?.to_string());
        return Ok(None);
    }
    if arguments.profile {
        profile::start();
    }
    let trained = experiment::train(checked, &Terms::default())?;
    super::print(&trained.run_directory.display().to_string());
    Ok(Some(trained))
}

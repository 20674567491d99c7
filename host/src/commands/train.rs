//! `recsys-host train CONFIG [overrides]`.

use std::path::PathBuf;

use crate::artifacts::profile;
use crate::cli::ConfigArguments;
use crate::experiment::{self, Trained};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Time the phases of the run: a table at the end, `profile` in result.json, and trace.json for ui.perfetto.dev or
    /// chrome://tracing.
    #[arg(long)]
    pub profile: bool,
    #[command(flatten)]
    pub config: ConfigArguments,
}

pub fn run(arguments: Arguments, plugin_dirs: &[PathBuf]) -> anyhow::Result<Trained> {
    let config = arguments.config.compose()?;
    if arguments.profile {
        profile::start();
    }
    let trained = experiment::train(&config, plugin_dirs)?;
    super::print(&trained.run_directory.display().to_string());
    Ok(trained)
}

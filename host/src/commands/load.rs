//! `recsys-host load CONFIG [--force] [--export FILE]`.

use std::path::PathBuf;

use crate::cli::ConfigArguments;
use crate::experiment;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub config: ConfigArguments,
    /// Fetch and build anew.
    #[arg(long)]
    pub force: bool,
    /// Also write graph and splits as a safetensors file that `graph_file:GraphFileLoader` reads.
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
}

pub fn run(arguments: Arguments, plugin_dirs: &[PathBuf]) -> anyhow::Result<()> {
    let Arguments { config, force, export } = arguments;
    let summary = experiment::load(&config.compose()?, force, export.as_deref(), plugin_dirs)?;
    super::print(&summary);
    Ok(())
}

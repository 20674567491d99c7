//! `recsys-host load CONFIG [--force]`.

use std::path::PathBuf;

use crate::cli::ConfigArguments;
use crate::experiment;

pub fn run(config: ConfigArguments, force: bool, plugin_dirs: &[PathBuf]) -> anyhow::Result<()> {
    let summary = experiment::load(&config.compose()?, force, plugin_dirs)?;
    super::print(&summary);
    Ok(())
}

//! `recsys-host train CONFIG [overrides]`.

use std::path::PathBuf;

use crate::cli::ConfigArguments;
use crate::experiment::{self, Trained};

pub fn run(config: ConfigArguments, plugin_dirs: &[PathBuf]) -> anyhow::Result<Trained> {
    let trained = experiment::train(&config.compose()?, plugin_dirs)?;
    super::print(&trained.run_directory.display().to_string());
    Ok(trained)
}

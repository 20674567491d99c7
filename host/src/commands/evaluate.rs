//! `recsys-host evaluate RUN_DIR [overrides]`.

use std::path::PathBuf;

use crate::experiment::{self, Explain, Restored};
use crate::terminal::{table, terminal};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A run directory of `recsys-host train`.
    pub run_dir: PathBuf,
    /// Overrides of the run's config, for example `evaluator.params.k=[1,100]`.
    #[arg(value_name = "OVERRIDE")]
    pub overrides: Vec<String>,
}

pub fn run(arguments: Arguments, plugin_dirs: &[PathBuf]) -> anyhow::Result<()> {
    let config = experiment::config_of_run(&arguments.run_dir, arguments.overrides)?;
    let restored = Restored::open(&arguments.run_dir, &config, plugin_dirs)?;
    let Restored { experiment, data, model, parts, services } = &restored;
    let explain = Explain { config: &config, experiment };
    let evaluator = parts.evaluator(experiment, services, &explain)?;
    let metrics = experiment::evaluate(model, &evaluator, &data.splits, &explain)?;
    terminal().print(&table::metrics(&metrics));
    let named: serde_json::Map<_, _> =
        metrics.into_iter().map(|(name, value)| (format!("test.{name}"), value.into())).collect();
    super::print(&serde_json::to_string_pretty(&named)?);
    Ok(())
}

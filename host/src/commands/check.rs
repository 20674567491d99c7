//! `recsys-host check CONFIG [overrides] [--dry-run]`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{json, Value};

use crate::cli::ConfigArguments;
use crate::config::{ConfigErrors, Fault, Section};
use crate::experiment::{self, Checked};
use crate::terminal::table::table;

/// Wrong usage or config, as everywhere.
const FAULTY: u8 = 2;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub config: ConfigArguments,
    /// Go on: build everything, push one batch through model, loss and backward, and print shapes, numbers of weights and an estimate
    /// of the memory that training on the real data takes. Fetches nothing and leaves no run directory.
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON: `faults`, and with --dry-run what came of it.
    #[arg(long)]
    pub json: bool,
}

pub fn run(arguments: Arguments, plugin_dirs: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let request = arguments.config.request()?;
    let checked = match experiment::check(&request, plugin_dirs) {
        Ok(checked) => checked,
        Err(errors) if arguments.json => {
            super::print(&serde_json::to_string_pretty(&faults(&errors))?);
            return Ok(ExitCode::from(FAULTY));
        }
        Err(errors) => return Err(errors.into()),
    };
    let dry_run = arguments.dry_run.then(|| experiment::dry_run(&checked)).transpose()?;
    if arguments.json {
        super::print(&serde_json::to_string_pretty(&json!({"faults": [], "dry_run": dry_run}))?);
    } else {
        super::print(&parts(&checked));
        dry_run.iter().for_each(|report| super::print(&format!("\n{report}")));
    }
    Ok(ExitCode::SUCCESS)
}

fn faults(errors: &ConfigErrors) -> Value {
    let faults: Vec<_> = errors.faults().iter().map(Fault::to_json).collect();
    json!({ "faults": faults })
}

fn parts(checked: &Checked) -> String {
    let mut rows = table(&["section", "module", "version", "params"]);
    for section in Section::ALL {
        let component = checked.experiment.component(section);
        let library = checked.parts.libraries().find(|library| library.identity.name == component.module.library);
        let version = library.map_or("", |library| library.identity.version.as_str());
        rows.add_row([section.key(), &component.module.to_string(), version, &component.params.to_string()]);
    }
    format!("nothing wrong\n{rows}")
}

//! What has to be right before any work begins: composition, settings, every module, every parameter, and whether they go together.

use std::path::PathBuf;
use std::time::Instant;

use super::Parts;
use crate::config::{self, Config, ConfigErrors, ExperimentConfig, ExperimentDraft, Faults, Request};

/// An experiment in which nothing was found wrong, with its parts open.
pub struct Checked {
    pub config: Config,
    pub experiment: ExperimentConfig,
    pub parts: Parts,
    /// When checking began.
    pub started: Instant,
}

/// Every stage goes on with what the former ones could read, and all faults are told together.
pub fn check(request: &Request, plugin_dirs: &[PathBuf]) -> Result<Checked, ConfigErrors> {
    let started = Instant::now();
    let (config, mut faults) = config::draft(request);
    let checked = config.and_then(|config| open(config, plugin_dirs, started, &mut faults));
    faults.check(checked)?.ok_or_else(|| ConfigErrors::unreadable(request))
}

fn open(config: Config, plugin_dirs: &[PathBuf], started: Instant, faults: &mut Faults) -> Option<Checked> {
    let (draft, found) = ExperimentDraft::read(&config);
    faults.add_stage(found);
    let mut parts = Parts::new(&draft.settings, plugin_dirs);
    faults.add_stage(parts.open_components(&draft.components().collect::<Vec<_>>(), &config));
    faults.add_stage(parts.check_fit(&draft, &config));
    Some(Checked { experiment: draft.complete()?, config, parts, started })
}

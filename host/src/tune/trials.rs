//! [`Composer`]: from the values of a trial to its config, and the check of a whole space before the first trial.

use std::path::{Path, PathBuf};

use super::params::Found;
use crate::config::{self, Config, ConfigErrors, Fault, KeyPath, Request};
use crate::experiment::{self, Checked};

/// Of a parameter with more options than these only the first are checked beforehand.
const OPTIONS_CHECKED: usize = 64;

pub struct Composer {
    config: PathBuf,
    config_dir: PathBuf,
    /// What the command line says of all trials.
    common: Vec<String>,
    /// `${now:...}` is the same in all trials.
    now: jiff::Zoned,
}

impl Composer {
    pub fn new(request: &Request, common: Vec<String>) -> Self {
        let Request { config, config_dir, now, .. } = request;
        Self { config: config.clone(), config_dir: config_dir.clone(), common, now: now.clone() }
    }

    /// All overrides of a trial.
    pub fn overrides(&self, of_trial: &[String]) -> Vec<String> {
        [self.common.as_slice(), of_trial].concat()
    }

    fn request(&self, of_trial: &[String]) -> Request {
        let request = Request::from_file(&self.config, self.overrides(of_trial));
        Request { config_dir: self.config_dir.clone(), now: self.now.clone(), ..request }
    }

    /// What the trials have in common, with the `sweeper` section.
    pub fn base(&self) -> Result<Config, ConfigErrors> {
        config::compose(&self.request(&[]))
    }

    /// The base, with its parts open.
    pub fn check_base(&self, plugin_dirs: &[PathBuf]) -> Result<Checked, ConfigErrors> {
        experiment::check(&self.request(&[]), plugin_dirs)
    }

    /// The config of a trial as YAML.
    pub fn compose(&self, of_trial: &[String], run_dir: &Path) -> Result<String, ConfigErrors> {
        Ok(config::with_run_dir(&config::compose(&self.request(of_trial))?.of_job(), run_dir))
    }

    /// Checks every end of every parameter with the other parameters at their first ends. All faults are told together, those
    /// of a parameter's value where its space stands.
    pub fn check(&self, found: &Found, plugin_dirs: &[PathBuf]) -> Result<(), ConfigErrors> {
        let ends = found.space.0.iter().filter_map(|parameter| parameter.domain.ends().first().copied());
        let point: Vec<f64> = ends.collect();
        let mut points = vec![point.clone()];
        for (index, parameter) in found.space.0.iter().enumerate() {
            for end in parameter.domain.ends().into_iter().take(OPTIONS_CHECKED) {
                let mut changed = point.clone();
                changed[index] = end;
                points.push(changed);
            }
        }
        let mut faults: Vec<Fault> = Vec::new();
        for point in points {
            if let Err(errors) = experiment::check(&self.request(&found.space.overrides(&point)), plugin_dirs) {
                faults.extend(errors.faults().iter().map(|fault| at_its_space(fault.clone(), found)));
            }
        }
        ConfigErrors::check((), faults)
    }
}

fn at_its_space(fault: Fault, found: &Found) -> Fault {
    let place = fault
        .key_path()
        .and_then(|path| found.space.0.iter().position(|parameter| KeyPath::parse(parameter.name()) == *path));
    match place {
        Some(index) => fault.at(&found.origins[index]),
        None => fault,
    }
}

//! Words the error of a plugin for the person who wrote the config: which part, where the config names it, what happened.

use std::fmt;

use plugin_api::error::ErrorKind;
use plugin_api::PluginError;

use crate::config::{Component, Config, ExperimentConfig, Section};

/// A part of an experiment that failed.
#[derive(Debug)]
pub struct ComponentFailure {
    /// `gat:GAT`.
    component: String,
    /// Key path and place in the config.
    place: Option<(String, String)>,
    pub error: Box<PluginError>,
}

impl std::error::Error for ComponentFailure {}

impl fmt::Display for ComponentFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.error.kind {
            ErrorKind::Panicked => " panicked",
            ErrorKind::InvalidParameter => ": invalid parameter",
            ErrorKind::InvalidData | ErrorKind::Unsupported | ErrorKind::Interrupted | ErrorKind::Failed => "",
        };
        write!(f, "{}{what}: {}", self.component, self.error.message)?;
        for cause in &self.error.chain {
            write!(f, "\n  caused by: {cause}")?;
        }
        if let Some((key, origin)) = &self.place {
            write!(f, "\n  --> {origin}\n  key path: {key}")?;
        }
        if let Some(location) = &self.error.location {
            write!(f, "\n  panicked at {location}")?;
        }
        match self.error.kind {
            ErrorKind::Panicked => write!(
                f,
                "\n  a panic is a fault of the plugin: report it to its authors (RECSYS_BACKTRACE=1 RUST_BACKTRACE=1 shows the stack)"
            ),
            _ => Ok(()),
        }
    }
}

/// Knows the config that the errors are to be explained with.
pub struct Explain<'a> {
    pub config: &'a Config,
    pub experiment: &'a ExperimentConfig,
}

impl Explain<'_> {
    /// `called` is the part that was called; the error may come from another one that it used.
    pub fn result<T>(&self, called: Section, result: plugin_api::Result<T>) -> Result<T, ComponentFailure> {
        result.map_err(|error| {
            let named = |section: &Section| {
                let component = self.experiment.component(*section);
                error.component.as_deref() == Some(component.module.to_string().as_str())
            };
            let section = Section::ALL.into_iter().find(named).unwrap_or(called);
            component_failure(error, Some(self.experiment.component(section)), self.config)
        })
    }
}

/// `component` is the part of the config at fault.
pub fn component_failure(error: PluginError, component: Option<&Component>, config: &Config) -> ComponentFailure {
    let place = component.map(|component| match &error.config_path {
        Some(path) => {
            let key = format!("{}.params.{path}", component.key_path);
            let origin = config.origin_of(&key).to_string();
            (key, origin)
        }
        None => (component.key_path.child("module").to_string(), component.origin.to_string()),
    });
    let module = component.map(|component| component.module.to_string());
    let name = error.component.as_deref().map(str::to_owned).or(module).unwrap_or_default();
    ComponentFailure { component: name, place, error: Box::new(error) }
}

//! A config as Hydra composes it: YAML files with defaults lists, overrides and interpolation, and every value with its origin.
//!
//! In the order of the data: a file is read (`yaml`), the overrides are read (`overrides`), the defaults lists are followed
//! (`defaults`), what they name is merged (`merge`), the overrides are applied, interpolations are resolved
//! (`interpolation`), and the tree is read into the host's own types (`experiment`). Pure: neither plugins nor libtorch are
//! known here. Leaves out: the meaning of `params`, which only the plugins know.

mod errors;
mod key_path;
mod literal;
mod node;
mod origin;
mod yaml;

mod overrides;

mod defaults;

mod interpolation;
mod merge;

mod emit;

pub mod experiment;
pub mod provenance;
pub mod sweep;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use errors::{nearest, ConfigErrors, Fault, Faults};
pub use experiment::{
    Component, Device, ExperimentConfig, ExperimentDraft, ModelSection, ModuleRef, PluginFolder, Section,
};
pub use key_path::KeyPath;
pub use node::{Map, Node, Value};
pub use origin::{Origin, Source};

use defaults::expand::{self, Expanded, Primary};
use defaults::files::ConfigFiles;
use interpolation::{RunFacts, Surroundings};

/// Reads an environment variable.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What to compose.
pub struct Request {
    /// The config file to start from.
    pub config: PathBuf,
    /// The folder that holds the config groups; that of the file, unless the config was named.
    pub config_dir: PathBuf,
    pub overrides: Vec<String>,
    /// The time that `${now:...}` writes.
    pub now: jiff::Zoned,
    pub env: Environment,
    /// The working folder, as `${run:cwd}` writes it.
    pub cwd: PathBuf,
    /// The number of this job in a sweep, as `${run:job_num}` writes it.
    pub job_num: usize,
}

impl Request {
    /// `train CONFIG`: the groups lie beside the file.
    pub fn from_file(config: impl Into<PathBuf>, overrides: Vec<String>) -> Self {
        let config = config.into();
        let config_dir = config.parent().map(Path::to_owned).unwrap_or_default();
        Self {
            config,
            config_dir,
            overrides,
            now: jiff::Zoned::now(),
            env: Box::new(|name| std::env::var(name).ok()),
            cwd: std::env::current_dir().unwrap_or_default(),
            job_num: 0,
        }
    }

    /// `train --config-name NAME --config-dir DIR`: `.yaml` is added, and an unknown name lists those that exist.
    pub fn from_name(config_dir: impl Into<PathBuf>, name: &str, overrides: Vec<String>) -> Result<Self, ConfigErrors> {
        let config_dir = config_dir.into();
        let files = ConfigFiles::new(&config_dir);
        let config = files.path_of(name);
        if !config.is_file() {
            return Err(ConfigErrors::one(unknown_name(&files, name)));
        }
        Ok(Self { config_dir, ..Self::from_file(config, overrides) })
    }

    /// The file as its defaults lists would name it, from the config folder down and without `.yaml`.
    fn config_path(&self) -> String {
        let below = self.config.strip_prefix(&self.config_dir).unwrap_or(&self.config);
        let name = below.with_extension("");
        name.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
    }

    fn run_facts(&self, choices: Vec<(String, String)>) -> RunFacts {
        RunFacts {
            cwd: self.cwd.clone(),
            config_dir: self.config_dir.clone(),
            config_name: self.config_path(),
            overrides: self.overrides.clone(),
            job_num: self.job_num,
            choices,
        }
    }
}

fn unknown_name(files: &ConfigFiles, name: &str) -> Fault {
    let folder = files.folder("");
    if !folder.is_dir() {
        return Fault::new(format!("there is no config folder `{}`", folder.display()))
            .cure("name it with --config-dir");
    }
    Fault::new(format!("there is no config `{name}` in {}", folder.display()))
        .choices("configs there", name.strip_suffix(".yaml").unwrap_or(name), files.options(""))
        .cure("name one of them with --config-name, or another folder with --config-dir")
}

/// A composed config: no interpolation is left in it.
#[derive(Debug, Clone)]
pub struct Config {
    root: Node,
    overrides: Vec<String>,
    /// Of a draft: where the values stand whose interpolation is at fault; they are `???`.
    unresolved: std::collections::HashSet<String>,
}

/// Composes a config; all faults are reported together.
pub fn compose(request: &Request) -> Result<Config, ConfigErrors> {
    let (config, faults) = draft(request);
    faults.check(config)?.ok_or_else(|| ConfigErrors::unreadable(request))
}

/// A config as far as it can be composed, with all that is wrong with it. A value that could not be had is `???` in it.
pub fn draft(request: &Request) -> (Option<Config>, Faults) {
    let mut faults = Faults::default();
    let expanded = expanded(request, &mut faults);
    let Some(mut root) = empty_root(request, &expanded, &faults) else {
        return (None, faults);
    };
    let merged =
        expanded.parts.into_iter().filter_map(|part| merge::merge_at(&mut root, &part.package, part.content).err());
    let merged: Vec<Fault> = merged.collect();
    if !merged.is_empty() {
        faults.incomplete();
    }
    faults.add_stage(merged);
    faults.add_stage(overrides::apply::apply_all(&mut root, &expanded.assignments));

    let run = request.run_facts(expanded.choices);
    let surroundings = Surroundings { now: &request.now, env: &request.env, run: &run };
    let resolved = interpolation::resolve::resolve(&root, &surroundings);
    faults.add_stage(resolved.faults);
    let config = |root| Config { root, overrides: request.overrides.clone(), unresolved: resolved.unresolved };
    (resolved.root.map(config), faults)
}

/// The config of a job ([`Config::of_job`]) that is to run in a folder.
pub fn with_run_dir(job: &str, run_dir: &Path) -> String {
    let quoted = emit::strings_to_yaml(&[run_dir.to_string_lossy().into_owned()]);
    format!("{job}run_dir: {}", quoted.trim_start_matches("- "))
}

/// Texts as a YAML list.
pub fn strings_to_yaml(texts: &[String]) -> String {
    emit::strings_to_yaml(texts)
}

/// The overrides read and the defaults lists followed.
fn expanded(request: &Request, faults: &mut Faults) -> Expanded {
    let (read, unread) = overrides::parse::parse_all(&request.overrides);
    let primary = Primary { file: request.config.clone(), config_path: request.config_path() };
    let mut expanded = expand::expand(&primary, &request.config_dir, read);
    faults.add_stage([unread, std::mem::take(&mut expanded.faults)].concat());
    if !faults.is_empty() {
        faults.incomplete();
    }
    expanded
}

/// What the parts are merged into; nothing if the config file could not be read.
fn empty_root(request: &Request, expanded: &Expanded, faults: &Faults) -> Option<Node> {
    let top = expanded.parts.iter().find(|part| part.content.origin.file() == Some(&request.config));
    let origin = match top {
        Some(part) => part.content.origin.clone(),
        None if faults.is_empty() => Origin::of_override(&"".into(), 1),
        None => return None,
    };
    Some(Node::new(Value::Map(Map::default()), origin))
}

impl Config {
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The value of a key such as `model.params.dropout` or `evaluator.params.k[0]`.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.root.get(&KeyPath::parse(path))
    }

    /// Where a key was set; for a key that is nowhere, where the nearest mapping around it was.
    pub fn origin_of(&self, path: &str) -> &Origin {
        &self.root.nearest(&KeyPath::parse(path)).0.origin
    }

    /// The overrides as they were given.
    pub fn overrides(&self) -> &[String] {
        &self.overrides
    }

    /// The values that are still `???`.
    pub fn missing(&self) -> Vec<(KeyPath, &Node)> {
        self.root.missing(&KeyPath::default())
    }

    /// The same without some of its top-level keys.
    #[must_use]
    pub fn without(mut self, keys: &[&str]) -> Self {
        if let Value::Map(map) = &mut self.root.value {
            keys.iter().for_each(|key| drop(map.remove(key)));
        }
        self
    }

    /// What a job of several runs is, wherever it is run: the resolved config without `run_dir` and the settings of the whole.
    pub fn of_job(&self) -> String {
        self.clone().without(&experiment::SWEEP_KEYS).without(&["run_dir"]).to_yaml()
    }

    /// The resolved config, which composes to itself again: `config.yaml` of a run.
    pub fn to_yaml(&self) -> String {
        emit::to_yaml(&self.root, emit::Form::Resolved)
    }

    /// The overrides as a YAML list: `overrides.yaml` of a run.
    pub fn overrides_to_yaml(&self) -> String {
        emit::strings_to_yaml(&self.overrides)
    }
}

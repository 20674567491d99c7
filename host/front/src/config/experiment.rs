//! The config as the host's own types: past this point there are no strings to interpret.
//!
//! Unknown keys, wrong types and missing values of all sections are collected and reported together. Leaves out: `params`,
//! which only the plugin's constructor knows.

mod component;
mod fields;

use std::fmt;
use std::path::PathBuf;

pub use component::{Component, ModelSection, ModuleRef};

use super::errors::{ConfigErrors, Fault};
use super::key_path::KeyPath;
use super::origin::Origin;
use super::{Config, Node};
use fields::Reader;

/// The seed of a config that names none.
pub const DEFAULT_SEED: u64 = 42;
/// The run directory of a config that names none, as `strftime` writes it.
const DEFAULT_RUN_DIR: &str = "runs/%Y-%m-%d/%H-%M-%S";

/// The sections that name a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Data,
    Model,
    Loss,
    Trainer,
    Evaluator,
}

impl Section {
    pub const ALL: [Self; 5] = [Self::Data, Self::Model, Self::Loss, Self::Trainer, Self::Evaluator];

    /// Its key in the config and the name of its config group.
    pub fn key(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Model => "model",
            Self::Loss => "loss",
            Self::Trainer => "trainer",
            Self::Evaluator => "evaluator",
        }
    }
}

/// Where tensors live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// CUDA if there is one, else the CPU.
    #[default]
    Auto,
    Cpu,
    /// `cuda` is the first one.
    Cuda(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::Cpu => formatter.write_str("cpu"),
            Self::Cuda(index) => write!(formatter, "cuda:{index}"),
        }
    }
}

/// What holds for every command.
#[derive(Debug, Clone)]
pub struct Settings {
    pub seed: u64,
    pub device: Device,
    /// Nothing means all cores.
    pub threads: Option<usize>,
    pub run_dir: PathBuf,
    pub plugin_path: Vec<PluginFolder>,
    pub sweep: SweepSettings,
}

/// What holds for several runs together, as in `train -m`.
#[derive(Debug, Clone)]
pub struct SweepSettings {
    pub dir: Option<PathBuf>,
    /// Runs of each configuration, with seeds from `seed` on.
    pub repeat: usize,
    /// Runs at a time.
    pub jobs: usize,
}

/// A folder that the config asks to look for plugins in. Whether it may is decided where plugins are searched.
#[derive(Debug, Clone)]
pub struct PluginFolder {
    pub path: PathBuf,
    pub origin: Origin,
}

/// A whole experiment: what `train` needs.
#[derive(Debug, Clone)]
pub struct ExperimentConfig {
    pub data: Component,
    pub model: ModelSection,
    pub loss: Component,
    pub trainer: Component,
    pub evaluator: Component,
    pub settings: Settings,
}

/// The data alone: what `load` needs. Other sections are not looked into.
#[derive(Debug, Clone)]
pub struct DataConfig {
    pub data: Component,
    pub settings: Settings,
}

const SETTING_KEYS: [&str; 9] =
    ["seed", "device", "threads", "run_dir", "plugin_path", SWEEP_KEYS[0], SWEEP_KEYS[1], SWEEP_KEYS[2], SWEEP_KEYS[3]];
/// Settings of several runs together, which are none of a single one of them.
pub const SWEEP_KEYS: [&str; 4] = ["sweep_dir", "repeat", "jobs", "sweeper"];

/// An experiment as far as it could be read: a section is there if its `module` is, without the parameters that are at fault.
#[derive(Debug, Clone)]
pub struct ExperimentDraft {
    pub data: Option<Component>,
    pub model: Option<ModelSection>,
    pub loss: Option<Component>,
    pub trainer: Option<Component>,
    pub evaluator: Option<Component>,
    pub settings: Settings,
}

impl ExperimentDraft {
    /// With all that is wrong.
    pub fn read(config: &Config) -> (Self, Vec<Fault>) {
        let mut reader = Reader::new(config);
        reader.refuse_unknown(config.root(), &KeyPath::default(), &top_level_keys());
        let settings = read_settings(&mut reader, config.root());
        let draft = Self {
            data: component::read(&mut reader, Section::Data),
            model: component::read_model(&mut reader),
            loss: component::read(&mut reader, Section::Loss),
            trainer: component::read(&mut reader, Section::Trainer),
            evaluator: component::read(&mut reader, Section::Evaluator),
            settings,
        };
        (draft, reader.into_faults())
    }

    /// The sections that are there.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        let model = self.model.as_ref().map(|model| &model.component);
        [self.data.as_ref(), model, self.loss.as_ref(), self.trainer.as_ref(), self.evaluator.as_ref()]
            .into_iter()
            .flatten()
    }

    /// `None` if a section is not there.
    pub fn complete(self) -> Option<ExperimentConfig> {
        let Self { data, model, loss, trainer, evaluator, settings } = self;
        Some(ExperimentConfig {
            data: data?,
            model: model?,
            loss: loss?,
            trainer: trainer?,
            evaluator: evaluator?,
            settings,
        })
    }
}

impl ExperimentConfig {
    pub fn from_config(config: &Config) -> Result<Self, ConfigErrors> {
        let (draft, faults) = ExperimentDraft::read(config);
        match (draft.complete(), faults.is_empty()) {
            (Some(experiment), true) => Ok(experiment),
            (Some(_) | None, _) => Err(ConfigErrors::from(faults)),
        }
    }

    /// The section of a kind.
    pub fn component(&self, section: Section) -> &Component {
        match section {
            Section::Data => &self.data,
            Section::Model => &self.model.component,
            Section::Loss => &self.loss,
            Section::Trainer => &self.trainer,
            Section::Evaluator => &self.evaluator,
        }
    }
}

impl DataConfig {
    pub fn from_config(config: &Config) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(config);
        reader.refuse_unknown(config.root(), &KeyPath::default(), &top_level_keys());
        let settings = read_settings(&mut reader, config.root());
        let data = component::read(&mut reader, Section::Data);
        let faults = reader.into_faults();
        match (data, faults.is_empty()) {
            (Some(data), true) => Ok(Self { data, settings }),
            _ => Err(ConfigErrors::from(faults)),
        }
    }
}

fn top_level_keys() -> Vec<&'static str> {
    Section::ALL.iter().map(|section| section.key()).chain(SETTING_KEYS).collect()
}

fn default_run_dir() -> PathBuf {
    jiff::Zoned::now().strftime(DEFAULT_RUN_DIR).to_string().into()
}

/// Where a setting is wrong its default stands in, so that reading goes on and finds more; the fault is kept.
fn read_settings(reader: &mut Reader<'_>, root: &Node) -> Settings {
    let top = KeyPath::default();
    Settings {
        seed: reader.optional(root, &top, "seed", fields::seed).unwrap_or(DEFAULT_SEED),
        device: reader.optional(root, &top, "device", fields::device).unwrap_or_default(),
        threads: reader.optional(root, &top, "threads", fields::count).filter(|count| *count > 0),
        run_dir: reader.optional(root, &top, "run_dir", fields::path).unwrap_or_else(default_run_dir),
        plugin_path: reader.optional(root, &top, "plugin_path", fields::plugin_folders).unwrap_or_default(),
        sweep: SweepSettings {
            dir: reader.optional(root, &top, "sweep_dir", fields::path),
            repeat: reader.optional(root, &top, "repeat", fields::repeat).unwrap_or(1),
            jobs: reader.optional(root, &top, "jobs", fields::jobs).unwrap_or(1),
        },
    }
}

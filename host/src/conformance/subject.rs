//! [`Subject`]: a constructor under test. Makes components of it, and knows how to use each kind once.

use std::path::PathBuf;

use plugin_api::abi::data_loader::DataLoaderObject;
use plugin_api::abi::evaluator::EvaluatorObject;
use plugin_api::abi::loss::LossObject;
use plugin_api::abi::model::ModelObject;
use plugin_api::abi::module::PluginLibrary;
use plugin_api::abi::trainer::TrainerObject;
use plugin_api::dataset::LinkSplits;
use plugin_api::graph::Graph;
use plugin_api::{ComponentKind, PluginError};
use serde_json::Value;
use tch::Device;

use super::board;
use super::host::CheckHost;
use super::plan::{Assignment, Folders};
use super::verdict::{fail, skip, words, Checked, Finding};
use super::{data_loader, evaluator, loss, model, params, trainer};
use crate::experiment::features;
use crate::plugins::library;
use crate::terminal::LOG_SINK;

/// A constructor of an open library.
pub struct Subject {
    pub kind: ComponentKind,
    pub name: String,
    /// JSON Schema of its parameters.
    pub schema: Value,
    pub needs_graph: bool,
    pub passes_graph: bool,
    pub seed: u64,
    pub reproduce: Option<u64>,
    pub folders: Folders,
    library: PluginLibrary,
    params: Value,
}

/// A model with data that have the features it reads.
pub struct Built {
    pub model: ModelObject,
    pub splits: LinkSplits,
}

impl Subject {
    /// Opens the library and looks the constructor up.
    ///
    /// # Errors
    /// If that does not work.
    pub fn open(assignment: &Assignment, kind: ComponentKind) -> Checked<Self> {
        let name = assignment.constructor.as_ref().map(|(_, name)| name.clone()).unwrap_or_default();
        let library =
            library::open(&assignment.library, LOG_SINK).map_err(|error| Finding::Failed(error.to_string()))?;
        let text = |record: &plugin_api::record::Record, key: &str| record.texts.get(key).cloned().unwrap_or_default();
        let described = library.describe()?;
        let found = described.iter().find(|record| text(record, "name") == name && text(record, "kind") == kind.name());
        let Some(found) = found else { return fail(format!("the library does not list `{name}` ({kind})")) };
        let schema: Value = serde_json::from_str(&text(found, "schema")).unwrap_or_default();
        let params = match &assignment.params {
            Some(params) => params.clone(),
            None => params::plausible(&schema, &board_file(kind, &assignment.folders)?),
        };
        Ok(Self {
            kind,
            name,
            needs_graph: text(found, "needs_graph") == "true",
            passes_graph: text(found, "passes_graph") == "true",
            seed: assignment.seed,
            reproduce: assignment.reproduce,
            folders: assignment.folders.clone(),
            library,
            params,
            schema,
        })
    }

    /// Those given by the user, or the plainest that the schema allows.
    pub fn params(&self) -> &Value {
        &self.params
    }

    pub fn host(&self) -> CheckHost {
        CheckHost::new(self.seed, &self.folders)
    }

    /// Makes one and destroys it.
    ///
    /// # Errors
    /// Those of the constructor.
    pub fn construct(&self, params: &str) -> plugin_api::Result<()> {
        let (library, name, host) = (&self.library, self.name.as_str(), self.host().object());
        match self.kind {
            ComponentKind::DataLoader => library.new_data_loader(name, params, host).map(drop),
            ComponentKind::Model => {
                let metadata = board::checkerboard()?.metadata();
                library.new_model(name, params, host, &metadata).map(drop)
            }
            ComponentKind::Loss => library.new_loss(name, params, host).map(drop),
            ComponentKind::Trainer => library.new_trainer(name, params, host).map(drop),
            ComponentKind::Evaluator => library.new_evaluator(name, params, host).map(drop),
        }
    }

    /// Skips the test where no component can be made: that is the matter of the test `defaults` alone.
    fn made<T>(&self, made: plugin_api::Result<T>) -> Checked<T> {
        made.or_else(|error| skip(format!("it cannot be made: {}; give parameters with --params", words(&error))))
    }

    /// Builds the model for these data, and gives them the random features that it reads, as the host does.
    ///
    /// # Errors
    /// If it cannot be made, or its width is none.
    pub fn build(&self, mut splits: LinkSplits) -> Checked<Built> {
        let model = self.made(self.build_with(&self.params, &splits))?;
        self.fill(&model, &mut splits)?;
        Ok(Built { model, splits })
    }

    pub fn build_with(&self, params: &Value, splits: &LinkSplits) -> plugin_api::Result<ModelObject> {
        let metadata = splits.metadata();
        self.library.new_model(&self.name, &params.to_string(), self.host().object(), &metadata)
    }

    pub fn fill(&self, model: &ModelObject, splits: &mut LinkSplits) -> plugin_api::Result<()> {
        splits.fill_features(|node_type, n_nodes| {
            let width = model.feature_width(node_type)?;
            width.map(|width| features::random(self.seed, node_type, n_nodes, width, Device::Cpu)).transpose()
        })
    }

    /// What the model is given: no edges if it says that it needs none, as under a trainer that passes none.
    pub fn passed(&self, graph: &Graph) -> Graph {
        if self.needs_graph {
            graph.share()
        } else {
            graph.without_edges()
        }
    }

    pub fn loss(&self) -> Checked<LossObject> {
        self.made(self.loss_with(&self.params))
    }

    pub fn loss_with(&self, params: &Value) -> plugin_api::Result<LossObject> {
        self.library.new_loss(&self.name, &params.to_string(), self.host().object())
    }

    pub fn evaluator(&self) -> Checked<EvaluatorObject> {
        self.made(self.evaluator_with(&self.params))
    }

    pub fn evaluator_with(&self, params: &Value) -> plugin_api::Result<EvaluatorObject> {
        self.library.new_evaluator(&self.name, &params.to_string(), self.host().object())
    }

    pub fn trainer(&self, host: &CheckHost) -> Checked<TrainerObject> {
        self.made(self.trainer_with(&self.params, host))
    }

    pub fn trainer_with(&self, params: &Value, host: &CheckHost) -> plugin_api::Result<TrainerObject> {
        self.library.new_trainer(&self.name, &params.to_string(), host.object())
    }

    pub fn data_loader(&self, host: &CheckHost) -> Checked<DataLoaderObject> {
        self.made(self.library.new_data_loader(&self.name, &self.params.to_string(), host.object()))
    }

    /// Makes one with these parameters and uses it as a run would, in small.
    ///
    /// # Errors
    /// Those of the component.
    pub fn use_with(&self, params: &Value) -> Result<(), PluginError> {
        match self.kind {
            ComponentKind::DataLoader => data_loader::use_with(self, params),
            ComponentKind::Model => model::use_with(self, params),
            ComponentKind::Loss => loss::use_with(self, params),
            ComponentKind::Trainer => trainer::use_with(self, params),
            ComponentKind::Evaluator => evaluator::use_with(self, params),
        }
    }
}

/// The checkerboard as a file, for loaders that ask for one.
fn board_file(kind: ComponentKind, folders: &Folders) -> Checked<PathBuf> {
    let path = folders.data.join("checkerboard.safetensors");
    if kind == ComponentKind::DataLoader {
        let mut splits = board::checkerboard()?;
        for split in [&mut splits.train, &mut splits.val, &mut splits.test] {
            split.graph.edges.iter_mut().for_each(|edge| edge.index = None);
        }
        graph_data::file::write(&path, &splits.to_record())?;
    }
    Ok(path)
}

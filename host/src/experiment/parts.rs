//! [`Parts`]: the constructors that an experiment names, opened and checked before any work begins.

use std::collections::BTreeMap;
use std::path::PathBuf;

use plugin_api::abi::data_loader::DataLoaderObject;
use plugin_api::abi::evaluator::EvaluatorObject;
use plugin_api::abi::host::HostObject;
use plugin_api::abi::loss::LossObject;
use plugin_api::abi::model::ModelObject;
use plugin_api::abi::module::PluginLibrary;
use plugin_api::abi::trainer::TrainerObject;
use plugin_api::dataset::LinkSplits;

use super::{ComponentFailure, Explain};
use crate::config::experiment::Settings;
use crate::config::{Component, Config, ConfigErrors, ExperimentConfig, ExperimentDraft, Fault, ModelSection, Section};
use crate::plugins::registry::OpenLibrary;
use crate::plugins::{kind, parameters, Constructor, Registry, SearchPath};
use crate::services::Services;
use crate::terminal::LOG_SINK;

pub struct Parts {
    registry: Registry,
    constructors: BTreeMap<&'static str, Constructor>,
}

impl Parts {
    pub fn new(settings: &Settings, plugin_dirs: &[PathBuf]) -> Self {
        let search_path = SearchPath::new(plugin_dirs, &settings.plugin_path);
        Self { registry: Registry::new(search_path, LOG_SINK), constructors: BTreeMap::new() }
    }

    /// Opens the sections' constructors and checks their parameters; all faults are reported together.
    pub fn open(
        &mut self,
        sections: &[Section],
        experiment: &ExperimentConfig,
        config: &Config,
    ) -> Result<(), ConfigErrors> {
        let faults = sections.iter().flat_map(|section| self.open_one(experiment.component(*section), config));
        ConfigErrors::check((), faults.collect())
    }

    /// Opens one section's constructor.
    pub fn open_one(&mut self, component: &Component, config: &Config) -> Vec<Fault> {
        match self.registry.constructor(&component.module, kind(component.section)) {
            Ok(constructor) => {
                let faults = parameters::check(component, &constructor.schema, config);
                self.constructors.insert(component.section.key(), constructor);
                faults
            }
            Err(error) => {
                let fault = Fault::new(error.to_string()).at(&component.origin);
                let cure = "`recsys-host plugins list` shows what there is; --plugin-dir names a folder with more";
                vec![fault.key(&component.key_path.child("module")).cure(cure)]
            }
        }
    }

    /// Whether model and trainer go together and the weights to start from are there.
    pub fn check_fit(&self, draft: &ExperimentDraft, config: &Config) -> Vec<Fault> {
        let init_from = draft.model.as_ref().and_then(|model| no_weights(model, config));
        init_from.into_iter().chain(self.no_graph(draft)).collect()
    }

    fn no_graph(&self, draft: &ExperimentDraft) -> Option<Fault> {
        let (model, trainer) = (self.find(Section::Model)?, self.find(Section::Trainer)?);
        if !model.needs_graph || trainer.passes_graph {
            return None;
        }
        let (of_model, of_trainer) = (&draft.model.as_ref()?.component, draft.trainer.as_ref()?);
        let what = format!("{} needs the graph, but {} passes features only", model.module, trainer.module);
        let fault = Fault::new(what).at(&of_trainer.origin).related("the model", &of_model.origin);
        let cure = "use a trainer that passes the graph: `trainer=gat`, or `trainer.module=trainers:GATTrainer`";
        Some(fault.key(&of_trainer.key_path.child("module")).cure(cure))
    }

    /// What is known of a section's constructor, once it is open.
    pub fn find(&self, section: Section) -> Option<&Constructor> {
        self.constructors.get(section.key())
    }

    /// The libraries in use.
    pub fn libraries(&self) -> impl Iterator<Item = &OpenLibrary> {
        self.registry.opened()
    }

    pub fn device(&self, services: &Services) -> tch::Device {
        services.machine().device
    }

    pub fn data_loader(&self, component: &Component, services: &Services) -> plugin_api::Result<DataLoaderObject> {
        self.construct(component, services, PluginLibrary::new_data_loader)
    }

    pub fn model(
        &self,
        experiment: &ExperimentConfig,
        splits: &LinkSplits,
        services: &Services,
        explain: &Explain,
    ) -> Result<ModelObject, ComponentFailure> {
        let metadata = splits.metadata();
        let made = self.construct(&experiment.model.component, services, |library, name, params, host| {
            library.new_model(name, params, host, &metadata)
        });
        explain.result(Section::Model, made)
    }

    pub fn loss(
        &self,
        experiment: &ExperimentConfig,
        services: &Services,
        explain: &Explain,
    ) -> Result<LossObject, ComponentFailure> {
        explain.result(Section::Loss, self.construct(&experiment.loss, services, PluginLibrary::new_loss))
    }

    pub fn evaluator(
        &self,
        experiment: &ExperimentConfig,
        services: &Services,
        explain: &Explain,
    ) -> Result<EvaluatorObject, ComponentFailure> {
        explain
            .result(Section::Evaluator, self.construct(&experiment.evaluator, services, PluginLibrary::new_evaluator))
    }

    pub fn trainer(
        &self,
        experiment: &ExperimentConfig,
        services: &Services,
        explain: &Explain,
    ) -> Result<TrainerObject, ComponentFailure> {
        explain.result(Section::Trainer, self.construct(&experiment.trainer, services, PluginLibrary::new_trainer))
    }

    fn construct<T>(
        &self,
        component: &Component,
        services: &Services,
        new: impl FnOnce(&PluginLibrary, &str, &str, HostObject) -> plugin_api::Result<T>,
    ) -> plugin_api::Result<T> {
        let constructor = self.get(component.section)?;
        let Component { module, params, .. } = component;
        new(&constructor.library, &module.constructor, &params.to_string(), services.object())
    }

    fn get(&self, section: Section) -> Result<&Constructor, plugin_api::PluginError> {
        self.find(section)
            .ok_or_else(|| plugin_api::PluginError::failed(format!("the {} was not opened", section.key())))
    }
}

fn no_weights(model: &ModelSection, config: &Config) -> Option<Fault> {
    let file = model.init_from.as_deref().filter(|file| !file.is_file())?;
    let fault = Fault::new(format!("there is no file {} to take the weights from", file.display()));
    let key = model.component.key_path.child("init_from");
    Some(fault.at(config.origin_of("model.init_from")).key(&key).cure("name a file, or leave it out"))
}

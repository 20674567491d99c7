//! [`Parts`]: the constructors that an experiment names, opened and checked before any work begins.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

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
use crate::config::{
    Component, Config, ConfigErrors, ExperimentConfig, ExperimentDraft, Fault, ModelSection, PluginFolder, Section,
};
use crate::isolation::{self, Worker};
use crate::plugins::admission::LibraryFile;
use crate::plugins::lock::InForce;
use crate::plugins::policy::Policy;
use crate::plugins::registry::{description, schema};
use crate::plugins::{kind, parameters, roots, Constructor, Registry, SearchPath};
use crate::services::Services;
use crate::terminal::LOG_SINK;

pub struct Parts {
    registry: Registry,
    /// The `plugin_path:` of the config, until it is judged.
    plugin_path: Vec<PluginFolder>,
    constructors: BTreeMap<&'static str, Constructor>,
    /// Parts in processes of their own, until they are constructed.
    workers: Mutex<BTreeMap<&'static str, Worker>>,
}

impl Parts {
    pub fn new(settings: &Settings, plugin_dirs: &[PathBuf]) -> Self {
        let registry = Registry::new(SearchPath::new(plugin_dirs), LOG_SINK);
        Self {
            registry,
            plugin_path: settings.plugin_path.clone(),
            constructors: BTreeMap::new(),
            workers: Mutex::default(),
        }
    }

    /// Opens the sections' constructors and checks their parameters; all faults are reported together.
    pub fn open(
        &mut self,
        sections: &[Section],
        experiment: &ExperimentConfig,
        config: &Config,
    ) -> Result<(), ConfigErrors> {
        let components: Vec<_> = sections.iter().map(|section| experiment.component(*section)).collect();
        ConfigErrors::check((), self.open_components(&components, config))
    }

    /// Opens the constructors of some sections; libraries that are new to this host get their first look together.
    pub fn open_components(&mut self, components: &[&Component], config: &Config) -> Vec<Fault> {
        let faults = self.prepare_search();
        if !faults.is_empty() {
            return faults;
        }
        let modules: Vec<_> = components.iter().map(|component| (&component.module, kind(component.section))).collect();
        self.registry.look_at(&modules);
        components.iter().flat_map(|component| self.open_component(component, config)).collect()
    }

    /// The folders that the config may name join the search; the others are its faults, as is a lock that vouches for nothing.
    fn prepare_search(&mut self) -> Vec<Fault> {
        let (folders, mut faults) = roots::judge(&std::mem::take(&mut self.plugin_path));
        self.registry.search_path_mut().add_from_config(folders);
        // Told once, and not for each of the libraries.
        faults.extend(InForce::find(&Policy::current()).err().map(|error| Fault::new(error.to_string())));
        faults
    }

    fn open_component(&mut self, component: &Component, config: &Config) -> Vec<Fault> {
        if component.isolate {
            return self.start_worker(component, config);
        }
        match self.registry.constructor(&component.module, kind(component.section)) {
            Ok(constructor) => {
                let faults = parameters::check(component, &constructor.schema, config);
                self.constructors.insert(component.section.key(), constructor);
                faults
            }
            Err(error) => vec![of_module(error.to_string(), component)],
        }
    }

    /// Opens one section's constructor in a process of its own.
    fn start_worker(&mut self, component: &Component, config: &Config) -> Vec<Fault> {
        let kind = kind(component.section);
        let name = component.module.to_string();
        let started =
            self.registry.lend(&component.module, kind).map_err(|error| error.to_string()).and_then(|place| {
                let (worker, described) =
                    Worker::start(name.clone(), &place).map_err(|error| format!("{name}: {error}"))?;
                let texts =
                    description(&described, &component.module, kind).map_err(|error| format!("{name}: {error}"))?;
                Ok((worker, schema(texts)))
            });
        match started {
            Ok((worker, schema)) => {
                let workers = self.workers.get_mut().unwrap_or_else(PoisonError::into_inner);
                workers.insert(component.section.key(), worker);
                parameters::check(component, &schema, config)
            }
            Err(error) => vec![of_module(error, component)],
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
    pub fn libraries(&self) -> impl Iterator<Item = &LibraryFile> {
        self.registry.in_use()
    }

    pub fn device(&self, services: &Services) -> tch::Device {
        services.machine().device
    }

    pub fn data_loader(&self, component: &Component, services: &Services) -> plugin_api::Result<DataLoaderObject> {
        match self.worker(component)? {
            Some(worker) => isolation::data_loader(worker, component, services),
            None => self.construct(component, services, PluginLibrary::new_data_loader),
        }
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
        let component = &experiment.evaluator;
        let made = self.worker(component).and_then(|worker| match worker {
            Some(worker) => isolation::evaluator(worker, component, services),
            None => self.construct(component, services, PluginLibrary::new_evaluator),
        });
        explain.result(Section::Evaluator, made)
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

    /// The process of a part that is to run in one of its own.
    fn worker(&self, component: &Component) -> plugin_api::Result<Option<Worker>> {
        if !component.isolate {
            return Ok(None);
        }
        let worker = self.workers.lock().unwrap_or_else(PoisonError::into_inner).remove(component.section.key());
        let missing = || plugin_api::PluginError::failed("its process was not started, or is in use");
        worker.ok_or_else(missing).map(Some)
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

/// A fault of what `module` names.
fn of_module(what: String, component: &Component) -> Fault {
    let fault = Fault::new(what).at(&component.origin).key(&component.key_path.child("module"));
    fault.cure("`recsys-host plugins list` shows what there is; --plugin-dir names a folder with more")
}

//! A loader and an evaluator like any other, which ask a child process.

use std::sync::{Mutex, MutexGuard, PoisonError};

use plugin_api::abi::data_loader::DataLoaderObject;
use plugin_api::abi::evaluator::EvaluatorObject;
use plugin_api::abi::host::Host;
use plugin_api::context::Context;
use plugin_api::dataset::{Catalog, LinkSplits};
use plugin_api::evaluator::{Evaluation, Metrics, Scope};
use plugin_api::graph::Graph;
use plugin_api::params::NoParams;
use plugin_api::record::Record;
use plugin_api::{DataLoader, Evaluator, PluginError, Result};

use super::memory::{self, Shared};
use super::wire::{Answer, Construction, Request};
use super::worker::{unexpected, Worker};
use crate::config::Component;
use crate::services::Services;

/// The loader of a child that has opened its library.
pub fn data_loader(mut worker: Worker, component: &Component, services: &Services) -> Result<DataLoaderObject> {
    worker.call(&Request::NewDataLoader(construction(component, services)))?;
    let context = Context::new(services.object())?;
    Ok(DataLoaderObject::of(component.module.to_string(), Isolated(Mutex::new(worker)), context))
}

/// The evaluator of a child that has opened its library.
pub fn evaluator(mut worker: Worker, component: &Component, services: &Services) -> Result<EvaluatorObject> {
    worker.call(&Request::NewEvaluator(construction(component, services)))?;
    let context = Context::new(services.object())?;
    Ok(EvaluatorObject::of(component.module.to_string(), Isolated(Mutex::new(worker)), context))
}

fn construction(component: &Component, services: &Services) -> Construction {
    let mut settings = services.settings().texts;
    // What the child has on another device the host could not share.
    settings.insert("device".to_owned(), "cpu".to_owned());
    Construction {
        constructor: component.module.constructor.clone(),
        params: component.params.to_string(),
        settings,
        threads: services.machine().threads,
    }
}

struct Isolated(Mutex<Worker>);

impl Isolated {
    fn worker(&self) -> MutexGuard<'_, Worker> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self, request: &Request) -> Result<Option<String>> {
        match self.worker().call(request)? {
            Answer::Text(text) => Ok(text),
            other => Err(unexpected(&other)),
        }
    }

    fn record(&self, request: &Request) -> Result<Record> {
        match self.worker().call(request)? {
            Answer::Record(path) => memory::map(&path),
            other => Err(unexpected(&other)),
        }
    }
}

/// They are made in the child.
fn not_here() -> PluginError {
    PluginError::unsupported("an isolated part is made in its own process")
}

impl DataLoader for Isolated {
    type Params = NoParams;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Err(not_here())
    }

    fn prepare(&mut self, force: bool, _: &Context) -> Result<String> {
        Ok(self.text(&Request::Prepare { force })?.unwrap_or_default())
    }

    fn get_data(&mut self, _: &Context) -> Result<Graph> {
        Graph::read(&self.record(&Request::GetData)?, "")
    }

    fn get_train_val_test_data(&mut self, _: &Context) -> Result<LinkSplits> {
        LinkSplits::from_record(&self.record(&Request::GetTrainValTestData)?)
    }

    fn catalog(&mut self, _: &Context) -> Result<Catalog> {
        Ok(Catalog::read(&self.record(&Request::Catalog)?))
    }

    fn fingerprint(&self) -> Option<String> {
        self.text(&Request::Fingerprint).unwrap_or_else(|error| {
            log::warn!("the data have no fingerprint: {error}");
            None
        })
    }
}

impl Evaluator for Isolated {
    type Params = NoParams;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Err(not_here())
    }

    fn evaluate(&self, evaluation: &Evaluation, _: &Context) -> Result<Metrics> {
        let mut record = Record::default();
        record.set_tensor("source", evaluation.source);
        record.set_tensor("destination", evaluation.destination);
        record.set_tensor("edge_label_index", evaluation.edge_label_index);
        record.set_tensor("edge_label", evaluation.edge_label);
        record.set_tensor("known_edges", evaluation.known_edges);
        let full_ranking = match evaluation.scope {
            Scope::FullRanking => true,
            Scope::LabelledEdges => false,
        };
        let shared = Shared::new(&record)?;
        match self.worker().call(&Request::Evaluate { record: shared.path(), full_ranking })? {
            Answer::Metrics(metrics) => {
                Ok(metrics.into_iter().map(|(name, bits)| (name, f64::from_bits(bits))).collect())
            }
            other => Err(unexpected(&other)),
        }
    }
}

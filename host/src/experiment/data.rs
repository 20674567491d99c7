//! The data of an experiment: loader, splits, catalog.

use std::path::{Path, PathBuf};

use kernels::memory::SmallPages;
use plugin_api::abi::data_loader::DataLoaderObject;
use plugin_api::dataset::LinkSplits;
use plugin_api::profile::{span, timed};

use super::failure::component_failure;
use super::{ComponentFailure, Explain, Parts};
use crate::config::experiment::DataConfig;
use crate::config::{Config, ConfigErrors, ExperimentConfig, Section};
use crate::machine::Machine;
use crate::services::Services;
use crate::terminal::terminal;

/// What the loader gave, on the device of the run.
pub struct Data {
    pub loader: DataLoaderObject,
    pub splits: LinkSplits,
    pub fingerprint: Option<String>,
}

impl Data {
    pub fn load(
        parts: &Parts,
        experiment: &ExperimentConfig,
        services: &Services,
        explain: &Explain,
    ) -> Result<Self, ComponentFailure> {
        let _span = span("load");
        let _pages = SmallPages::begin();
        let loaded = parts.data_loader(&experiment.data, services).and_then(|mut loader| {
            let summary = loader.prepare(false)?;
            log::info!("{summary}");
            let mut splits = loader.get_train_val_test_data()?.to_device(services.machine().device)?;
            describe(&splits)?;
            timed("csr", || super::index::index(&mut splits))?;
            let fingerprint = loader.fingerprint()?;
            Ok(Self { loader, splits, fingerprint })
        });
        terminal().finish();
        explain.result(Section::Data, loaded)
    }
}

fn describe(splits: &LinkSplits) -> plugin_api::Result<()> {
    let nodes = splits.train.graph.nodes.iter().map(|node| format!("{} {}s", node.n_nodes, node.name));
    let mut edges = Vec::new();
    for (name, split) in splits.named() {
        let n_positives = split.edge_label.f_gt(0.5)?.f_sum(tch::Kind::Int64)?.f_int64_value(&[])?;
        edges.push(format!("{name} {n_positives}"));
    }
    log::info!("{}; edges to predict: {}", nodes.collect::<Vec<_>>().join(", "), edges.join(", "));
    Ok(())
}

/// What `recsys-host load` does: makes the data available locally, and with `export` writes graph, splits and catalog as a file
/// for `graph_file:GraphFileLoader`. Returns the loader's line about them.
pub fn load(config: &Config, force: bool, export: Option<&Path>, plugin_dirs: &[PathBuf]) -> anyhow::Result<String> {
    let DataConfig { data, settings } = DataConfig::from_config(config)?;
    let mut parts = Parts::new(&settings, plugin_dirs);
    ConfigErrors::check((), parts.open_components(&[&data], config))?;
    let services = Services::new(settings.seed, Machine::prepare(&settings)?, None);
    let _pages = SmallPages::begin();
    let prepared = parts.data_loader(&data, &services).and_then(|mut loader| {
        let summary = loader.prepare(force)?;
        export.map_or(Ok(()), |file| write_graph_file(&mut loader, file))?;
        Ok(summary)
    });
    terminal().finish();
    Ok(prepared.map_err(|error| component_failure(error, Some(&data), config))?)
}

fn write_graph_file(loader: &mut DataLoaderObject, file: &Path) -> plugin_api::Result<()> {
    let mut record = loader.get_train_val_test_data()?.to_record();
    loader.catalog()?.write(&mut record);
    graph_data::file::write(file, &record)
}

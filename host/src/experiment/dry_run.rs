//! A dry run: everything is built and one batch pushed through, nothing is fetched, trained or left behind.
//!
//! The batch is the data themselves where their loader only reads what is on this machine (`local` in its schema), else a graph made
//! of nothing ([`synthetic`]) of the sizes that the loader states. [`memory`] turns what the batch took into what the data will take.

mod memory;
mod report;
mod synthetic;

use plugin_api::abi::evaluator::EvaluatorObject;
use plugin_api::abi::loss::LossObject;
use plugin_api::abi::model::ModelObject;
use plugin_api::dataset::{LinkSplits, Split};
use plugin_api::graph::{EdgeStore, Graph, NodeStore};
use plugin_api::loss::LabelledEdges;
use plugin_api::model::Mode;
use plugin_api::PluginError;
use tch::{Device, Kind, Tensor};

use super::{build_model, evaluate, Checked, ComponentFailure, Explain, Parts};
use crate::config::{ExperimentConfig, Section};
use crate::machine::Machine;
use crate::services::Services;
use crate::terminal::terminal;
use memory::{Estimate, Resident};
pub use report::DryRun;
use report::{Batch, Named};
use synthetic::Sizes;

/// Once more than once: what is allocated on the first use is then there.
const STEPS: usize = 2;

/// Builds every part, pushes one batch through, and estimates what training takes.
pub fn dry_run(checked: &Checked) -> anyhow::Result<DryRun> {
    let Checked { config, experiment, parts, .. } = checked;
    let services = Services::new(experiment.settings.seed, Machine::prepare(&experiment.settings)?, None);
    let explain = Explain { config, experiment };
    let source = Source::of(parts, experiment);
    let parts = Built { parts, experiment, services: &services, explain: &explain };
    if let Source::Synthetic { sizes, .. } = &source {
        // Once on a few nodes: code, threads and buffers that any run needs belong to the program and not to the data.
        let mut splits = parts.synthetic(&sizes.tiny())?;
        parts.push(&mut splits)?;
    }
    memory::forget_peak();
    let program = Resident::read().now;
    let (mut splits, batch) = parts.batch(&source)?;
    let pushed = parts.push(&mut splits)?;
    let peak = Resident::read().peak;
    let measured = Measured { program, peak, share: batch.share, splits: &splits, pushed: &pushed };
    let real = match &source {
        Source::Synthetic { sizes, .. } if batch.share < 1.0 => parts.weights_for(&splits, sizes)?,
        Source::Synthetic { .. } | Source::Local => pushed.weights.clone(),
    };
    let memory = measured.estimate(&real, services.machine().device);
    Ok(DryRun {
        batch,
        shapes: pushed.shapes,
        weights: real,
        loss: pushed.loss,
        without_gradient: pushed.without_gradient,
        memory,
    })
}

/// Where the batch comes from.
enum Source {
    /// The loader reads what is on this machine.
    Local,
    /// `is_stated`: by the loader.
    Synthetic { sizes: Sizes, is_stated: bool },
}

impl Source {
    fn of(parts: &Parts, experiment: &ExperimentConfig) -> Self {
        let schema = parts.find(Section::Data).map(|loader| &loader.schema);
        if schema.is_some_and(|schema| schema.get("local") == Some(&true.into())) {
            return Self::Local;
        }
        match schema.and_then(|schema| Sizes::stated(schema, &experiment.data.params)) {
            Some(sizes) => Self::Synthetic { sizes, is_stated: true },
            None => Self::Synthetic { sizes: Sizes::usual(), is_stated: false },
        }
    }
}

/// What is needed to build parts.
struct Built<'a> {
    parts: &'a Parts,
    experiment: &'a ExperimentConfig,
    services: &'a Services,
    explain: &'a Explain<'a>,
}

/// What a batch gave.
struct Pushed {
    shapes: Vec<Named>,
    weights: Vec<Named>,
    /// `None`: there is nothing to train.
    loss: Option<f64>,
    without_gradient: Vec<String>,
}

impl Built<'_> {
    /// The data, or a graph in their place.
    fn batch(&self, source: &Source) -> anyhow::Result<(LinkSplits, Batch)> {
        // Also where its data are not fetched: its constructor may refuse parameters that the schema does not.
        let loader = self.parts.data_loader(&self.experiment.data, self.services);
        let mut loader = self.explain.result(Section::Data, loader)?;
        match source {
            Source::Local => {
                let summary = loader.prepare(false);
                let splits = loader.get_train_val_test_data().and_then(|splits| self.indexed(splits));
                terminal().finish();
                let summary = self.explain.result(Section::Data, summary)?;
                let splits = self.explain.result(Section::Data, splits)?;
                Ok((splits, Batch { origin: format!("the data themselves: {summary}"), share: 1.0, is_estimate: true }))
            }
            Source::Synthetic { sizes, is_stated } => {
                let (scaled, share) = sizes.scaled_down();
                let origin = report::origin(&scaled, sizes, share, *is_stated);
                Ok((self.synthetic(&scaled)?, Batch { origin, share, is_estimate: *is_stated }))
            }
        }
    }

    fn synthetic(&self, sizes: &Sizes) -> Result<LinkSplits, ComponentFailure> {
        let splits = sizes.graph(self.experiment.settings.seed).and_then(|splits| self.indexed(splits));
        self.explain.result(Section::Data, splits)
    }

    fn indexed(&self, splits: LinkSplits) -> plugin_api::Result<LinkSplits> {
        let mut splits = splits.to_device(self.services.machine().device)?;
        super::index::index(&mut splits)?;
        Ok(splits)
    }

    /// Features, model, loss, backward, metrics; the trainer is built and trains nothing.
    fn push(&self, splits: &mut LinkSplits) -> anyhow::Result<Pushed> {
        let Self { parts, services, explain, .. } = self;
        // Weights to start from are of the shapes of the real data.
        let mut experiment = self.experiment.clone();
        experiment.model.init_from = None;
        let model = build_model(parts, &experiment, splits, services, explain)?;
        let loss = parts.loss(&experiment, services, explain)?;
        let evaluator = parts.evaluator(&experiment, services, explain)?;
        parts.trainer(&experiment, services, explain)?;
        let passes_graph = parts.find(Section::Trainer).is_some_and(|trainer| trainer.passes_graph);
        let weights = explain.result(Section::Model, model.parameters())?;
        let mut step = Step::default();
        for _ in 0..STEPS {
            step = self.step(&model, &loss, &splits.train, splits, passes_graph)?;
        }
        self.evaluate(&model, &evaluator, splits, &mut step)?;
        let trainable = weights.iter().filter(|(_, weight)| weight.requires_grad());
        let without = trainable.filter(|(_, weight)| step.loss.is_some() && !weight.grad().defined());
        Ok(Pushed {
            shapes: step.shapes,
            without_gradient: without.map(|(name, _)| name.clone()).collect(),
            weights: weights.iter().map(|(name, weight)| Named::of(name, weight)).collect(),
            loss: step.loss,
        })
    }

    /// As a trainer does it, short of the optimiser.
    fn step(
        &self,
        model: &ModelObject,
        loss: &LossObject,
        split: &Split,
        splits: &LinkSplits,
        passes_graph: bool,
    ) -> Result<Step, ComponentFailure> {
        let graph = if passes_graph { split.graph.share() } else { split.graph.without_edges() };
        let embeddings = self.explain.result(Section::Model, model.encode(&graph, Mode::Train))?;
        let scored = scored_loss(&embeddings.by_type, loss, split, splits);
        let value = self.explain.result(Section::Loss, scored)?;
        let mut shapes: Vec<_> =
            graph.nodes.iter().filter_map(|node| Some(Named::of(&features(node), node.x.as_ref()?))).collect();
        shapes.extend(graph.edges.iter().map(|edge| Named::of(&format!("edges {}", edge.edge_type), &edge.edge_index)));
        shapes.push(Named::of("labelled edges", &split.edge_label_index));
        shapes.extend(
            embeddings.by_type.iter().map(|(name, tensor)| Named::of(&format!("embeddings of {name}"), tensor)),
        );
        if !value.requires_grad() {
            return Ok(Step { shapes, loss: None });
        }
        let done = value.f_backward().map_err(PluginError::from).and_then(|()| Ok(value.f_double_value(&[])?));
        let loss = self.explain.result(Section::Model, done)?;
        Ok(Step { shapes, loss: Some(loss) })
    }

    fn evaluate(
        &self,
        model: &ModelObject,
        evaluator: &EvaluatorObject,
        splits: &LinkSplits,
        step: &mut Step,
    ) -> anyhow::Result<()> {
        let metrics = evaluate(model, evaluator, splits, self.explain)?;
        step.shapes.push(Named {
            name: "metrics".to_owned(),
            shape: vec![metrics.len() as i64],
            bytes: 0,
            is_trainable: false,
        });
        Ok(())
    }

    /// The shapes of the weights for the real numbers of nodes, without allocating them: a model for one source and two destination
    /// nodes more tells which dimensions follow from which.
    fn weights_for(&self, splits: &LinkSplits, sizes: &Sizes) -> anyhow::Result<Vec<Named>> {
        let shapes = |more: [i64; 2]| -> Result<Vec<Named>, ComponentFailure> {
            let model = self.parts.model(self.experiment, &without_edges(splits, more), self.services, self.explain)?;
            let weights = self.explain.result(Section::Model, model.parameters())?;
            Ok(weights.iter().map(|(name, weight)| Named::of(name, weight)).collect())
        };
        let target = &splits.target;
        let n =
            |name: &str| splits.train.graph.nodes.iter().find(|node| node.name == name).map_or(0, |node| node.n_nodes);
        let more = [sizes.n_sources as i64 - n(&target.source), sizes.n_destinations as i64 - n(&target.destination)];
        let (small, larger) = (shapes([0, 0])?, shapes([1, 2])?);
        Ok(small.into_iter().zip(larger).map(|(small, larger)| small.grown(&larger, more)).collect())
    }
}

#[derive(Default)]
struct Step {
    shapes: Vec<Named>,
    loss: Option<f64>,
}

fn features(node: &NodeStore) -> String {
    format!("features of {}", node.name)
}

fn scored_loss(
    embeddings: &std::collections::BTreeMap<String, Tensor>,
    loss: &LossObject,
    split: &Split,
    splits: &LinkSplits,
) -> plugin_api::Result<Tensor> {
    let end = |name: &str| {
        embeddings.get(name).ok_or_else(|| PluginError::invalid_data(format!("no embeddings of `{name}`")))
    };
    let (source, destination) = (end(&splits.target.source)?, end(&splits.target.destination)?);
    let Split { edge_label_index, edge_label, .. } = split;
    let fused = nn::path::fused(&[edge_label], edge_label_index.size()[1]);
    let index =
        fused.then(|| nn::index_edges(edge_label_index, source.size()[0], destination.size()[0])).transpose()?;
    let edges = LabelledEdges { source, destination, edge_label_index, edge_label, index: index.as_ref() };
    match loss.forward_edges(&edges)? {
        Some(value) => Ok(value),
        None => loss.forward(&nn::dot_product_scores(source, destination, edge_label_index)?, edge_label),
    }
}

/// The same node and edge types, with so many more source and destination nodes and no edges.
fn without_edges(splits: &LinkSplits, more: [i64; 2]) -> LinkSplits {
    let target = &splits.target;
    let split = || Split {
        graph: Graph {
            nodes: splits
                .train
                .graph
                .nodes
                .iter()
                .map(|node| NodeStore {
                    name: node.name.clone(),
                    n_nodes: node.n_nodes
                        + if node.name == target.source { more[0] } else { 0 }
                        + if node.name == target.destination { more[1] } else { 0 },
                    // The host made them; no data have features here.
                    x: None,
                })
                .collect(),
            edges: splits
                .train
                .graph
                .edges
                .iter()
                .map(|edge| EdgeStore::new(edge.edge_type.clone(), no_edges(), Vec::new()))
                .collect(),
        },
        edge_label_index: no_edges(),
        edge_label: Tensor::zeros([0], (Kind::Float, Device::Cpu)),
    };
    LinkSplits { target: target.clone(), train: split(), val: split(), test: split() }
}

fn no_edges() -> Tensor {
    Tensor::zeros([2, 0], (Kind::Int64, Device::Cpu))
}

/// What the batch took.
struct Measured<'a> {
    program: u64,
    peak: u64,
    share: f64,
    splits: &'a LinkSplits,
    pushed: &'a Pushed,
}

impl Measured<'_> {
    /// All that follows from nodes and edges grows as they do; weights and what the optimiser keeps of them are counted.
    fn estimate(&self, real: &[Named], device: Device) -> Estimate {
        let bytes = |weights: &[Named]| -> (u64, u64) {
            let trainable = weights.iter().filter(|weight| weight.is_trainable);
            (weights.iter().map(|weight| weight.bytes).sum(), trainable.map(|weight| weight.bytes).sum())
        };
        let grown = |bytes: u64| (bytes as f64 / self.share) as u64;
        let (data, features) = memory::of_splits(self.splits);
        let (weights, trainable) = bytes(&self.pushed.weights);
        let counted = self.program + data + features + weights + trainable;
        let activations = (device == Device::Cpu).then(|| grown(self.peak.saturating_sub(counted)));
        let (weights, trainable) = bytes(real);
        Estimate {
            program: self.program,
            data: grown(data),
            features: grown(features),
            weights,
            gradients: trainable,
            moments: 2 * trainable,
            best: weights,
            activations,
        }
    }
}

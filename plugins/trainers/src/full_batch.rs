//! The training loop of both trainers.

use std::time::Instant;

use nn::dot_product_scores;
use plugin_api::edge_index::EdgeIndex;
use plugin_api::loss::{LabelledEdges, Negatives};
use plugin_api::prelude::*;
use tch::{no_grad, COptimizer, Kind, Tensor};

use crate::best::Best;
use crate::negatives::NegativeSampler;
use crate::params::Params;

/// Every epoch is one step of Adam on all training edges.
pub struct FullBatchTrainer<const PASSES_GRAPH: bool> {
    params: Params,
}

impl<const PASSES_GRAPH: bool> Trainer for FullBatchTrainer<PASSES_GRAPH> {
    type Params = Params;

    const PASSES_GRAPH: bool = PASSES_GRAPH;

    fn new(params: Params, _: &Context) -> Result<Self> {
        Ok(Self { params })
    }

    fn fit(&mut self, fit: &Fit, context: &Context) -> Result<FitReport> {
        let mut parameters = fit.model.parameters()?;
        let mut best = Best::new(&self.params.monitor);
        let outcome = self.run(fit, &parameters, &mut best, context);
        let restored = best.restore(&mut parameters);
        match outcome {
            Ok(report) => restored.map(|()| FitReport { best_epoch: best.epoch, ..report }),
            Err(error) => {
                // The run fails, but what was learned so far need not be lost.
                let save = || if best.epoch.is_some() { context.checkpoint("best", &parameters) } else { Ok(()) };
                if let Err(lost) = restored.and_then(|()| save()) {
                    log::warn!("the best weights so far are lost: {lost}");
                }
                Err(error)
            }
        }
    }
}

impl<const PASSES_GRAPH: bool> FullBatchTrainer<PASSES_GRAPH> {
    fn run(&self, fit: &Fit, parameters: &[(String, Tensor)], best: &mut Best, context: &Context) -> Result<FitReport> {
        let mut report = FitReport::default();
        if self.params.num_epochs == 0 {
            return Ok(report);
        }
        let mut optimizer = self.optimizer(parameters)?;
        let batch = Batch::new(fit, PASSES_GRAPH, context)?;
        for epoch in 1..=self.params.num_epochs {
            let started = Instant::now();
            let _span = profile::span("epoch");
            let train_loss = batch.step(fit, &mut optimizer, epoch)?;
            let mut record = EpochRecord { epoch, ..EpochRecord::default() };
            record.values.insert("train_loss".into(), train_loss);
            let validated = self.validate(fit, &mut record);
            record.values.insert("seconds".into(), started.elapsed().as_secs_f64());
            context.report_epoch(&record)?;
            context.progress(&progress(epoch, self.params.num_epochs, &record));
            validated?;
            best.consider(&record, parameters)?;
            self.check_monitor(&record, best)?;
            report.n_epochs = epoch;
            if epoch.is_multiple_of(self.params.checkpoint_every) {
                context.checkpoint(&format!("epoch-{epoch:04}"), parameters)?;
            }
            if context.is_cancelled() {
                context.checkpoint("last", parameters)?;
                report.interrupted = true;
                break;
            }
            if self.params.patience.is_some_and(|patience| best.was_not_beaten_for(patience, &record)) {
                log::info!(
                    "no better {} for {} epochs: stopping early",
                    self.params.monitor,
                    epoch - best.epoch.unwrap_or(epoch)
                );
                break;
            }
        }
        Ok(report)
    }

    fn optimizer(&self, parameters: &[(String, Tensor)]) -> Result<COptimizer> {
        let Params { learning_rate, weight_decay, .. } = self.params;
        let mut optimizer = COptimizer::adam(learning_rate, 0.9, 0.999, weight_decay, 1e-8, false)?;
        let trainable: Vec<_> = parameters.iter().filter(|(_, parameter)| parameter.requires_grad()).collect();
        if trainable.is_empty() {
            return Err(PluginError::unsupported(
                "the model has no trainable parameters; set trainer.params.num_epochs to 0 to only evaluate it",
            ));
        }
        trainable.iter().try_for_each(|(_, parameter)| optimizer.add_parameters(parameter, 0))?;
        Ok(optimizer)
    }

    /// Loss and metrics on the validation split, after the step.
    fn validate(&self, fit: &Fit, record: &mut EpochRecord) -> Result<()> {
        let split = &fit.splits.val;
        if split.edge_label.numel() == 0 {
            return self.check_losses(record);
        }
        let _span = profile::span("validate");
        let target = &fit.splits.target;
        no_grad(|| {
            let embeddings =
                profile::timed("forward", || fit.model.encode(&passed(&split.graph, PASSES_GRAPH), Mode::Eval))?;
            let (source, destination) = (embeddings.get(&target.source)?, embeddings.get(&target.destination)?);
            let val_loss = profile::timed("loss", || {
                let scores = dot_product_scores(source, destination, &split.edge_label_index)?; // [n_labels]
                fit.loss.forward(&scores, &split.edge_label)
            })?;
            let val_loss = val_loss.f_double_value(&[])?;
            record.values.insert("val_loss".into(), val_loss);
            self.check_losses(record)?;
            let evaluation = Evaluation {
                source,
                destination,
                edge_label_index: &split.edge_label_index,
                edge_label: &split.edge_label,
                known_edges: &split.graph.edge(target)?.edge_index,
                scope: if self.ranks(record.epoch) { Scope::FullRanking } else { Scope::LabelledEdges },
            };
            let metrics = profile::timed("metrics", || fit.evaluator.evaluate(&evaluation))?;
            record.values.extend(metrics.into_iter().map(|(name, value)| (format!("val.{name}"), value)));
            Ok(())
        })
    }

    /// Whether the ranking metrics are computed in this epoch.
    fn ranks(&self, epoch: usize) -> bool {
        let Params { eval_every, num_epochs, .. } = self.params;
        eval_every > 0 && (epoch.is_multiple_of(eval_every) || epoch == num_epochs)
    }

    /// # Errors
    /// If a loss is not finite.
    fn check_losses(&self, record: &EpochRecord) -> Result<()> {
        let losses = ["train_loss", "val_loss"].into_iter().filter_map(|name| Some((name, record.values.get(name)?)));
        match losses.into_iter().find(|(_, loss)| !loss.is_finite()) {
            None => Ok(()),
            Some((name, loss)) => Err(PluginError::failed(format!(
                "{name} is {loss} in epoch {}; try a learning_rate below {}",
                record.epoch, self.params.learning_rate
            ))),
        }
    }

    /// # Errors
    /// If `monitor` names nothing that is reported. Ranking metrics (`...@k`) come with the first ranking only.
    fn check_monitor(&self, record: &EpochRecord, best: &Best) -> Result<()> {
        let Params { monitor, eval_every, .. } = &self.params;
        let due = !monitor.contains('@') || *eval_every == 0 || self.ranks(record.epoch);
        if best.epoch.is_some() || !due {
            return Ok(());
        }
        let names: Vec<_> = record.values.keys().map(String::as_str).filter(|name| *name != "seconds").collect();
        let later = match self.ranks(record.epoch) || *eval_every == 0 {
            true => "",
            false => ", and every eval_every epochs the ranking metrics, such as val.ndcg@10",
        };
        let message = format!("no epoch reports `{monitor}`; there are: {}{later}", names.join(", "));
        Err(PluginError::invalid_parameter("monitor", message))
    }
}

/// What every step of training uses.
struct Batch {
    graph: Graph,
    labels: Labels,
    negatives: Option<(Tensor, NegativeSampler)>,
}

/// The labelled edges of a step, with their index for losses that score them on the CPU.
struct Labels {
    edge_label_index: Tensor,
    edge_label: Tensor,
    index: Option<EdgeIndex>,
}

impl Labels {
    fn new(edge_label_index: Tensor, edge_label: Tensor, fit: &Fit) -> Result<Self> {
        let (graph, target) = (&fit.splits.train.graph, &fit.splits.target);
        let n_nodes = |name: &str| Ok::<_, PluginError>(graph.node(name)?.n_nodes);
        let index = if nn::path::fused(&[&edge_label], edge_label_index.size()[1]) {
            Some(nn::index_edges(&edge_label_index, n_nodes(&target.source)?, n_nodes(&target.destination)?)?)
        } else {
            None
        };
        Ok(Self { edge_label_index, edge_label, index })
    }
}

impl Batch {
    fn new(fit: &Fit, passes_graph: bool, context: &Context) -> Result<Self> {
        let split = &fit.splits.train;
        let negatives = match fit.loss.negatives() {
            Negatives::OfSplit => None,
            Negatives::PerSource => {
                let positives = split.positives()?; // [2, n_positives]
                let n_items = split.graph.node(&fit.splits.target.destination)?.n_nodes;
                let sampler = NegativeSampler::new(&positives, n_items, context)?;
                Some((positives, sampler))
            }
        };
        let labels = Labels::new(split.edge_label_index.shallow_clone(), split.edge_label.shallow_clone(), fit)?;
        Ok(Self { graph: passed(&split.graph, passes_graph), labels, negatives })
    }

    /// One step; gives the loss before it.
    fn step(&self, fit: &Fit, optimizer: &mut COptimizer, epoch: usize) -> Result<f64> {
        let target = &fit.splits.target;
        let drawn = profile::timed("negatives", || self.draw(fit, epoch))?;
        let labels = drawn.as_ref().unwrap_or(&self.labels);
        let embeddings = profile::timed("forward", || fit.model.encode(&self.graph, Mode::Train))?;
        let (source, destination) = (embeddings.get(&target.source)?, embeddings.get(&target.destination)?);
        let loss = profile::timed("loss", || loss(fit, source, destination, labels))?;
        optimizer.zero_grad()?;
        profile::timed("backward", || loss.f_backward())?;
        profile::timed("step", || optimizer.step())?;
        Ok(loss.f_double_value(&[])?)
    }

    /// The labelled edges of this epoch, if its negatives are its own.
    fn draw(&self, fit: &Fit, epoch: usize) -> Result<Option<Labels>> {
        let Some((positives, sampler)) = &self.negatives else { return Ok(None) };
        let n = positives.size()[1];
        let options = (Kind::Float, positives.device());
        let edge_label_index = Tensor::f_cat(&[positives, &sampler.draw(epoch)?], 1)?; // [2, 2 n]
        let edge_label = Tensor::f_cat(&[Tensor::f_ones([n], options)?, Tensor::f_zeros([n], options)?], 0)?; // [2 n]
        Labels::new(edge_label_index, edge_label, fit).map(Some)
    }
}

/// By the loss itself where it scores edges, else over the scores.
fn loss(fit: &Fit, source: &Tensor, destination: &Tensor, labels: &Labels) -> Result<Tensor> {
    let Labels { edge_label_index, edge_label, index } = labels;
    let edges = LabelledEdges { source, destination, edge_label_index, edge_label, index: index.as_ref() };
    match fit.loss.forward_edges(&edges)? {
        Some(loss) => Ok(loss),
        None => {
            let scores = dot_product_scores(source, destination, edge_label_index)?; // [n_labels]
            fit.loss.forward(&scores, edge_label)
        }
    }
}

fn passed(graph: &Graph, passes_graph: bool) -> Graph {
    if passes_graph {
        graph.share()
    } else {
        graph.without_edges()
    }
}

fn progress(epoch: usize, num_epochs: usize, record: &EpochRecord) -> Progress {
    let value = |name: &str| record.values.get(name).map_or(String::from("-"), |value| format!("{value:.4}"));
    Progress {
        task: "epoch".into(),
        done: epoch as u64,
        total: Some(num_epochs as u64),
        unit: String::new(),
        note: format!("train_loss {} val_loss {} val.auc {}", value("train_loss"), value("val_loss"), value("val.auc")),
    }
}

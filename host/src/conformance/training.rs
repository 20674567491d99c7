//! The suite's own training loop, and the question whether the withheld edges come first.

use std::cmp::Ordering;

use plugin_api::abi::loss::LossObject;
use plugin_api::abi::model::ModelObject;
use plugin_api::dataset::LinkSplits;
use plugin_api::error::Result;
use plugin_api::graph::Graph;
use plugin_api::model::{Mode, NodeEmbeddings};
use tch::{no_grad, COptimizer, Kind, Tensor};

use super::board::{self, N};
use super::reference::scores;
use super::subject::Built;
use super::verdict::{ensure, fail, Checked, During};

/// Enough for any model that learns at all; most need a tenth.
const MOST_STEPS: usize = 400;
const LOOK_EVERY: usize = 10;
/// Of Adam, one after the other.
const LEARNING_RATES: [f64; 2] = [0.01, 0.1];

/// A model in training, with the loss and the data.
pub struct Training<'a> {
    pub model: &'a ModelObject,
    pub loss: &'a LossObject,
    pub splits: &'a LinkSplits,
    pub graph: Graph,
}

/// The parameters that an optimiser steps on.
///
/// # Errors
/// Those of the model.
pub fn trainable(model: &ModelObject) -> Result<Vec<(String, Tensor)>> {
    let mut parameters = model.parameters()?;
    parameters.retain(|(_, parameter)| parameter.requires_grad());
    Ok(parameters)
}

impl Training<'_> {
    /// The loss of the training edges, with gradient.
    ///
    /// # Errors
    /// Those of the parts.
    pub fn loss(&self) -> Result<Tensor> {
        let (target, split) = (&self.splits.target, &self.splits.train);
        let embeddings = self.model.encode(&self.graph, Mode::Train)?;
        let (source, destination) = (embeddings.get(&target.source)?, embeddings.get(&target.destination)?);
        self.loss.forward(&scores(source, destination, &split.edge_label_index)?, &split.edge_label)
    }

    /// Steps of Adam; gives the losses before each.
    ///
    /// # Errors
    /// Those of the parts.
    pub fn steps(&self, optimizer: &mut COptimizer, n: usize) -> Result<Vec<f64>> {
        let step = |_| {
            let loss = self.loss()?;
            optimizer.zero_grad()?;
            loss.f_backward()?;
            optimizer.step()?;
            Ok(loss.f_double_value(&[])?)
        };
        (0..n).map(step).collect()
    }

    /// # Errors
    /// Those of the model.
    pub fn optimizer(&self, learning_rate: f64) -> Result<COptimizer> {
        let mut optimizer = COptimizer::adam(learning_rate, 0.9, 0.999, 0.0, 1e-8, false)?;
        trainable(self.model)?.iter().try_for_each(|(_, parameter)| optimizer.add_parameters(parameter, 0))?;
        Ok(optimizer)
    }

    /// # Errors
    /// Those of the model.
    pub fn embeddings(&self) -> Result<NodeEmbeddings> {
        no_grad(|| self.model.encode(&self.graph, Mode::Eval))
    }

    fn learns_at(&self, learning_rate: f64) -> Checked {
        let mut optimizer = self.optimizer(learning_rate)?;
        let (mut first, mut last, mut misplaced) = (None, f64::NAN, Vec::new());
        for _ in 0..MOST_STEPS / LOOK_EVERY {
            let losses = self.steps(&mut optimizer, LOOK_EVERY).during("in training")?;
            let first = *first.get_or_insert(losses[0]);
            last = losses[LOOK_EVERY - 1];
            ensure(last.is_finite(), || format!("the loss is {last} at learning rate {learning_rate}"))?;
            misplaced = self::misplaced(&self.embeddings()?, self.splits)?;
            if last < first && misplaced.is_empty() {
                return Ok(());
            }
        }
        let first = first.unwrap_or(f64::NAN);
        fail(format!(
            "after {MOST_STEPS} steps of Adam at {learning_rate} the loss went from {first:.4} to {last:.4}, and the withheld item comes \
             first for {} of {N} users",
            N as usize - misplaced.len()
        ))
    }
}

/// Whether a model that `make` makes learns the checkerboard by this loss, at one of the learning rates.
///
/// # Errors
/// If not: how far it came at the last one.
pub fn learns(make: impl Fn() -> Checked<Built>, passed: impl Fn(&Graph) -> Graph, loss: &LossObject) -> Checked {
    let mut outcome = Ok(());
    for learning_rate in LEARNING_RATES {
        let Built { model, splits } = make()?;
        let training = Training { model: &model, loss, splits: &splits, graph: passed(&splits.train.graph) };
        outcome = training.learns_at(learning_rate);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// The users of the checkerboard whose withheld item does not come before every other one that is not among their edges.
///
/// # Errors
/// If embeddings are missing.
pub fn misplaced(embeddings: &NodeEmbeddings, splits: &LinkSplits) -> Checked<Vec<i64>> {
    let target = &splits.target;
    let (source, destination) = (embeddings.get(&target.source)?, embeddings.get(&target.destination)?);
    let scores = source.f_matmul(&destination.f_transpose(0, 1)?)?.f_to_kind(Kind::Float)?; // [N, N]
    let known = &splits.train.graph.edge(target)?.edge_index; // [2, n_edges]
    let (users, items) = (known.f_get(0)?, known.f_get(1)?);
    let lowest = Tensor::from(f32::NEG_INFINITY);
    let scores = scores.f_index_put::<Tensor>(&[Some(users), Some(items)], &lowest, false)?;
    let scores = Vec::<f32>::try_from(scores.f_contiguous()?.f_view([-1])?)?;
    let is_misplaced = |(user, item): &board::Pair| {
        let row = &scores[(user * N) as usize..((user + 1) * N) as usize];
        let withheld = row[*item as usize];
        row.iter().zip(0..).any(|(score, other)| other != *item && score.partial_cmp(&withheld) != Some(Ordering::Less))
    };
    Ok(board::withheld().into_iter().filter(is_misplaced).map(|(user, _)| user).collect())
}

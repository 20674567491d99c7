//! [`Evaluator`]: from embeddings to metrics.

use std::collections::BTreeMap;

use tch::Tensor;

use crate::context::Context;
use crate::error::Result;
use crate::params::Parameters;

/// How much to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Only what the labelled edges tell, such as AUC: cheap enough for every epoch.
    LabelledEdges,
    /// Also the full ranking over all items.
    FullRanking,
}

/// What is to be evaluated.
#[derive(Debug)]
pub struct Evaluation<'a> {
    /// Embeddings of the target's source nodes (users), f32 `[n_users, width]`.
    pub source: &'a Tensor,
    /// Embeddings of the target's destination nodes (items), f32 `[n_items, width]`.
    pub destination: &'a Tensor,
    /// i64 `[2, n_labels]`.
    pub edge_label_index: &'a Tensor,
    /// f32 `[n_labels]`.
    pub edge_label: &'a Tensor,
    /// Known edges, i64 `[2, n_known]`: masked in the ranking.
    pub known_edges: &'a Tensor,
    pub scope: Scope,
}

/// Metrics by name, for example `ndcg@10`. An undefined metric is absent.
pub type Metrics = BTreeMap<String, f64>;

/// Computes metrics.
pub trait Evaluator: Sized + Send + 'static {
    type Params: Parameters;

    /// # Errors
    /// If the parameters do not make sense together.
    fn new(params: Self::Params, context: &Context) -> Result<Self>;

    /// # Errors
    /// If the shapes do not fit.
    fn evaluate(&self, evaluation: &Evaluation, context: &Context) -> Result<Metrics>;
}

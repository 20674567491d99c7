//! [`Loss`]: from scores and labels to a scalar.

use tch::Tensor;

use crate::context::Context;
use crate::edge_index::EdgeIndex;
use crate::error::Result;
use crate::params::Parameters;

/// Which negatives a loss is defined over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Negatives {
    /// The negatives of the split, drawn once.
    OfSplit,
    /// For every positive edge a negative of the same source node, drawn anew every epoch; the i-th negative belongs to
    /// the i-th positive.
    PerSource,
}

/// Labelled edges before they are scored: the score of an edge is the dot product of the embeddings of its ends.
#[derive(Debug, Clone, Copy)]
pub struct LabelledEdges<'a> {
    /// Embeddings of the target's source nodes, f32 `[n_sources, width]`, with gradient.
    pub source: &'a Tensor,
    /// Embeddings of the target's destination nodes, f32 `[n_destinations, width]`, with gradient.
    pub destination: &'a Tensor,
    /// i64 `[2, n]`.
    pub edge_label_index: &'a Tensor,
    /// f32 `[n]`: positives first, then negatives.
    pub edge_label: &'a Tensor,
    /// That of `edge_label_index`, where the trainer keeps one.
    pub index: Option<&'a EdgeIndex>,
}

/// A loss over labelled edges.
pub trait Loss: Sized + Send + 'static {
    type Params: Parameters;

    /// Which negatives `forward` is to be given in training.
    const NEGATIVES: Negatives = Negatives::OfSplit;

    /// # Errors
    /// If the parameters do not make sense together.
    fn new(params: Self::Params, context: &Context) -> Result<Self>;

    /// `scores` f32 `[n]` with gradient, `labels` f32 `[n]`: positives first, then negatives. Gives a scalar.
    ///
    /// # Errors
    /// If the shapes do not fit.
    fn forward(&self, scores: &Tensor, labels: &Tensor) -> Result<Tensor>;

    /// An optional power: the loss straight from the embeddings, for losses whose kernel scores the edges on the way and so
    /// stores nothing of the size edges x width. A scalar, equal to `forward` of the scores. `None`: the trainer scores the
    /// edges itself and calls `forward`.
    ///
    /// # Errors
    /// If the shapes do not fit.
    fn forward_edges(&self, _edges: &LabelledEdges) -> Result<Option<Tensor>> {
        Ok(None)
    }
}

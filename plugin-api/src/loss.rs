//! [`Loss`]: from scores and labels to a scalar.

use tch::Tensor;

use crate::context::Context;
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
}

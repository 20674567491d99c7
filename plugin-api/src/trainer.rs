//! [`Trainer`]: fits a model.

use crate::abi::evaluator::EvaluatorObject;
use crate::abi::loss::LossObject;
use crate::abi::model::ModelObject;
use crate::context::Context;
use crate::dataset::LinkSplits;
use crate::error::Result;
use crate::params::Parameters;

/// The parts of a fit. Model, loss and evaluator may live in other libraries.
pub struct Fit<'a> {
    pub model: &'a ModelObject,
    pub loss: &'a LossObject,
    pub evaluator: &'a EvaluatorObject,
    pub splits: &'a LinkSplits,
}

/// What came of it. The model holds the best weights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FitReport {
    /// Epochs run.
    pub n_epochs: usize,
    /// The epoch (counted from 1) whose weights the model holds; `None` if none was run.
    pub best_epoch: Option<usize>,
    /// Whether the user's interruption ended it.
    pub interrupted: bool,
}

/// Trains a model. The optimiser lives here.
pub trait Trainer: Sized + Send + 'static {
    type Params: Parameters;

    /// Whether the model is given the edges.
    const PASSES_GRAPH: bool = false;

    /// # Errors
    /// If the parameters do not make sense together.
    fn new(params: Self::Params, context: &Context) -> Result<Self>;

    /// Leaves the best weights in the model; reports every epoch to the context.
    ///
    /// # Errors
    /// If a part fails, or the loss is not finite.
    fn fit(&mut self, fit: &Fit, context: &Context) -> Result<FitReport>;
}

//! `losses:BCEWithLogitsLoss`, as `torch.nn.BCEWithLogitsLoss`.

use nn::EdgeCriterion;
use plugin_api::loss::LabelledEdges;
use plugin_api::prelude::*;
use tch::{Reduction, Tensor};

use crate::ordered_mean::ordered_mean;

/// Binary cross entropy of the sigmoid of the score: the mean of `-(y log s(x) + (1 - y) log(1 - s(x)))` over the labelled
/// edges.
pub struct BCEWithLogitsLoss;

impl Loss for BCEWithLogitsLoss {
    type Params = NoParams;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn forward(&self, scores: &Tensor, labels: &Tensor) -> Result<Tensor> {
        if scores.numel() == 0 {
            // libtorch's answer is NaN, which the trainer would take for a diverging model.
            return Err(PluginError::invalid_data("BCEWithLogitsLoss needs labelled edges; there are none"));
        }
        let by_edge = scores.f_binary_cross_entropy_with_logits::<Tensor>(labels, None, None, Reduction::None)?; // [n]
        Ok(ordered_mean(&by_edge)?)
    }

    fn forward_edges(&self, edges: &LabelledEdges) -> Result<Option<Tensor>> {
        Ok(nn::edge_loss(EdgeCriterion::BCEWithLogits, edges)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_formula() {
        let (scores, labels) = (Tensor::from_slice(&[2.0f32, -1.0]), Tensor::from_slice(&[1.0f32, 0.0]));
        let expected = ((1.0 + (-2.0f64).exp()).ln() + (1.0 + (-1.0f64).exp()).ln()) / 2.0;
        let loss = BCEWithLogitsLoss.forward(&scores, &labels).unwrap_or_else(|error| panic!("{error}"));
        assert!((loss.double_value(&[]) - expected).abs() < 1e-6);
        let none = Tensor::from_slice::<f32>(&[]);
        assert!(BCEWithLogitsLoss.forward(&none, &none).is_err());
    }
}

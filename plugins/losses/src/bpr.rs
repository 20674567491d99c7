//! `losses:BPRLoss` (Rendle et al.: BPR: Bayesian Personalized Ranking from Implicit Feedback, UAI 2009).

use nn::EdgeCriterion;
use plugin_api::loss::{LabelledEdges, Negatives};
use plugin_api::prelude::*;
use tch::Tensor;

use crate::ordered_mean::ordered_mean;

/// `-mean log sigmoid(score(u, i) - score(u, j))` over the positive edges (u, i), with an item j that u has no edge to,
/// drawn anew every epoch.
pub struct BPRLoss;

impl Loss for BPRLoss {
    type Params = NoParams;

    const NEGATIVES: Negatives = Negatives::PerSource;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    /// The i-th negative belongs to the i-th positive. The negatives of a split are not drawn per user; there it compares
    /// pairs all the same, which tells how the loss develops but no more.
    fn forward(&self, scores: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let n_positives = labels.f_sum(tch::Kind::Int64)?.f_int64_value(&[])?;
        let n_pairs = n_positives.min(scores.size()[0] - n_positives);
        if n_pairs == 0 {
            return Err(PluginError::invalid_data(format!(
                "BPRLoss needs pairs of a positive and a negative edge; got {n_positives} positives of {} edges",
                scores.size()[0]
            )));
        }
        let positive = scores.f_narrow(0, 0, n_pairs)?; // [n_pairs]
        let negative = scores.f_narrow(0, n_positives, n_pairs)?; // [n_pairs]
        Ok(ordered_mean(&positive.f_sub(&negative)?.f_log_sigmoid()?)?.f_neg()?)
    }

    fn forward_edges(&self, edges: &LabelledEdges) -> Result<Option<Tensor>> {
        Ok(nn::edge_loss(EdgeCriterion::BPR, edges)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_the_ith_positive_with_the_ith_negative() {
        let scores = Tensor::from_slice(&[3.0f32, 0.5, 1.0, 0.5]);
        let labels = Tensor::from_slice(&[1.0f32, 1.0, 0.0, 0.0]);
        let expected = ((1.0 + (-2.0f64).exp()).ln() + 2.0f64.ln()) / 2.0;
        let loss = BPRLoss.forward(&scores, &labels).unwrap_or_else(|error| panic!("{error}"));
        assert!((loss.double_value(&[]) - expected).abs() < 1e-6);
        assert!(BPRLoss.forward(&scores, &Tensor::from_slice(&[1.0f32; 4])).is_err());
    }
}

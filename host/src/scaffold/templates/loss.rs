//! `my_plugin:MyPlugin`: a loss over labelled edges.
//!
//! Here, the focal loss (Lin et al., 2017): cross-entropy in which edges that are scored well already count less.

use plugin_api::prelude::*;
use tch::{Kind, Reduction, Tensor};

plugin_api::params! {
    /// Focal loss: the mean of `(1 - p)^gamma * -log p`, where p is the probability given to the true label.
    struct Params {
        /// How little well-scored edges count. 0 is binary cross-entropy.
        #[schemars(range(min = 0.0, max = 10.0))]
        gamma: f64 = 2.0,
    }
}

struct MyPlugin {
    params: Params,
}

impl Loss for MyPlugin {
    type Params = Params;

    fn new(params: Params, _: &Context) -> Result<Self> {
        Ok(Self { params })
    }

    fn forward(&self, scores: &Tensor, labels: &Tensor) -> Result<Tensor> {
        if scores.numel() == 0 {
            // The mean of nothing is NaN, which a trainer would take for a diverging model.
            return Err(PluginError::invalid_data("there are no labelled edges"));
        }
        let by_edge = scores.f_binary_cross_entropy_with_logits::<Tensor>(labels, None, None, Reduction::None)?; // [n], -log p
                                                                                                                 // Never quite 0, where the gradient of a power below 1 is infinite.
        let missed = by_edge.f_neg()?.f_expm1()?.f_neg()?.f_clamp_min(1e-6)?; // [n], 1 - p
        Ok(missed.f_pow_tensor_scalar(self.params.gamma)?.f_mul(&by_edge)?.f_mean(Kind::Float)?)
    }
}

plugin_api::export_plugin!(loss: MyPlugin);

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(gamma: f64) -> f64 {
        let (scores, labels) = (Tensor::from_slice(&[2.0f32, -1.0]), Tensor::from_slice(&[1.0f32, 0.0]));
        let loss = MyPlugin { params: Params { gamma } }.forward(&scores, &labels);
        loss.unwrap_or_else(|error| panic!("{error}")).double_value(&[])
    }

    #[test]
    fn is_the_formula() {
        let p = [2.0f64, 1.0].map(|score| 1.0 / (1.0 + (-score).exp()));
        for gamma in [0.0, 0.5, 2.0] {
            let expected = p.map(|p| -(1.0 - p).powf(gamma) * p.ln()).iter().sum::<f64>() / 2.0;
            assert!((loss(gamma) - expected).abs() < 1e-6, "gamma {gamma}: {}, not {expected}", loss(gamma));
        }
    }
}

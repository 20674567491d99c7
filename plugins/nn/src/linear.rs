//! `torch.nn.Linear`: `y = x W^T + b`.

use tch::nn::{Init, Path};
use tch::Tensor;

use crate::Result;

/// Weights `weight` f32 `[out, in]` and `bias` f32 `[out]`.
#[derive(Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Initialised as `torch.nn.Linear`: both uniform in `±1/sqrt(in)`.
    pub fn new(path: &Path, in_features: i64, out_features: i64) -> Result<Self> {
        Self::with_init(path, in_features, out_features, uniform(in_features), uniform(in_features))
    }

    /// Initialised as PyG's `Linear(weight_initializer='glorot')`, as `GATv2Conv` has it: the bias is uniform in `±1/sqrt(in)`.
    pub fn glorot(path: &Path, in_features: i64, out_features: i64) -> Result<Self> {
        Self::with_init(path, in_features, out_features, glorot(in_features, out_features), uniform(in_features))
    }

    fn with_init(path: &Path, inputs: i64, outputs: i64, weight: Init, bias: Init) -> Result<Self> {
        let weight = path.f_var("weight", &[outputs, inputs], weight)?;
        let bias = path.f_var("bias", &[outputs], bias)?;
        Ok(Self { weight, bias })
    }

    /// `[..., in]` to `[..., out]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.f_linear(&self.weight, Some(&self.bias))
    }
}

/// Uniform in `±1/sqrt(in)`.
fn uniform(in_features: i64) -> Init {
    let bound = 1.0 / (in_features.max(1) as f64).sqrt();
    Init::Uniform { lo: -bound, up: bound }
}

/// Uniform in `±sqrt(6 / (rows + columns))` (Glorot and Bengio, 2010).
pub(crate) fn glorot(rows: i64, columns: i64) -> Init {
    let bound = (6.0 / (rows + columns).max(1) as f64).sqrt();
    Init::Uniform { lo: -bound, up: bound }
}

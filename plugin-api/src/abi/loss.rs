//! The loss's twin.

use abi_stable::std_types::RBox;
use abi_stable::{sabi_trait, StableAbi};
use tch::Tensor;

use crate::abi::guard::Guarded;
use crate::abi::types::{from_wire, AbiResult};
use crate::context::Context;
use crate::error::{PluginError, Result};
use crate::loss::{Loss, Negatives};
use crate::tensor::TensorHandle;

#[sabi_trait]
pub trait AbiLoss: Send {
    fn forward(&self, scores: &TensorHandle, labels: &TensorHandle) -> AbiResult<TensorHandle>;
    #[sabi(last_prefix_field)]
    fn negatives_per_source(&self) -> bool;
}

struct Adapter<L>(Guarded<L>);

impl<L: Loss> AbiLoss for Adapter<L> {
    fn forward(&self, scores: &TensorHandle, labels: &TensorHandle) -> AbiResult<TensorHandle> {
        self.0.call(|loss| {
            let value = loss.forward(&scores.tensor(), &labels.tensor())?;
            if value.numel() != 1 {
                let shape = value.size();
                return Err(PluginError::invalid_data(format!("forward must give a scalar, not shape {shape:?}")));
            }
            Ok(TensorHandle::new(value))
        })
    }

    fn negatives_per_source(&self) -> bool {
        match L::NEGATIVES {
            Negatives::PerSource => true,
            Negatives::OfSplit => false,
        }
    }
}

/// A loss of any library.
#[repr(transparent)]
#[derive(StableAbi)]
pub struct LossObject(AbiLoss_TO<'static, RBox<()>>);

impl LossObject {
    /// Constructs an author's loss behind the ABI.
    ///
    /// # Errors
    /// Whatever its constructor says, or [`crate::error::ErrorKind::Panicked`].
    pub fn construct<L: Loss>(component: String, params: &str, context: Context) -> Result<Self> {
        let loss = Guarded::construct(component, || L::new(crate::params::parse(params)?, &context))?;
        Ok(Self(AbiLoss_TO::from_value(Adapter(loss), sabi_trait::TD_Opaque)))
    }

    /// See [`Loss::forward`].
    pub fn forward(&self, scores: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let value = self.0.forward(&TensorHandle::share(scores), &TensorHandle::share(labels));
        Ok(from_wire(value)?.tensor())
    }

    /// See [`Loss::NEGATIVES`].
    pub fn negatives(&self) -> Negatives {
        if self.0.negatives_per_source() {
            Negatives::PerSource
        } else {
            Negatives::OfSplit
        }
    }
}

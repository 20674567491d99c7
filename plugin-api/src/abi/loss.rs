//! The loss's twin.

use abi_stable::std_types::{RBox, ROption};
use abi_stable::{sabi_trait, StableAbi};
use tch::Tensor;

use crate::abi::guard::Guarded;
use crate::abi::types::{from_wire, AbiRecord, AbiResult};
use crate::context::Context;
use crate::edge_index::EdgeIndex;
use crate::error::{PluginError, Result};
use crate::loss::{LabelledEdges, Loss, Negatives};
use crate::record::Record;
use crate::tensor::TensorHandle;

#[sabi_trait]
pub trait AbiLoss: Send {
    fn forward(&self, scores: &TensorHandle, labels: &TensorHandle) -> AbiResult<TensorHandle>;
    #[sabi(last_prefix_field)]
    fn negatives_per_source(&self) -> bool;
    /// Since 1.1: losses of older libraries answer with this default.
    fn forward_edges(&self, _edges: &AbiRecord) -> AbiResult<ROption<TensorHandle>> {
        AbiResult::ROk(ROption::RNone)
    }
}

struct Adapter<L>(Guarded<L>);

impl<L: Loss> AbiLoss for Adapter<L> {
    fn forward(&self, scores: &TensorHandle, labels: &TensorHandle) -> AbiResult<TensorHandle> {
        self.0.call(|loss| scalar(loss.forward(&scores.tensor(), &labels.tensor())?))
    }

    fn negatives_per_source(&self) -> bool {
        match L::NEGATIVES {
            Negatives::PerSource => true,
            Negatives::OfSplit => false,
        }
    }

    fn forward_edges(&self, edges: &AbiRecord) -> AbiResult<ROption<TensorHandle>> {
        self.0.call(|loss| {
            let record = Record::from(edges);
            let value = loss.forward_edges(&LabelledEdges {
                source: &record.tensor("source")?,
                destination: &record.tensor("destination")?,
                edge_label_index: &record.tensor("edge_label_index")?,
                edge_label: &record.tensor("edge_label")?,
                index: EdgeIndex::read(&record, "").as_ref(),
            })?;
            Ok(value.map(scalar).transpose()?.into())
        })
    }
}

fn scalar(value: Tensor) -> Result<TensorHandle> {
    if value.numel() != 1 {
        let shape = value.size();
        return Err(PluginError::invalid_data(format!("forward must give a scalar, not shape {shape:?}")));
    }
    Ok(TensorHandle::new(value))
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

    /// See [`Loss::forward_edges`].
    pub fn forward_edges(&self, edges: &LabelledEdges) -> Result<Option<Tensor>> {
        let mut record = Record::default();
        record.set_tensor("source", edges.source);
        record.set_tensor("destination", edges.destination);
        record.set_tensor("edge_label_index", edges.edge_label_index);
        record.set_tensor("edge_label", edges.edge_label);
        if let Some(index) = edges.index {
            index.write(&mut record, "");
        }
        let value = from_wire(self.0.forward_edges(&record.into()))?;
        Ok(value.into_option().map(|handle| handle.tensor()))
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

//! Binary cross entropy, and what an author may get wrong about it.

use std::sync::atomic::{AtomicI64, Ordering};

use plugin_api::loss::LabelledEdges;
use plugin_api::prelude::*;
use tch::{Kind, Reduction, Tensor};

/// Declares a loss by its formula, and by that of `forward_edges` where it has one.
macro_rules! loss {
    ($name:ident, $forward:expr $(, edges: $edges:expr)?) => {
        pub struct $name;

        impl Loss for $name {
            type Params = NoParams;

            fn new(_: NoParams, _: &Context) -> Result<Self> {
                Ok(Self)
            }

            fn forward(&self, scores: &Tensor, labels: &Tensor) -> Result<Tensor> {
                let forward: fn(&Tensor, &Tensor) -> Result<Tensor> = $forward;
                forward(scores, labels)
            }

            $(fn forward_edges(&self, edges: &LabelledEdges) -> Result<Option<Tensor>> {
                let forward: fn(&Tensor, &Tensor) -> Result<Tensor> = $edges;
                forward(&scored(edges)?, edges.edge_label).map(Some)
            })?
        }
    };
}

loss!(GoodLoss, cross_entropy, edges: cross_entropy);
loss!(GivesDouble, |scores, labels| Ok(cross_entropy(scores, labels)?.f_to_kind(Kind::Double)?));
loss!(MeanOfNothing, |scores, labels| {
    Ok(scores.f_binary_cross_entropy_with_logits::<Tensor>(labels, None, None, Reduction::Mean)?)
});
loss!(OverflowsOnLargeScores, |scores, labels| {
    not_empty(scores)?;
    let softplus = scores.f_exp()?.f_log1p()?; // [n]
    Ok(softplus.f_sub(&scores.f_mul(labels)?)?.f_mean(Kind::Float)?)
});
loss!(Detached, |scores, labels| cross_entropy(&scores.f_detach()?, labels));
loss!(TwoFormulas, cross_entropy, edges: |scores, labels| Ok(cross_entropy(scores, labels)?.f_mul_scalar(1.01)?));
loss!(RewardsMistakes, |scores, labels| cross_entropy(&scores.f_neg()?, labels));
loss!(CountsCalls, |scores, labels| {
    static COUNTER: AtomicI64 = AtomicI64::new(0);
    let noise = (COUNTER.fetch_add(1, Ordering::Relaxed) % 7) as f64 * 1e-4;
    Ok(cross_entropy(scores, labels)?.f_mul_scalar(1.0 + noise)?)
});

pub fn cross_entropy(scores: &Tensor, labels: &Tensor) -> Result<Tensor> {
    not_empty(scores)?;
    Ok(scores.f_binary_cross_entropy_with_logits::<Tensor>(labels, None, None, Reduction::Mean)?)
}

fn not_empty(scores: &Tensor) -> Result<()> {
    match scores.numel() {
        0 => Err(PluginError::invalid_data("no edges, no loss")),
        _ => Ok(()),
    }
}

fn scored(edges: &LabelledEdges) -> Result<Tensor> {
    let source = edges.source.f_index_select(0, &edges.edge_label_index.f_get(0)?)?; // [n, width]
    let destination = edges.destination.f_index_select(0, &edges.edge_label_index.f_get(1)?)?; // [n, width]
    Ok(source.f_mul(&destination)?.f_sum_dim_intlist([1].as_slice(), false, None)?)
    // [n]
}

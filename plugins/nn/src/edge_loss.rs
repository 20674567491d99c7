//! Losses over labelled edges, fused with the scores.

use std::sync::atomic::{AtomicBool, Ordering};

use kernels::edge_loss::{Criterion, EdgeLoss};
use plugin_api::edge_index::EdgeIndex;
use plugin_api::loss::LabelledEdges;
use plugin_api::profile;
use tch::{no_grad, TchError, Tensor};

use crate::autograd::attach;
use crate::edges::{csr, index_edges};
use crate::path::{fused, EDGE_KERNEL};
use crate::slices::{rows, same_width, slice, slice_mut};
use crate::Result;

/// The losses that have a fused kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeCriterion {
    BCEWithLogits,
    BPR,
}

/// The loss of edges scored by the dot product of their ends, a scalar. Memory beyond the inputs and their gradients: one number an
/// edge. `None` where there is no fused kernel: on other devices, and for BPR where positives and negatives are not paired.
///
/// # Errors
/// If the shapes do not fit.
pub fn edge_loss(criterion: EdgeCriterion, edges: &LabelledEdges) -> Result<Option<Tensor>> {
    let LabelledEdges { source, destination, edge_label_index, edge_label, index } = *edges;
    let n_edges = edge_label_index.size()[1];
    if n_edges == 0 || !fused(&[source, destination, edge_label], n_edges) {
        return Ok(None);
    }
    same_width(source, destination)?;
    if edge_label.size() != [n_edges] {
        let text = format!("{n_edges} edges, but labels of shape {:?}", edge_label.size());
        return Err(TchError::Shape(text));
    }
    if criterion == EdgeCriterion::BPR && !is_paired(edge_label_index, edge_label)? {
        return Ok(None);
    }
    let index = match index {
        Some(index) => index.share(),
        None => index_edges(edge_label_index, source.size()[0], destination.size()[0])?,
    };
    let (source, destination) = (source.f_contiguous()?, destination.f_contiguous()?);
    let labels = edge_label.f_contiguous()?;
    let mut source_gradient = Tensor::f_empty_like(&source.f_detach()?)?; // [n_sources, width]
    let (value, gradients) = {
        let kernel = EdgeLoss {
            source: rows(&source)?,
            destination: rows(&destination)?,
            criterion: match criterion {
                EdgeCriterion::BCEWithLogits => Criterion::BceWithLogits { labels: slice(&labels)? },
                EdgeCriterion::BPR => Criterion::Bpr,
            },
            by_source: csr(&index.by_source)?,
        };
        let sums = slice_mut(&mut source_gradient)?;
        profile::timed(EDGE_KERNEL, || kernel.forward(sums))
    };
    let EdgeIndex { by_destination, .. } = index;
    let n_destinations = destination.size()[0];
    let used = AtomicBool::new(false);
    let loss = Tensor::from(value as f32);
    let backward = move |saved: &[Tensor], grad: &Tensor| {
        let [source, source_gradient] = saved else { unreachable!("two tensors are saved") };
        let factor = grad.f_double_value(&[])? as f32;
        let mut of_destination =
            Tensor::f_empty([n_destinations, source.size()[1]], (source.f_kind()?, source.device()))?;
        let sums = slice_mut(&mut of_destination)?;
        let (source, csr) = (rows(source)?, csr(&by_destination)?);
        profile::timed(EDGE_KERNEL, || EdgeLoss::destination_gradient(source, &csr, &gradients, factor, sums));
        // The gradient was made in forward; it is handed over as it is, unless it is asked for twice or in another size.
        let first = !used.swap(true, Ordering::Relaxed);
        let of_source = if first && factor == 1.0 {
            source_gradient.shallow_clone()
        } else {
            source_gradient.f_mul_scalar(f64::from(factor))?
        };
        Ok(vec![Some(of_source), Some(of_destination)])
    };
    let saved = [&source.f_detach()?, &source_gradient];
    attach(loss, &[&source, &destination], &saved, backward).map(Some)
}

/// Whether the first half of the edges are positives, and the second half negatives of the same sources in the same order.
fn is_paired(edge_label_index: &Tensor, edge_label: &Tensor) -> Result<bool> {
    no_grad(|| {
        let sources = edge_label_index.f_get(0)?.f_contiguous()?; // [n_edges]
        let labels = edge_label.f_contiguous()?; // [n_edges]
        let (sources, labels) = (slice::<i64>(&sources)?, slice::<f32>(&labels)?);
        let half = sources.len() / 2;
        let labelled =
            labels[..half].iter().all(|label| *label == 1.0) && labels[half..].iter().all(|label| *label == 0.0);
        Ok(sources.len() == 2 * half && labelled && sources[..half] == sources[half..])
    })
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Reduction};

    use super::*;
    use crate::dot_product_scores;

    /// Always the same, and not from libtorch's generator, which all tests of this process share.
    fn embeddings() -> (Tensor, Tensor) {
        let numbers = |n: i64| {
            let counter = Tensor::arange(n * 20, (Kind::Double, Device::Cpu)) * 12.9898 + n;
            (counter.sin() * 43_758.545).frac().view([n, 20]).to_kind(Kind::Float).set_requires_grad(true)
        };
        (numbers(30), numbers(40))
    }

    fn edges(n: i64) -> Tensor {
        let users = Tensor::randint(30, [n], (Kind::Int64, Device::Cpu)).repeat([2]); // [2 n]
        Tensor::stack(&[users, Tensor::randint(40, [2 * n], (Kind::Int64, Device::Cpu))], 0)
        // [2, 2 n]
    }

    fn labels(n: i64) -> Tensor {
        let options = (Kind::Float, Device::Cpu);
        Tensor::cat(&[Tensor::ones([n], options), Tensor::zeros([n], options)], 0)
        // [2 n]
    }

    fn labelled<'a>(
        source: &'a Tensor,
        destination: &'a Tensor,
        edge_label_index: &'a Tensor,
        edge_label: &'a Tensor,
    ) -> LabelledEdges<'a> {
        LabelledEdges { source, destination, edge_label_index, edge_label, index: None }
    }

    /// Loss and gradients, of three times the loss.
    fn gradients(loss: impl Fn(&Tensor, &Tensor) -> Tensor) -> [Tensor; 3] {
        let (source, destination) = embeddings();
        let loss = loss(&source, &destination);
        (&loss * 3.0).backward();
        [loss, source.grad(), destination.grad()]
    }

    fn assert_same(fused: [Tensor; 3], plain: [Tensor; 3]) {
        for (fused, plain) in fused.iter().zip(&plain) {
            assert!(
                (fused - plain).abs().max().double_value(&[]) < 1e-5 * plain.abs().max().double_value(&[]).max(1e-3)
            );
        }
    }

    #[test]
    fn losses_and_gradients_are_those_of_libtorch() {
        let (n, edge_label_index) = (500, edges(500));
        let edge_label = labels(n);
        let by = |criterion| {
            gradients(|source, destination| {
                let edges = labelled(source, destination, &edge_label_index, &edge_label);
                edge_loss(criterion, &edges).unwrap().unwrap()
            })
        };
        let bce = gradients(|source, destination| {
            let scores = dot_product_scores(source, destination, &edge_label_index).unwrap();
            scores.binary_cross_entropy_with_logits::<Tensor>(&edge_label, None, None, Reduction::Mean)
        });
        assert_same(by(EdgeCriterion::BCEWithLogits), bce);
        let bpr = gradients(|source, destination| {
            let scores = dot_product_scores(source, destination, &edge_label_index).unwrap();
            -(scores.narrow(0, 0, n) - scores.narrow(0, n, n)).log_sigmoid().mean(Kind::Float)
        });
        assert_same(by(EdgeCriterion::BPR), bpr);
    }

    #[test]
    fn backward_twice_gives_the_same_gradients() {
        let (source, destination) = embeddings();
        let (edge_label_index, edge_label) = (edges(50), labels(50));
        let edges = labelled(&source, &destination, &edge_label_index, &edge_label);
        let loss = edge_loss(EdgeCriterion::BCEWithLogits, &edges).unwrap().unwrap();
        let run = || Tensor::run_backward(&[&loss], &[&source, &destination], true, false);
        let first: Vec<_> = run().iter().map(Tensor::copy).collect();
        assert_eq!(first, run());
    }

    #[test]
    fn unpaired_edges_have_no_fused_bpr() {
        let (source, destination) = embeddings();
        let edge_label_index = Tensor::from_slice(&[0_i64, 1, 2, 3]).view([2, 2]);
        let edge_label = labels(1);
        let edges = labelled(&source, &destination, &edge_label_index, &edge_label);
        assert!(edge_loss(EdgeCriterion::BPR, &edges).unwrap().is_none());
        assert!(edge_loss(EdgeCriterion::BCEWithLogits, &edges).unwrap().is_some());
    }

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        let (source, destination) = embeddings();
        let (edge_label_index, edge_label) = (edges(5), labels(5));
        let narrow = destination.narrow(1, 0, 7);
        let of = |destination, edge_label| {
            let edges = labelled(&source, destination, &edge_label_index, edge_label);
            edge_loss(EdgeCriterion::BCEWithLogits, &edges)
        };
        assert!(of(&narrow, &edge_label).unwrap_err().to_string().contains("one width"));
        assert!(of(&destination, &labels(4)).unwrap_err().to_string().contains("10 edges"));
        assert!(dot_product_scores(&source, &narrow, &edge_label_index).is_err());
    }
}

//! The score of an edge: the dot product of the embeddings of its ends.

use kernels::edge_scores::{edge_scores, weighted_sums};
use plugin_api::edge_index::EdgeGroups;
use tch::{Device, Kind, Tensor};

use crate::autograd::{attach, needs_grad};
use crate::edges::{csr, index_edges};
use crate::path::fused;
use crate::slices::{rows, same_width, slice, slice_mut};
use crate::{gather_rows, Result};

/// `source` f32 `[n_sources, width]`, `destination` f32 `[n_destinations, width]`, `edge_index` i64 `[2, n_edges]`; gives
/// f32 `[n_edges]`.
///
/// # Errors
/// If the shapes do not fit, or an id names no row.
pub fn dot_product_scores(source: &Tensor, destination: &Tensor, edge_index: &Tensor) -> Result<Tensor> {
    if fused(&[source, destination], edge_index.size()[1]) {
        return fused_scores(source, destination, edge_index);
    }
    let left = gather_rows(source, &edge_index.f_get(0)?)?; // [n_edges, width]
    let right = gather_rows(destination, &edge_index.f_get(1)?)?; // [n_edges, width]
    left.f_mul(&right)?.f_sum_dim_intlist([-1].as_slice(), false, None) // [n_edges]
}

fn fused_scores(source: &Tensor, destination: &Tensor, edge_index: &Tensor) -> Result<Tensor> {
    same_width(source, destination)?;
    let (source, destination) = (source.f_contiguous()?, destination.f_contiguous()?);
    let (from, to) = (edge_index.f_get(0)?.f_contiguous()?, edge_index.f_get(1)?.f_contiguous()?); // [n_edges]
    let mut scores = Tensor::f_empty([edge_index.size()[1]], (Kind::Float, Device::Cpu))?; // [n_edges]
    edge_scores(rows(&source)?, rows(&destination)?, slice(&from)?, slice(&to)?, slice_mut(&mut scores)?);
    let inputs = [&source, &destination];
    if !needs_grad(&inputs) {
        return Ok(scores);
    }
    let edge_index = edge_index.shallow_clone();
    attach(scores, &inputs, &inputs, move |saved, grad| {
        let [source, destination] = saved else { unreachable!("two tensors are saved") };
        let index = index_edges(&edge_index, source.size()[0], destination.size()[0])?;
        let grad = grad.f_contiguous()?; // [n_edges]
        let of_source = flow_back(&index.by_source, destination, &grad, source)?;
        let of_destination = flow_back(&index.by_destination, source, &grad, destination)?;
        Ok(vec![Some(of_source), Some(of_destination)])
    })
}

/// The gradient by one end, of the shape of `like`.
fn flow_back(groups: &EdgeGroups, other_end: &Tensor, grad: &Tensor, like: &Tensor) -> Result<Tensor> {
    let mut sums = Tensor::f_empty_like(&like.f_detach()?)?; // [n, width]
    let weights = slice::<f32>(grad)?;
    weighted_sums(&csr(groups)?, rows(other_end)?, weights, 1.0, slice_mut(&mut sums)?);
    Ok(sums)
}

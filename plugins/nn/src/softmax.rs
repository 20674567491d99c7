//! Softmax over the incoming edges of every node, as `torch_geometric.utils.softmax`.

use tch::Tensor;

use crate::{gather_rows, scatter_sum, Result};

/// `alpha_e = exp(s_e) / sum of exp(s_f) over the edges f with the destination of e`, per column.
///
/// `scores` `[n_edges, heads]`, `destination` i64 `[n_edges]`; the maximum is subtracted first. Gives `[n_edges, heads]`.
pub fn softmax_by_destination(scores: &Tensor, destination: &Tensor, n_destinations: i64) -> Result<Tensor> {
    let heads = scores.size()[1];
    // The maximum only keeps exp in range; the result does not depend on it, so no gradient flows through it.
    let detached = scores.f_detach()?;
    let index = destination.f_unsqueeze(1)?.f_expand([-1, heads], false)?; // [n_edges, heads]
    let lowest = Tensor::f_full([n_destinations, heads], f64::NEG_INFINITY, (scores.f_kind()?, scores.device()))?;
    let maximum = lowest.f_internal_scatter_reduce(0, &index, &detached, "amax", true)?; // [n_destinations, heads]
    let exp = scores.f_sub(&maximum.f_index_select(0, destination)?)?.f_exp()?; // [n_edges, heads]
    let sum = scatter_sum(&exp, destination, n_destinations)?; // [n_destinations, heads]
    exp.f_div(&gather_rows(&sum.f_add_scalar(1e-16)?, destination)?) // [n_edges, heads]
}

//! The propagation of LightGCN (He et al.: LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation, SIGIR
//! 2020), as `torch_geometric.nn.models.LightGCN.get_embedding` does it with `LGConv`.

use tch::{Kind, TchError, Tensor};

use crate::path::fused;
use crate::{gather_rows, scatter_sum, Edges, Result};

/// `sum over l of layer_weights[l] B^l x`, where `B x` is for every node the sum of `x_j / sqrt(degree_i degree_j)` over its neighbours,
/// along edges in both directions. Duplicate edges count each time, in the degrees as well; a node without edges keeps the share of `x`.
///
/// `x` is `[n_sources + n_destinations, width]`, sources first; so is the result. The paper's weights are all `1 / (n_layers + 1)`.
///
/// # Errors
/// If the shapes do not fit or there are no weights.
pub fn light_gcn_propagation(x: &Tensor, edges: &Edges, layer_weights: &[f64]) -> Result<Tensor> {
    let n_nodes = edges.n_sources + edges.n_destinations;
    let size = x.size();
    if size.len() != 2 || size[0] != n_nodes || layer_weights.is_empty() {
        let n_weights = layer_weights.len();
        let text = format!(
            "LightGCN takes one row for each of {n_nodes} nodes and a weight for each layer and the input, got {size:?} and {n_weights}"
        );
        return Err(TchError::Shape(text));
    }
    if fused(&[x], edges.n_edges()) {
        return fused::propagate(x, edges, layer_weights);
    }
    propagate_plain(x, edges, layer_weights)
}

/// With libtorch's operations, which store a row an edge, direction and layer.
fn propagate_plain(x: &Tensor, edges: &Edges, layer_weights: &[f64]) -> Result<Tensor> {
    let Edges { source, destination, n_sources, n_destinations, .. } = edges;
    let (to_source, to_destination) = (factors(source, *n_sources)?, factors(destination, *n_destinations)?); // [n, 1]
    let sides = [*n_sources, *n_destinations];
    let mut state = x.shallow_clone();
    let mut sum = x.f_mul_scalar(layer_weights[0])?; // [n_sources + n_destinations, width]
    for weight in &layer_weights[1..] {
        let parts = state.f_split_with_sizes(sides, 0)?;
        let x_source = parts[0].f_mul(&to_source)?; // [n_sources, width]
        let x_destination = parts[1].f_mul(&to_destination)?; // [n_destinations, width]
        let of_source = scatter_sum(&gather_rows(&x_destination, destination)?, source, *n_sources)?;
        let of_destination = scatter_sum(&gather_rows(&x_source, source)?, destination, *n_destinations)?;
        state = Tensor::f_cat(&[of_source.f_mul(&to_source)?, of_destination.f_mul(&to_destination)?], 0)?;
        sum = sum.f_add(&state.f_mul_scalar(*weight)?)?;
    }
    Ok(sum)
}

/// `1 / sqrt(degree)`, `[n, 1]`; 0 for a node without edges.
fn factors(ends: &Tensor, n: i64) -> Result<Tensor> {
    let degrees = ends.f_bincount::<Tensor>(None, n)?.f_to_kind(Kind::Float)?; // [n]
    let isolated = degrees.f_eq(0.0)?; // [n]
    degrees.f_rsqrt()?.f_masked_fill(&isolated, 0.0)?.f_unsqueeze(1)
}

mod fused;

#[cfg(test)]
mod tests;

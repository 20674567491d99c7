//! The score of an edge: the dot product of the embeddings of its ends.

use tch::Tensor;

use crate::{gather_rows, Result};

/// `source` f32 `[n_sources, width]`, `destination` f32 `[n_destinations, width]`, `edge_index` i64 `[2, n_edges]`; gives
/// f32 `[n_edges]`.
pub fn dot_product_scores(source: &Tensor, destination: &Tensor, edge_index: &Tensor) -> Result<Tensor> {
    let left = gather_rows(source, &edge_index.f_get(0)?)?; // [n_edges, width]
    let right = gather_rows(destination, &edge_index.f_get(1)?)?; // [n_edges, width]
    left.f_mul(&right)?.f_sum_dim_intlist([-1].as_slice(), false, None) // [n_edges]
}

//! [`Edges`]: the bipartite edges that a convolution runs over. Layers take this and not a bare tensor, so that an index built
//! once (CSR grouped by destination) can join it without a change to any layer's interface.

use tch::Tensor;

use crate::Result;

/// Edges from `n_sources` nodes to `n_destinations` nodes. Duplicates and nodes without edges are allowed.
#[derive(Debug)]
pub struct Edges {
    /// i64 `[n_edges]`.
    pub source: Tensor,
    /// i64 `[n_edges]`.
    pub destination: Tensor,
    pub n_sources: i64,
    pub n_destinations: i64,
}

impl Edges {
    /// From `edge_index`, i64 `[2, n_edges]`, row 0 source, row 1 destination.
    ///
    /// # Errors
    /// If it has no two rows.
    pub fn new(edge_index: &Tensor, n_sources: i64, n_destinations: i64) -> Result<Self> {
        let source = edge_index.f_get(0)?; // [n_edges]
        let destination = edge_index.f_get(1)?; // [n_edges]
        Ok(Self { source, destination, n_sources, n_destinations })
    }
}

//! [`Edges`]: the bipartite edges that a convolution runs over, with their index for the fused kernels.

use kernels::csr::{group, Csr, CsrBuffers};
use plugin_api::edge_index::{EdgeGroups, EdgeIndex};
use plugin_api::graph::EdgeStore;
use tch::{TchError, Tensor};

use crate::slices::slice;
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
    index: Option<EdgeIndex>,
}

impl Edges {
    /// From `edge_index`, i64 `[2, n_edges]`, row 0 source, row 1 destination.
    ///
    /// # Errors
    /// If it has no two rows.
    pub fn new(edge_index: &Tensor, n_sources: i64, n_destinations: i64) -> Result<Self> {
        let source = edge_index.f_get(0)?; // [n_edges]
        let destination = edge_index.f_get(1)?; // [n_edges]
        Ok(Self { source, destination, n_sources, n_destinations, index: None })
    }

    /// The edges of a graph, with the index that the host made for them.
    ///
    /// # Errors
    /// If `edge_index` has no two rows.
    pub fn of(store: &EdgeStore, n_sources: i64, n_destinations: i64) -> Result<Self> {
        let index = store.index.as_ref().map(EdgeIndex::share);
        Ok(Self { index, ..Self::new(&store.edge_index, n_sources, n_destinations)? })
    }

    pub fn n_edges(&self) -> i64 {
        self.source.size()[0]
    }

    /// The index of the edges; built here where the graph brought none, which costs a fraction of a layer.
    ///
    /// # Errors
    /// If an id lies outside its nodes, or an index that was brought does not belong to as many edges and nodes.
    pub fn index(&self) -> Result<EdgeIndex> {
        match &self.index {
            Some(index) => {
                self.check(&index.by_source, self.n_sources)?;
                self.check(&index.by_destination, self.n_destinations)?;
                Ok(index.share())
            }
            None => index_ends(&self.source, &self.destination, self.n_sources, self.n_destinations),
        }
    }

    fn check(&self, groups: &EdgeGroups, n_nodes: i64) -> Result<()> {
        let (n_offsets, n_edges) = (groups.offsets.size(), groups.edges.size());
        if n_offsets == [n_nodes + 1] && n_edges == [self.n_edges()] {
            return Ok(());
        }
        let text = format!(
            "the index of the edges has {n_offsets:?} offsets and {n_edges:?} edges; there are {n_nodes} nodes and {} edges",
            self.n_edges()
        );
        Err(TchError::Shape(text))
    }
}

/// Groups edges, i64 `[2, n_edges]` on the CPU, by both ends; in parallel, linear in edges and nodes.
///
/// # Errors
/// If an id lies outside its nodes, or there are 2^31 edges or nodes.
pub fn index_edges(edge_index: &Tensor, n_sources: i64, n_destinations: i64) -> Result<EdgeIndex> {
    index_ends(&edge_index.f_get(0)?, &edge_index.f_get(1)?, n_sources, n_destinations)
}

fn index_ends(source: &Tensor, destination: &Tensor, n_sources: i64, n_destinations: i64) -> Result<EdgeIndex> {
    let (source, destination) = (source.f_contiguous()?, destination.f_contiguous()?);
    let (sources, destinations) = (slice(&source)?, slice(&destination)?);
    let (n_sources, n_destinations) = (n_sources as usize, n_destinations as usize);
    Ok(EdgeIndex {
        by_source: groups(sources, destinations, n_sources, n_destinations)?,
        by_destination: groups(destinations, sources, n_destinations, n_sources)?,
    })
}

fn groups(keys: &[i64], others: &[i64], n_rows: usize, n_others: usize) -> Result<EdgeGroups> {
    let buffers = group(keys, others, n_rows, n_others).map_err(|error| TchError::Shape(error.to_string()))?;
    let CsrBuffers { offsets, neighbours, edges } = buffers;
    Ok(EdgeGroups {
        offsets: Tensor::f_from_slice(&offsets)?,       // [n_rows + 1]
        neighbours: Tensor::f_from_slice(&neighbours)?, // [n_edges]
        edges: Tensor::f_from_slice(&edges)?,           // [n_edges]
    })
}

/// As the kernels take it.
///
/// # Errors
/// If the tensors are not on the CPU, or the offsets are damaged.
pub(crate) fn csr(groups: &EdgeGroups) -> Result<Csr<'_>> {
    let csr = Csr::new(slice(&groups.offsets)?, slice(&groups.neighbours)?, slice(&groups.edges)?);
    csr.map_err(|error| TchError::Shape(error.to_string()))
}

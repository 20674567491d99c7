//! [`EdgeIndex`]: edges grouped by their ends, made once and used by every epoch and plugin.

use tch::{Device, Tensor};

use crate::error::Result;
use crate::record::Record;

/// The edges of one type in compressed sparse rows, by either end. The host makes it for every edge type of a CPU graph; the fused
/// kernels of `nn` read it.
#[derive(Debug)]
pub struct EdgeIndex {
    /// A row for each source node, its neighbours are destinations.
    pub by_source: EdgeGroups,
    /// A row for each destination node, its neighbours are sources.
    pub by_destination: EdgeGroups,
}

/// Edges grouped by one end; within a group in the order of `edge_index`.
#[derive(Debug)]
pub struct EdgeGroups {
    /// i64 `[n_nodes + 1]`: the group of node `i` is `offsets[i]..offsets[i + 1]` of the others.
    pub offsets: Tensor,
    /// i32 `[n_edges]`: the other end.
    pub neighbours: Tensor,
    /// i32 `[n_edges]`: the column of `edge_index`.
    pub edges: Tensor,
}

impl EdgeIndex {
    /// A second reference to the same tensors.
    pub fn share(&self) -> Self {
        Self { by_source: self.by_source.share(), by_destination: self.by_destination.share() }
    }

    /// The index of the same edges with their ends exchanged; shares the tensors.
    pub fn reversed(&self) -> Self {
        Self { by_source: self.by_destination.share(), by_destination: self.by_source.share() }
    }

    pub(crate) fn to_device(&self, device: Device) -> Result<Self> {
        Ok(Self {
            by_source: self.by_source.to_device(device)?,
            by_destination: self.by_destination.to_device(device)?,
        })
    }

    /// Names begin with `edge_`, as everything does that is no attribute of the edges.
    pub(crate) fn write(&self, record: &mut Record, stem: &str) {
        self.by_source.write(record, &format!("{stem}edge_csr.by_source"));
        self.by_destination.write(record, &format!("{stem}edge_csr.by_destination"));
    }

    /// `None` if the record has none.
    pub(crate) fn read(record: &Record, stem: &str) -> Option<Self> {
        Some(Self {
            by_source: EdgeGroups::read(record, &format!("{stem}edge_csr.by_source"))?,
            by_destination: EdgeGroups::read(record, &format!("{stem}edge_csr.by_destination"))?,
        })
    }
}

impl EdgeGroups {
    /// A second reference to the same tensors.
    pub fn share(&self) -> Self {
        let Self { offsets, neighbours, edges } = self;
        let [offsets, neighbours, edges] = [offsets, neighbours, edges].map(Tensor::shallow_clone);
        Self { offsets, neighbours, edges }
    }

    fn to_device(&self, device: Device) -> Result<Self> {
        Ok(Self {
            offsets: self.offsets.f_to_device(device)?,
            neighbours: self.neighbours.f_to_device(device)?,
            edges: self.edges.f_to_device(device)?,
        })
    }

    fn write(&self, record: &mut Record, name: &str) {
        record.set_tensor(format!("{name}.offsets"), &self.offsets);
        record.set_tensor(format!("{name}.neighbours"), &self.neighbours);
        record.set_tensor(format!("{name}.edges"), &self.edges);
    }

    fn read(record: &Record, name: &str) -> Option<Self> {
        Some(Self {
            offsets: record.optional_tensor(&format!("{name}.offsets"))?,
            neighbours: record.optional_tensor(&format!("{name}.neighbours"))?,
            edges: record.optional_tensor(&format!("{name}.edges"))?,
        })
    }
}

//! What training on the real data will take, from what a batch took.

use std::collections::BTreeMap;

use plugin_api::dataset::LinkSplits;
use serde::Serialize;
use tch::Tensor;

/// Resident set of this process, now and at its largest since [`forget_peak`].
#[derive(Debug, Clone, Copy)]
pub struct Resident {
    pub now: u64,
    pub peak: u64,
}

impl Resident {
    pub fn read() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|text| text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).map_or(0, |n| n * 1024)
        };
        Self { now: bytes("VmRSS:"), peak: bytes("VmHWM:") }
    }
}

/// The peak is that of what comes from here on.
pub fn forget_peak() {
    if let Err(error) = std::fs::write("/proc/self/clear_refs", "5") {
        log::debug!("the peak of memory is that of the whole process: {error}");
    }
}

/// Bytes, in the order in which they come about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// The program, libtorch and the plugins before any data.
    pub program: u64,
    /// Edges, labels and their indices.
    pub data: u64,
    /// Features of nodes.
    pub features: u64,
    pub weights: u64,
    pub gradients: u64,
    /// Adam's two moments of every trainable weight.
    pub moments: u64,
    /// The best weights so far, kept beside.
    pub best: u64,
    /// What forward, loss, backward and evaluation held at their peak beyond all that; not measured on CUDA.
    pub activations: Option<u64>,
}

impl Estimate {
    pub fn total(&self) -> u64 {
        let Self { program, data, features, weights, gradients, moments, best, activations } = self;
        program + data + features + weights + gradients + moments + best + activations.unwrap_or(0)
    }

    /// What each part is called, and its bytes.
    pub fn rows(&self) -> [(&'static str, Option<u64>); 8] {
        [
            ("program, libtorch, plugins", Some(self.program)),
            ("edges, labels, indices", Some(self.data)),
            ("features", Some(self.features)),
            ("weights", Some(self.weights)),
            ("gradients", Some(self.gradients)),
            ("Adam's moments", Some(self.moments)),
            ("best weights so far", Some(self.best)),
            ("activations at their peak", self.activations),
        ]
    }
}

/// Bytes of edges, labels and indices, and of features; tensors that splits share count once.
pub fn of_splits(splits: &LinkSplits) -> (u64, u64) {
    let (mut edges, mut features) = (BTreeMap::new(), BTreeMap::new());
    let keep = |kept: &mut BTreeMap<usize, u64>, tensor: &Tensor| {
        kept.insert(tensor.data_ptr() as usize, bytes(tensor));
    };
    for (_, split) in splits.named() {
        let record = {
            let mut record = plugin_api::record::Record::default();
            split.graph.write_edges(&mut record, "");
            record
        };
        record.tensors.values().for_each(|tensor| keep(&mut edges, tensor));
        [&split.edge_label_index, &split.edge_label].into_iter().for_each(|tensor| keep(&mut edges, tensor));
        split.graph.nodes.iter().filter_map(|node| node.x.as_ref()).for_each(|x| keep(&mut features, x));
    }
    (edges.values().sum(), features.values().sum())
}

pub fn bytes(tensor: &Tensor) -> u64 {
    (tensor.numel() * tensor.f_kind().map_or(4, |kind| kind.elt_size_in_bytes())) as u64
}

/// Bytes as people read them.
pub fn shown(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    match mebibytes {
        small if small < 0.1 => format!("{bytes} B"),
        large if large >= 1024.0 => format!("{:.1} GiB", large / 1024.0),
        _ => format!("{mebibytes:.1} MiB"),
    }
}

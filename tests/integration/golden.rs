//! The models against the fixtures made with PyTorch Geometric: embeddings of the given weights, curves of training.
//!
//! Every number comes from the fixtures. The layer by itself, its gradients and the metrics are tested where they are
//! defined, in `plugins/nn` and `plugins/evaluators`; PyG itself, where there is one, in [`pyg`].

mod light_gcn;
mod pyg;

use std::collections::BTreeMap;
use std::path::PathBuf;

use host::artifacts::weights;
use host::experiment::{config_of_run, Restored};
use plugin_api::model::Mode;
use serde_json::Value;
use tch::Tensor;

use crate::support::{golden_dir, plugin_dir, workspace, Sandbox};

/// Epoch by epoch, absolute.
const CURVE_TOLERANCE: f64 = 1e-4;
/// Relative to the largest absolute value.
const EMBEDDING_TOLERANCE: f64 = 1e-4;

/// A model with its fixtures `NAME.init.safetensors`, `NAME.embeddings.safetensors` and `NAME.curve.json`.
struct Golden {
    name: &'static str,
    config: &'static str,
}

const GAT: Golden = Golden { name: "gat", config: "configs/config_gat.yaml" };
const TWO_TOWER: Golden = Golden { name: "two_tower", config: "configs/config.yaml" };

impl Golden {
    fn file(&self, suffix: &str) -> String {
        fixture(&format!("{}.{suffix}", self.name)).to_str().unwrap().to_owned()
    }

    fn curve(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.file("curve.json")).unwrap()).unwrap()
    }

    /// Trains on the fixtures' graph with the curve's model and optimiser, from these weights.
    fn train(&self, sandbox: &Sandbox, init_from: &str, num_epochs: usize) -> String {
        let curve = self.curve();
        assert_eq!(curve["optimizer"], "adam", "the trainers know Adam only");
        let mut arguments = vec![
            self.config.to_owned(),
            "data=graph_file".to_owned(),
            format!("data.params.path={}", graph().display()),
            format!("loss={}", curve["loss"].as_str().unwrap()),
            format!("model.init_from={init_from}"),
            format!("trainer.params.learning_rate={}", curve["learning_rate"]),
            format!("++trainer.params.weight_decay={}", curve["weight_decay"]),
            format!("trainer.params.num_epochs={num_epochs}"),
        ];
        let params = curve["params"].as_object().unwrap();
        arguments.extend(params.iter().map(|(name, value)| format!("++model.params.{name}={value}")));
        sandbox.train(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

fn graph() -> PathBuf {
    fixture("graph.safetensors")
}

/// A folder given relative is meant from the checkout, not from the sandbox.
fn fixture(name: &str) -> PathBuf {
    workspace().join(golden_dir()).join(name)
}

/// A run's embeddings on its train graph: its weights, in its plugin, through the host's library.
fn embeddings(sandbox: &Sandbox, run: &str) -> BTreeMap<String, Tensor> {
    let run = sandbox.path(run);
    let config = config_of_run(&run, Vec::new()).unwrap();
    let restored = Restored::open(&run, &config, &[plugin_dir().to_owned()]).unwrap();
    let embeddings = tch::no_grad(|| restored.model.encode(&restored.data.splits.train.graph, Mode::Eval));
    embeddings.unwrap_or_else(|error| panic!("{error}")).by_type
}

#[track_caller]
fn assert_close(name: &str, ours: &Tensor, expected: &Tensor) {
    assert_eq!(ours.size(), expected.size(), "{name}");
    let largest = expected.abs().max().double_value(&[]);
    let off = (ours - expected).abs().max().double_value(&[]) / largest;
    // Not `>`: a NaN must fail.
    assert!(off <= EMBEDDING_TOLERANCE, "{name}: off by {off:e} of the largest value, {largest}");
}

/// By the fused kernels and by libtorch's operations.
const KERNELS: [&str; 2] = ["fused", "plain"];

fn curve_is_that_of_pyg(golden: &Golden) {
    let curve = golden.curve();
    let num_epochs = curve["train_loss"].as_array().unwrap().len();
    for kernels in KERNELS {
        let sandbox = Sandbox::new().with_kernels(kernels);
        let run = golden.train(&sandbox, &golden.file("init.safetensors"), num_epochs);
        let epochs = sandbox.metrics(&run);
        assert_eq!(epochs.len(), num_epochs);
        for (index, epoch) in epochs.iter().enumerate() {
            assert_eq!(epoch["epoch"], index + 1);
            for loss in ["train_loss", "val_loss"] {
                let (ours, expected) = (epoch[loss].as_f64().unwrap(), curve[loss][index].as_f64().unwrap());
                let off = (ours - expected).abs();
                assert!(off <= CURVE_TOLERANCE, "{kernels}, epoch {}: {loss} {ours}, expected {expected}", index + 1);
            }
        }
    }
}

/// In this process, so by the fused kernels; the layer alone is tested on both paths in `plugins/nn`.
fn embeddings_are_those_of_pyg(golden: &Golden) {
    let sandbox = Sandbox::new();
    let run = golden.train(&sandbox, &golden.file("init.safetensors"), 0);
    let ours = embeddings(&sandbox, &run);
    let expected = weights::read(golden.file("embeddings.safetensors").as_ref()).unwrap();
    assert_eq!(ours.len(), expected.len());
    for (node_type, expected) in &expected {
        assert_close(node_type, &ours[node_type], expected);
    }
}

#[test]
fn gat_embeddings() {
    embeddings_are_those_of_pyg(&GAT);
}

#[test]
fn two_tower_embeddings() {
    embeddings_are_those_of_pyg(&TWO_TOWER);
}

#[test]
fn gat_curve() {
    curve_is_that_of_pyg(&GAT);
}

#[test]
fn two_tower_curve() {
    curve_is_that_of_pyg(&TWO_TOWER);
}

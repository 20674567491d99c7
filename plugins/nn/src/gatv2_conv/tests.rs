//! Against PyG: forward values and all gradients of the golden fixtures (see tests/golden/README.md for the tolerance).

use std::collections::HashMap;
use std::path::PathBuf;

use tch::{nn, no_grad, Device, Tensor};

use super::{GATv2Conv, GATv2Options};
use crate::Edges;

/// Relative to the largest absolute value of the tensor.
const TOLERANCE: f64 = 1e-4;

fn golden_dir() -> PathBuf {
    std::env::var_os("RECSYS_GOLDEN_DIR")
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden").into(), PathBuf::from)
}

fn assert_close(name: &str, ours: &Tensor, golden: &Tensor) {
    assert_eq!(ours.size(), golden.size(), "{name}: shape");
    let scale = golden.abs().max().double_value(&[]).max(1e-12);
    let difference = (ours - golden).abs().max().double_value(&[]) / scale;
    assert!(difference <= TOLERANCE, "{name}: differs by {difference:e} of its largest value");
}

struct Fixture {
    tensors: HashMap<String, Tensor>,
    metadata: HashMap<String, String>,
}

impl Fixture {
    fn read(path: &std::path::Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = header.metadata().clone().unwrap_or_default();
        let tensors = Tensor::read_safetensors(path).unwrap().into_iter().collect();
        Self { tensors, metadata }
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> T {
        self.metadata[name].parse().ok().unwrap()
    }

    /// The layer with the fixture's weights.
    fn layer(&self, variables: &nn::VarStore) -> GATv2Conv {
        let width = |name: &str| self.tensors[name].size()[1];
        let options = GATv2Options {
            out_channels: self.number("out_channels"),
            heads: self.number("heads"),
            concat: self.number("concat"),
            negative_slope: self.number("negative_slope"),
            dropout: 0.0,
            share_weights: self.number("share_weights"),
        };
        let layer = GATv2Conv::new(&variables.root(), (width("x_src"), width("x_dst")), options).unwrap();
        for (name, mut variable) in variables.variables() {
            no_grad(|| variable.copy_(&self.tensors[&name]));
        }
        layer
    }
}

fn check(path: &std::path::Path) {
    let fixture = Fixture::read(path);
    let variables = nn::VarStore::new(Device::Cpu);
    let layer = fixture.layer(&variables);
    let x_src = fixture.tensors["x_src"].set_requires_grad(true);
    let x_dst = fixture.tensors["x_dst"].set_requires_grad(true);
    let edges = Edges::new(&fixture.tensors["edge_index"], x_src.size()[0], x_dst.size()[0]).unwrap();
    let out = layer.forward(&x_src, &x_dst, &edges, true).unwrap();
    let name = path.file_stem().unwrap().to_string_lossy();
    assert_close(&format!("{name}: out"), &out, &fixture.tensors["out"]);
    (out * &fixture.tensors["grad_out"]).sum(tch::Kind::Float).backward();
    let mut inputs = variables.variables();
    inputs.insert("x_src".into(), x_src);
    inputs.insert("x_dst".into(), x_dst);
    let golden = fixture.tensors.iter().filter_map(|(name, value)| Some((name.strip_prefix("grad.")?, value)));
    for (input, golden) in golden {
        // PyG lists the shared projection under both names and accumulates into one.
        let Some(input_tensor) = inputs.get(input) else { panic!("{name}: no weight `{input}`") };
        assert_close(&format!("{name}: grad.{input}"), &input_tensor.grad(), golden);
    }
}

#[test]
fn forward_and_gradients_are_those_of_pyg() {
    let fixtures = std::fs::read_dir(golden_dir()).unwrap().map(|entry| entry.unwrap().path());
    let fixtures: Vec<_> =
        fixtures.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("gatv2_")).collect();
    assert!(fixtures.len() >= 6, "only {} fixtures", fixtures.len());
    fixtures.iter().for_each(|path| check(path));
}

#[test]
fn no_edges_and_shared_weights() {
    let variables = nn::VarStore::new(Device::Cpu);
    let options = GATv2Options {
        out_channels: 3,
        heads: 2,
        concat: true,
        negative_slope: 0.2,
        dropout: 0.0,
        share_weights: true,
    };
    let layer = GATv2Conv::new(&variables.root(), (4, 4), options).unwrap();
    let x = Tensor::ones([5, 4], (tch::Kind::Float, Device::Cpu));
    let no_edges = Edges::new(&Tensor::zeros([2, 0], (tch::Kind::Int64, Device::Cpu)), 5, 5).unwrap();
    let out = layer.forward(&x, &x, &no_edges, true).unwrap();
    assert_eq!(out.abs().sum(tch::Kind::Float).double_value(&[]), 0.0, "only the bias, which starts at 0");
    let names: std::collections::BTreeSet<_> = variables.variables().into_keys().collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["att", "bias", "lin_l.bias", "lin_l.weight"]);
}

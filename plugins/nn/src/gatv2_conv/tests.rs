//! Against PyG: forward values and all gradients of the golden fixtures (see tests/golden/README.md for the tolerance).

use std::collections::HashMap;
use std::path::PathBuf;

use proptest::prelude::*;
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

type Attend = fn(&GATv2Conv, &Tensor, &Tensor, &Edges, bool) -> crate::Result<Tensor>;

/// As the layer chooses on the CPU, and with libtorch's operations.
const PATHS: [(&str, Attend); 2] = [("fused", GATv2Conv::attend), ("plain", GATv2Conv::attend_plain)];

fn forward(layer: &GATv2Conv, attend: Attend, ends: (&Tensor, &Tensor), edges: &Edges, train: bool) -> Tensor {
    let (x_l, x_r) = layer.project(ends.0, ends.1).unwrap();
    attend(layer, &x_l, &x_r, edges, train).unwrap()
}

fn check(path: &std::path::Path, (path_name, attend): (&str, Attend)) {
    let fixture = Fixture::read(path);
    let variables = nn::VarStore::new(Device::Cpu);
    let layer = fixture.layer(&variables);
    let x_src = fixture.tensors["x_src"].set_requires_grad(true);
    let x_dst = fixture.tensors["x_dst"].set_requires_grad(true);
    let edges = Edges::new(&fixture.tensors["edge_index"], x_src.size()[0], x_dst.size()[0]).unwrap();
    let out = forward(&layer, attend, (&x_src, &x_dst), &edges, true);
    let name = format!("{}, {path_name}", path.file_stem().unwrap().to_string_lossy());
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
    fixtures.iter().for_each(|fixture| PATHS.into_iter().for_each(|path| check(fixture, path)));
}

/// Out, and the gradients of both inputs and all weights, of a layer on random numbers, computed in `kind`.
fn results(
    (attend, kind): (Attend, tch::Kind),
    options: GATv2Options,
    n: (i64, i64),
    edges: &[(i64, i64)],
) -> Vec<(String, Tensor)> {
    let (sources, destinations): (Vec<i64>, Vec<i64>) = edges.iter().copied().unzip();
    let edge_index = Tensor::stack(&[Tensor::from_slice(&sources), Tensor::from_slice(&destinations)], 0); // [2, n_edges]
                                                                                                           // Not from libtorch's generator, which all tests of this process share.
    let numbers = |size: &[i64], seed: f64| {
        let n: i64 = size.iter().product();
        let counter = Tensor::arange(n, (tch::Kind::Double, Device::Cpu)) * 12.9898 + seed;
        (counter.sin() * 43_758.545).frac().view(size).to_kind(tch::Kind::Float).to_kind(kind)
    };
    let mut variables = nn::VarStore::new(Device::Cpu);
    let layer = GATv2Conv::new(&variables.root(), (6, 6), options).unwrap();
    variables.set_kind(kind);
    for (name, mut variable) in variables.variables() {
        no_grad(|| variable.copy_(&numbers(&variable.size(), name.len() as f64)));
    }
    let (x_source, x_destination) = (numbers(&[n.0, 6], 0.1), numbers(&[n.1, 6], 0.7));
    let (x_source, x_destination) = (x_source.set_requires_grad(true), x_destination.set_requires_grad(true));
    let edges = Edges::new(&edge_index, n.0, n.1).unwrap();
    let out = forward(&layer, attend, (&x_source, &x_destination), &edges, true);
    (out.sin() * &out).sum(kind).backward();
    let mut inputs: Vec<_> = variables.variables().into_iter().collect();
    inputs.sort_by(|one, other| one.0.cmp(&other.0));
    inputs.extend([("x_source".to_owned(), x_source), ("x_destination".to_owned(), x_destination)]);
    let gradients = inputs.into_iter().map(|(name, input)| (name, input.grad()));
    [("out".to_owned(), out)].into_iter().chain(gradients).collect()
}

fn options(heads: i64, out_channels: i64, concat: bool, share_weights: bool) -> GATv2Options {
    GATv2Options { out_channels, heads, concat, negative_slope: 0.2, dropout: 0.0, share_weights }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_fused_path_is_the_plain_one(
        edges in prop::collection::vec((0_i64..12, 0_i64..9), 0..200),
        hub in 0_usize..300,
        heads in 1_i64..4,
        channels in 1_i64..36,
        concat in any::<bool>(),
        shared in any::<bool>(),
    ) {
        let edges: Vec<_> = edges.into_iter().chain((0..hub as i64).map(|edge| (edge % 12, 0))).collect();
        let by = |path| results(path, options(heads, channels, concat, shared), (12, 9), &edges);
        let plain = by((GATv2Conv::attend_plain, tch::Kind::Float));
        for (at, (name, fused)) in by((GATv2Conv::attend, tch::Kind::Float)).into_iter().enumerate() {
            let off = |other: &Tensor| {
                let scale = other.abs().max().double_value(&[]).max(0.1);
                (&fused - other).abs().max().double_value(&[]) / scale
            };
            // Where nothing flows, as without edges, autograd leaves the gradient out.
            if !plain[at].1.defined() && !fused.defined() {
                continue;
            }
            let mut difference = off(&plain[at].1);
            if difference >= TOLERANCE {
                // Where the gradients of a softmax cancel, the plain path may be the one that is off (seen: by 1.1e-5, fused by 1.9e-6).
                difference = off(&by((GATv2Conv::attend_plain, tch::Kind::Double))[at].1);
            }
            prop_assert!(difference < TOLERANCE, "{name} differs by {difference:e}");
        }
    }
}

#[test]
fn a_second_derivative_and_a_changed_input_are_refused() {
    let run = |change: bool| {
        let x = Tensor::ones([2, 6], (tch::Kind::Float, Device::Cpu)).set_requires_grad(true);
        let x_l = &x * 2.0; // [2, 6]
        let att = Tensor::ones([1, 2, 3], (tch::Kind::Float, Device::Cpu));
        let edges = Edges::new(&Tensor::from_slice(&[0_i64, 1, 1, 0]).view([2, 2]), 2, 2).unwrap();
        let mut out = super::fused::attend([&x_l, &x_l, &att], None, &edges, 0.2, 0.0).unwrap();
        if change {
            out = out.relu_();
        }
        let outputs = [out.sum(tch::Kind::Float)];
        Tensor::f_run_backward(&outputs, &[&x], true, !change).unwrap_err().to_string()
    };
    assert!(run(false).contains("a fused kernel has no second derivative"), "{}", run(false));
    assert!(run(true).contains("modified by an inplace operation"), "{}", run(true));
}

#[test]
fn projections_that_do_not_fit_are_an_error() {
    let ones = |size: &[i64]| Tensor::ones(size, (tch::Kind::Float, Device::Cpu));
    let edges = Edges::new(&Tensor::from_slice(&[0_i64, 1, 1, 0]).view([2, 2]), 2, 2).unwrap();
    for (x_l, x_r, att) in [([2, 6], [2, 5], [1, 2, 3]), ([2, 6], [2, 6], [1, 2, 2])] {
        super::fused::attend([&ones(&x_l), &ones(&x_r), &ones(&att)], None, &edges, 0.2, 0.0).unwrap_err();
    }
}

#[test]
fn an_index_that_belongs_elsewhere_is_an_error() {
    let variables = nn::VarStore::new(Device::Cpu);
    let layer = GATv2Conv::new(&variables.root(), (4, 4), options(2, 3, true, false)).unwrap();
    let x = Tensor::ones([5, 4], (tch::Kind::Float, Device::Cpu));
    let edge_index = Tensor::from_slice(&[0_i64, 1, 1, 0]).view([2, 2]);
    let rates = plugin_api::graph::EdgeType::new("user", "rates", "movie");
    let mut store = plugin_api::graph::EdgeStore::new(rates, edge_index.shallow_clone(), Vec::new());
    store.index = Some(crate::index_edges(&edge_index, 2, 2).unwrap());
    let edges = Edges::of(&store, 5, 5).unwrap();
    assert!(layer.forward(&x, &x, &edges, true).unwrap_err().to_string().contains("the index of the edges has"));
    let outside = Edges::new(&edge_index, 5, 1).unwrap();
    assert!(layer.forward(&x, &x.narrow(0, 0, 1), &outside, true).is_err());
}

#[test]
fn no_edges_and_shared_weights() {
    let variables = nn::VarStore::new(Device::Cpu);
    let layer = GATv2Conv::new(&variables.root(), (4, 4), options(2, 3, true, true)).unwrap();
    let x = Tensor::ones([5, 4], (tch::Kind::Float, Device::Cpu));
    let no_edges = Edges::new(&Tensor::zeros([2, 0], (tch::Kind::Int64, Device::Cpu)), 5, 5).unwrap();
    let out = layer.forward(&x, &x, &no_edges, true).unwrap();
    assert_eq!(out.abs().sum(tch::Kind::Float).double_value(&[]), 0.0, "only the layer's own bias, which starts at 0");
    let names: std::collections::BTreeSet<_> = variables.variables().into_keys().collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["att", "bias", "lin_l.bias", "lin_l.weight"]);
}

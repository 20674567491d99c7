//! Against PyG's golden fixture, and the fused path against the plain one with its gradients.

use std::collections::HashMap;
use std::path::PathBuf;

use proptest::prelude::*;
use tch::{Device, Kind, Tensor};

use super::{light_gcn_propagation, propagate_plain};
use crate::Edges;

type Propagate = fn(&Tensor, &Edges, &[f64]) -> crate::Result<Tensor>;

/// As the operator chooses on the CPU, and with libtorch's operations.
const PATHS: [(&str, Propagate); 2] = [("fused", light_gcn_propagation), ("plain", propagate_plain)];

/// Relative to the largest absolute value of the tensor.
const TOLERANCE: f64 = 1e-4;

fn difference(ours: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(ours.size(), expected.size());
    if expected.numel() == 0 {
        return 0.0;
    }
    (ours - expected).abs().max().double_value(&[]) / expected.abs().max().double_value(&[]).max(1e-12)
}

#[test]
fn embeddings_are_those_of_pyg() {
    let dir = std::env::var_os("RECSYS_GOLDEN_DIR")
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden").into(), PathBuf::from);
    let path = dir.join("lightgcn.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let n_layers: usize = header.metadata().as_ref().unwrap()["num_layers"].parse().unwrap();
    let tensors: HashMap<String, Tensor> = Tensor::read_safetensors(&path).unwrap().into_iter().collect();
    let [user, movie, x_user, x_movie] = ["user", "movie", "user.x", "movie.x"].map(|name| &tensors[name]);
    let x = Tensor::cat(&[x_user, x_movie], 0); // [n_users + n_movies, width]
    let edges = Edges::new(&tensors["edge_index"], x_user.size()[0], x_movie.size()[0]).unwrap();
    for (name, propagate) in PATHS {
        let out = propagate(&x, &edges, &vec![1.0 / (n_layers + 1) as f64; n_layers + 1]).unwrap();
        let off = difference(&out, &Tensor::cat(&[user, movie], 0));
        assert!(off <= TOLERANCE, "{name}: differs by {off:e} of the largest value");
    }
}

fn edge_index(edges: &[(i64, i64)]) -> Tensor {
    let (sources, destinations): (Vec<i64>, Vec<i64>) = edges.iter().copied().unzip();
    Tensor::stack(&[Tensor::from_slice(&sources), Tensor::from_slice(&destinations)], 0)
    // [2, n_edges]
}

/// Out and the gradient of the input.
fn results(propagate: Propagate, n: (i64, i64), edges: &[(i64, i64)], width: i64, weights: &[f64]) -> [Tensor; 2] {
    // Not libtorch's generator, which is one for all tests that run meanwhile.
    let numbers = Tensor::arange((n.0 + n.1) * width, (Kind::Float, Device::Cpu));
    let x = (numbers * 7.31).sin().view([n.0 + n.1, width]).set_requires_grad(true); // [n_nodes, width]
    let edges = Edges::new(&edge_index(edges), n.0, n.1).unwrap();
    let out = propagate(&x, &edges, weights).unwrap();
    (out.sin() * &out).sum(Kind::Float).backward();
    [out, x.grad()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_fused_path_is_the_plain_one(
        edges in prop::collection::vec((0_i64..12, 0_i64..9), 0..200),
        hub in 0_i64..800,
        width in 1_i64..70,
        weights in prop::collection::vec(-1.0..1.0, 1..6),
    ) {
        let edges: Vec<_> = edges.into_iter().chain((0..hub).map(|edge| (edge % 12, 0))).collect();
        let by = |propagate| results(propagate, (14, 10), &edges, width, &weights);
        for (fused, plain) in by(light_gcn_propagation).iter().zip(&by(propagate_plain)) {
            prop_assert!(difference(fused, plain) < TOLERANCE);
        }
    }
}

#[test]
fn without_edges_and_without_gradients() {
    let none: &[(i64, i64)] = &[];
    let x = Tensor::ones([5, 3], (Kind::Float, Device::Cpu));
    let edges = Edges::new(&edge_index(none), 3, 2).unwrap();
    for (name, propagate) in PATHS {
        let out = propagate(&x, &edges, &[0.5, 0.5]).unwrap();
        assert!(!out.requires_grad(), "{name}");
        assert_eq!(difference(&out, &(&x * 0.5)), 0.0, "{name}: the layer without edges adds nothing");
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let edges = Edges::new(&edge_index(&[(0, 1), (2, 0)]), 3, 2).unwrap();
    let ones = |shape: &[i64]| Tensor::ones(shape, (Kind::Float, Device::Cpu));
    for (x, weights) in [(ones(&[4, 3]), &[1.0][..]), (ones(&[5]), &[1.0]), (ones(&[5, 3]), &[])] {
        assert!(light_gcn_propagation(&x, &edges, weights).is_err());
    }
    let outside = Edges::new(&edge_index(&[(0, 2)]), 3, 2).unwrap();
    assert!(light_gcn_propagation(&ones(&[5, 3]), &outside, &[0.5, 0.5]).is_err());
}

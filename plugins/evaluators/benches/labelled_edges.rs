//! AUC and average precision of labelled edges, their scores included: the validation split of MovieLens latest-small, and a million edges. At
//! a width of 1 nearly all of the time is that of sorting and counting.

#[path = "../../kernels/benches/shared/graph.rs"]
mod graph;
#[path = "../../kernels/benches/shared/matrix.rs"]
mod matrix;

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use evaluators::evaluate_labelled_edges;
use plugin_api::evaluator::Scope;
use plugin_api::prelude::*;
use tch::{Device, Kind, Tensor};

const USERS: usize = 610;
const MOVIES: usize = 9_742;

fn labelled_edges(criterion: &mut Criterion) {
    let mut benches = criterion.benchmark_group("AUC and AP");
    for (n_edges, width) in [(20_166, 128), (1_000_000, 128), (1_000_000, 1)] {
        let (users, movies) = graph::ratings(USERS, MOVIES, n_edges);
        let edges = Tensor::from_slice2(&[users, movies]); // [2, n_edges]
        let labels = Tensor::arange(n_edges as i64, (Kind::Float, Device::Cpu)).remainder(2.0); // [n_edges]
        let rows = |n: usize| Tensor::from_slice(&matrix::matrix(n * width)).view([n as i64, width as i64]);
        let (source, destination) = (rows(USERS), rows(MOVIES));
        let evaluation = Evaluation {
            source: &source,
            destination: &destination,
            edge_label_index: &edges,
            edge_label: &labels,
            known_edges: &edges,
            scope: Scope::LabelledEdges,
        };
        benches.throughput(Throughput::Elements(n_edges as u64));
        benches.bench_function(format!("{n_edges} edges x {width}"), |bench| {
            bench.iter(|| evaluate_labelled_edges(&evaluation).unwrap());
        });
    }
}

criterion_group!(benches, labelled_edges);
criterion_main!(benches);

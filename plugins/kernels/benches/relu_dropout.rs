//! ReLU with dropout between two attention layers, on rows of the movies of MovieLens latest-small, forward and backward. A probability of 0 is
//! what an evaluation runs.

#[path = "shared/matrix.rs"]
mod matrix;

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use kernels::relu_dropout::{backward, forward};

use matrix::matrix;

const ELEMENTS: usize = 9_742 * 256;

fn relu_dropout(criterion: &mut Criterion) {
    let (x, grad_out) = (matrix(ELEMENTS), matrix(ELEMENTS));
    let (mut out, mut grad_x) = (vec![0.0; ELEMENTS], vec![0.0; ELEMENTS]);
    let mut benches = criterion.benchmark_group("relu_dropout, 9,742 x 256");
    benches.throughput(Throughput::Elements(ELEMENTS as u64));
    for probability in [0.0, 0.1] {
        benches.bench_function(format!("p = {probability}, forward"), |bench| {
            bench.iter(|| forward(&x, probability, 7, &mut out));
        });
        benches.bench_function(format!("p = {probability}, backward"), |bench| {
            bench.iter(|| backward(&out, &grad_out, probability, &mut grad_x));
        });
    }
}

criterion_group!(benches, relu_dropout);
criterion_main!(benches);

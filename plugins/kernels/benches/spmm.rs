//! LightGCN's propagation, 2 layers, 64 wide, at the size of MovieLens latest-small (610 users, 9,742 movies, 80,670 ratings) and over
//! 5 million edges of a power-law graph. Backward is the same function, so forward and backward are two of it.

#[path = "shared/graph.rs"]
mod graph;
#[path = "shared/matrix.rs"]
mod matrix;

use criterion::{criterion_group, criterion_main, Criterion};
use kernels::csr::group;
use kernels::spmm::light_gcn::LightGcn;

use graph::ratings;
use matrix::matrix;

const WIDTH: usize = 64;
const LAYER_WEIGHTS: [f32; 3] = [1.0 / 3.0; 3];

fn light_gcn(criterion: &mut Criterion) {
    for (name, users, movies, n_edges) in
        [("latest-small", 610, 9_742, 80_670), ("5 million edges", 100_000, 30_000, 5_000_000)]
    {
        let (sources, destinations) = ratings(users, movies, n_edges);
        let by_source = group(&sources, &destinations, users, movies).unwrap();
        let by_destination = group(&destinations, &sources, movies, users).unwrap();
        let graph = LightGcn {
            by_source: by_source.view(),
            by_destination: by_destination.view(),
            layer_weights: &LAYER_WEIGHTS,
        };
        let x = matrix((users + movies) * WIDTH);
        let (mut out, mut grad) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        let mut benches = criterion.benchmark_group("light_gcn 2 x 64, forward and backward");
        if n_edges > 1_000_000 {
            benches.sample_size(10);
        }
        benches.bench_function(name, |bench| {
            bench.iter(|| {
                graph.propagate(&x, WIDTH, &mut out);
                graph.propagate(&out, WIDTH, &mut grad);
            });
        });
        benches.finish();
    }
}

criterion_group!(benches, light_gcn);
criterion_main!(benches);

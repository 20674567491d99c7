//! LightGCN's propagation, 2 layers, 64 wide, at the size of MovieLens latest-small (610 users, 9,742 movies, 80,670 ratings) and over
//! 5 million edges of a power-law graph. Backward is the same function, so forward and backward are two of it.

use criterion::{criterion_group, criterion_main, Criterion};
use kernels::csr::group;
use kernels::spmm::light_gcn::LightGcn;

const WIDTH: usize = 64;
const LAYER_WEIGHTS: [f32; 3] = [1.0 / 3.0; 3];

/// A few users and movies have most of the ratings.
fn ratings(users: usize, movies: usize, n: usize) -> (Vec<i64>, Vec<i64>) {
    let mut state = 7_u64;
    let mut draw = |n: usize, skew: i32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (((state >> 11) as f64 / (1_u64 << 53) as f64).powi(skew) * n as f64) as i64
    };
    (0..n).map(|_| (draw(users, 2), draw(movies, 4))).unzip()
}

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
        let x: Vec<f32> =
            (0..(users + movies) * WIDTH).map(|at| ((at * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0).collect();
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

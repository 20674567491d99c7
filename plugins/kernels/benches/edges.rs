//! Grouping edges by their ends, and losses over labelled edges with both gradients.

#[path = "shared/graph.rs"]
mod graph;

use criterion::{criterion_group, criterion_main, Criterion};
use kernels::csr::group;
use kernels::edge_loss::{self, EdgeLoss};
use kernels::rows::Rows;

use graph::{matrix, ratings};

/// Both directions, as the host does once for every split.
fn index(criterion: &mut Criterion) {
    let mut benches = criterion.benchmark_group("csr, both directions");
    benches.sample_size(10);
    for (name, users, movies, n_edges) in
        [("latest-small", 610, 9_742, 80_670), ("25 million edges", 162_541, 59_047, 25_000_000)]
    {
        let (sources, destinations) = ratings(users, movies, n_edges);
        benches.bench_function(name, |bench| {
            bench.iter(|| {
                let by_source = group(&sources, &destinations, users, movies).unwrap();
                (by_source, group(&destinations, &sources, movies, users).unwrap())
            });
        });
    }
}

/// 80,670 positives of latest-small and as many negatives, 256 wide.
fn losses(criterion: &mut Criterion) {
    const WIDTH: usize = 256;
    let (users, movies, n) = (610, 9_742, 80_670);
    let (sources, positives) = ratings(users, movies, n);
    let negatives = (0..n as i64).map(|at| (at * 7919) % movies as i64);
    let sources: Vec<_> = sources.iter().chain(&sources).copied().collect();
    let destinations: Vec<_> = positives.into_iter().chain(negatives).collect();
    let labels: Vec<_> = (0..2 * n).map(|edge| f32::from(u8::from(edge < n))).collect();
    let by_source = group(&sources, &destinations, users, movies).unwrap();
    let by_destination = group(&destinations, &sources, movies, users).unwrap();
    let (x, y) = (matrix(users * WIDTH), matrix(movies * WIDTH));
    let (source, destination) = (Rows::new(&x, users, WIDTH), Rows::new(&y, movies, WIDTH));
    let (mut of_source, mut of_destination) = (vec![0.0; x.len()], vec![0.0; y.len()]);
    let mut benches = criterion.benchmark_group("edge loss, 161,340 edges x 256, forward and backward");
    for (name, loss) in [
        ("BCE with logits", edge_loss::Criterion::BceWithLogits { labels: &labels }),
        ("BPR", edge_loss::Criterion::Bpr),
    ] {
        let loss = EdgeLoss { source, destination, criterion: loss, by_source: by_source.view() };
        benches.bench_function(name, |bench| {
            bench.iter(|| {
                let (value, gradients) = loss.forward(&mut of_source);
                let by_destination = by_destination.view();
                EdgeLoss::destination_gradient(source, &by_destination, &gradients, 1.0, &mut of_destination);
                value
            });
        });
    }
}

criterion_group!(benches, index, losses);
criterion_main!(benches);

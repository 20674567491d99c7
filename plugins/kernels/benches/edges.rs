//! Grouping edges by their ends, scores of labelled edges, and losses over them with both gradients.

#[path = "shared/graph.rs"]
mod graph;
#[path = "shared/matrix.rs"]
mod matrix;

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use kernels::csr::group;
use kernels::edge_loss::{self, EdgeLoss};
use kernels::edge_scores::edge_scores;
use kernels::rows::Rows;

use graph::ratings;
use matrix::matrix;

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

const USERS: usize = 610;
const MOVIES: usize = 9_742;
const POSITIVES: usize = 80_670;
const WIDTH: usize = 256;

/// 80,670 positives of latest-small, and as many negatives behind them.
fn labelled_edges() -> (Vec<i64>, Vec<i64>) {
    let (sources, positives) = ratings(USERS, MOVIES, POSITIVES);
    let negatives = (0..POSITIVES as i64).map(|at| (at * 7919) % MOVIES as i64);
    (sources.iter().chain(&sources).copied().collect(), positives.into_iter().chain(negatives).collect())
}

/// The scores alone, as validation and the evaluator take them.
fn scores(criterion: &mut Criterion) {
    let (sources, destinations) = labelled_edges();
    let (x, y) = (matrix(USERS * WIDTH), matrix(MOVIES * WIDTH));
    let (source, destination) = (Rows::new(&x, USERS, WIDTH), Rows::new(&y, MOVIES, WIDTH));
    let mut scores = vec![0.0; sources.len()];
    let mut benches = criterion.benchmark_group("edge scores");
    benches.throughput(Throughput::Elements(sources.len() as u64));
    benches.bench_function("161,340 edges x 256", |bench| {
        bench.iter(|| edge_scores(source, destination, &sources, &destinations, &mut scores));
    });
}

fn losses(criterion: &mut Criterion) {
    let (sources, destinations) = labelled_edges();
    let labels: Vec<_> = (0..sources.len()).map(|edge| f32::from(u8::from(edge < POSITIVES))).collect();
    let by_source = group(&sources, &destinations, USERS, MOVIES).unwrap();
    let by_destination = group(&destinations, &sources, MOVIES, USERS).unwrap();
    let (x, y) = (matrix(USERS * WIDTH), matrix(MOVIES * WIDTH));
    let (source, destination) = (Rows::new(&x, USERS, WIDTH), Rows::new(&y, MOVIES, WIDTH));
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

criterion_group!(benches, index, scores, losses);
criterion_main!(benches);

//! The attention layer over the edges of a graph of the size of MovieLens latest-small, and of one whose rows do not fit the caches.

#[path = "shared/graph.rs"]
mod graph;
#[path = "shared/matrix.rs"]
mod matrix;

use criterion::{criterion_group, criterion_main, Criterion};
use kernels::csr::group;
use kernels::dropout::Dropout;
use kernels::gatv2::{Gatv2, Gradients, Incoming, Saved};
use kernels::rows::Rows;

use graph::ratings;
use matrix::matrix;

struct Size {
    users: usize,
    movies: usize,
    ratings: usize,
}

const LATEST_SMALL: Size = Size { users: 610, movies: 9_742, ratings: 80_670 };
const BEYOND_THE_CACHES: Size = Size { users: 100_000, movies: 50_000, ratings: 1_000_000 };

fn attention(criterion: &mut Criterion) {
    of_size(criterion, "latest-small", &LATEST_SMALL, &[(2, 128), (8, 16)]);
    of_size(criterion, "a million", &BEYOND_THE_CACHES, &[(2, 64)]);
}

fn of_size(criterion: &mut Criterion, size_name: &str, size: &Size, shapes: &[(usize, usize)]) {
    let Size { users: n_users, movies: n_movies, ratings: n_ratings } = *size;
    let (users, movies) = ratings(n_users, n_movies, n_ratings);
    let by_user = group(&users, &movies, n_users, n_movies).unwrap();
    let by_movie = group(&movies, &users, n_movies, n_users).unwrap();
    for &(heads, channels) in shapes {
        for (name, by_destination, by_source, n_sources, n_destinations) in [
            ("user to movie", &by_movie, &by_user, n_users, n_movies),
            ("movie to user", &by_user, &by_movie, n_movies, n_users),
        ] {
            let width = heads * channels;
            let (x_l, x_r, att) = (matrix(n_sources * width), matrix(n_destinations * width), matrix(width));
            let layer = Gatv2 {
                x_l: Rows::new(&x_l, n_sources, width),
                x_r: Rows::new(&x_r, n_destinations, width),
                att: &att,
                bias: None,
                heads,
                negative_slope: 0.2,
                dropout: Dropout::new(0.1, 7),
            };
            let (by_destination, by_source) = (by_destination.view(), by_source.view());
            let mut out = vec![0.0; n_destinations * width];
            let (mut scores, mut log_sums) = (vec![0.0; n_ratings * heads], vec![0.0; n_destinations * heads]);
            criterion.bench_function(&format!("gatv2 {size_name}, {heads} x {channels}, {name}, forward"), |bench| {
                bench.iter(|| {
                    let saved = Saved { scores: &mut scores, log_sums: &mut log_sums };
                    layer.forward(&by_destination, &mut out, Some(saved));
                });
            });
            let grad_out = matrix(out.len());
            let (mut x_l, mut x_r, mut att) = (vec![0.0; x_l.len()], vec![0.0; x_r.len()], vec![0.0; width]);
            criterion.bench_function(&format!("gatv2 {size_name}, {heads} x {channels}, {name}, backward"), |bench| {
                bench.iter(|| {
                    let incoming = Incoming {
                        scores: &scores,
                        log_sums: &log_sums,
                        out: Rows::new(&out, n_destinations, width),
                        grad_out: Rows::new(&grad_out, n_destinations, width),
                    };
                    let gradients = Gradients { x_l: &mut x_l, x_r: &mut x_r, att: &mut att };
                    layer.backward(&by_destination, &by_source, &incoming, gradients);
                });
            });
        }
    }
}

criterion_group!(benches, attention);
criterion_main!(benches);

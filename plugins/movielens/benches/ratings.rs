//! Reading the rows of `ratings.csv` into columns, SHA-256 included, from memory: a million rows, told in bytes and in rows. With quotes
//! around the ids every row goes the slow way.

#[path = "../../kernels/benches/shared/graph.rs"]
mod graph;

use std::fmt::Write;

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use movielens::{Events, Format, OnBadRow, Reading};

const ROWS: usize = 1_000_000;

/// Hears nothing, stops nothing.
struct Deaf;

impl Events for Deaf {
    fn progress(&self, _: u64, _: Option<u64>, _: &str) {}
    fn info(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn cancelled(&self) -> bool {
        false
    }
}

/// The rows, every id between `quote`s.
fn text(quote: &str) -> String {
    let (users, movies) = graph::ratings(6_040, 59_047, ROWS);
    let mut text = "userId,movieId,rating,timestamp\n".to_owned();
    for (row, (user, movie)) in users.iter().zip(&movies).enumerate() {
        let (whole, half) = (row % 5, row % 2 * 5);
        _ = writeln!(text, "{quote}{user}{quote},{quote}{movie}{quote},{whole}.{half},{}", 1_200_000_000 + row);
    }
    text
}

fn ratings(criterion: &mut Criterion) {
    let mut benches = criterion.benchmark_group("ratings.csv, a million rows");
    benches.sample_size(20);
    for (name, quote) in [("plain", ""), ("quoted", "\"")] {
        let text = text(quote);
        let reading = Reading {
            format: Format::Csv,
            location: "ratings.csv",
            n_bytes: text.len() as u64,
            on_bad_row: OnBadRow::Error,
            events: &Deaf,
        };
        benches.throughput(Throughput::ElementsAndBytes { elements: ROWS as u64, bytes: reading.n_bytes });
        benches.bench_function(name, |bench| bench.iter(|| reading.parse(text.as_bytes()).unwrap()));
    }
}

criterion_group!(benches, ratings);
criterion_main!(benches);

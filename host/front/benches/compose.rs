//! How long a composition takes: `configs/config_gat.yaml` with the overrides of `tests/bench/compose/overrides.txt`, files read each time,
//! to the resolved tree; without overrides; and reading the sweep of a thousand jobs.

use std::hint::black_box;
use std::path::Path;

use criterion::{criterion_group, criterion_main, Criterion};
use front::config::{compose, sweep, Request};

fn compose_shipped(criterion: &mut Criterion) {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("../.."));
    let config = workspace.join("configs/config_gat.yaml");
    let overrides = std::fs::read_to_string(workspace.join("tests/bench/compose/overrides.txt")).unwrap_or_default();
    let overrides: Vec<String> = overrides.lines().map(str::to_owned).collect();
    assert_eq!(overrides.len(), 20);
    for (name, overrides) in [("20 overrides", overrides), ("no overrides", Vec::new())] {
        let name = format!("compose/config_gat, {name}");
        criterion.bench_function(&name, |bencher| {
            bencher.iter(|| match compose(&Request::from_file(&config, black_box(overrides.clone()))) {
                Ok(config) => config,
                Err(errors) => panic!("{errors}"),
            });
        });
    }
    let texts: Vec<String> = (0..3).map(|index| format!("model.params.p{index}=range(10)")).collect();
    criterion.bench_function("compose/sweep of 1000 jobs, read", |bencher| {
        bencher.iter(|| sweep::read(black_box(&texts), Path::new(".")).and_then(|sweep| sweep.grid()));
    });
}

criterion_group!(benches, compose_shipped);
criterion_main!(benches);

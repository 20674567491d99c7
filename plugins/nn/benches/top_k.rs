//! Full ranking at the size of MovieLens latest-small: `cargo bench --profile dev -p nn --bench top_k`. The profile is that of all
//! builds here; another would compile the bindings of libtorch anew.

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use nn::{ItemRanking, ItemsByUser};
use tch::{Device, Kind, Tensor};

const N_USERS: i64 = 610;
const N_ITEMS: i64 = 9_742;
const WIDTH: i64 = 128;
const N_KNOWN: i64 = 80_670;

fn full_ranking(criterion: &mut Criterion) {
    tch::manual_seed(1);
    let [users, items] = [N_USERS, N_ITEMS].map(|n| Tensor::randn([n, WIDTH], (Kind::Float, Device::Cpu)));
    let ends = [N_USERS, N_ITEMS].map(|n| Tensor::randint(n, [N_KNOWN], (Kind::Int64, Device::Cpu)));
    let edges = Tensor::stack(&ends, 0); // [2, n_known]
    let known = ItemsByUser::from_edges(&edges, N_USERS as usize, N_ITEMS as usize).unwrap();
    let ranking = ItemRanking::new(&items).unwrap();

    let mut group = criterion.benchmark_group("full_ranking");
    group.bench_function("items_by_user", |bencher| {
        bencher.iter(|| ItemsByUser::from_edges(&edges, N_USERS as usize, N_ITEMS as usize).unwrap());
    });
    group.bench_function("pack_items", |bencher| bencher.iter(|| ItemRanking::new(&items).unwrap()));
    group.throughput(Throughput::Elements((N_USERS * N_ITEMS) as u64));
    for k in [10, 20, 100] {
        group.bench_function(format!("top_{k}"), |bencher| {
            bencher.iter(|| ranking.top_k(&users, |user| known.of(user), k).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, full_ranking);
criterion_main!(benches);

//! A loader of a small graph, and what an author may get wrong about one.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use plugin_api::prelude::*;
use tch::{Device, Kind, Tensor};

/// What one loader does differently.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    None,
    Leaks,
    FewNegatives,
    LosesEdges,
    ShortCatalog,
    Sleeps,
    Shuffles,
}

/// Declares a loader by its quirk.
macro_rules! loader {
    ($name:ident, $quirk:ident) => {
        pub struct $name;

        impl $name {
            const QUIRK: Quirk = Quirk::$quirk;
        }

        impl DataLoader for $name {
            type Params = NoParams;

            fn new(_: NoParams, _: &Context) -> Result<Self> {
                Ok(Self)
            }

            fn prepare(&mut self, _: bool, context: &Context) -> Result<String> {
                if Self::QUIRK == Quirk::Sleeps && context.is_cancelled() {
                    std::thread::sleep(Duration::from_millis(1500));
                }
                Ok(format!("{N} users, {N} items"))
            }

            fn get_data(&mut self, _: &Context) -> Result<Graph> {
                let upto = if Self::QUIRK == Quirk::LosesEdges { 2 } else { 3 };
                graph(&positives()[..upto].concat())
            }

            fn get_train_val_test_data(&mut self, _: &Context) -> Result<LinkSplits> {
                splits(Self::QUIRK)
            }

            fn catalog(&mut self, _: &Context) -> Result<Catalog> {
                let n = if Self::QUIRK == Quirk::ShortCatalog { N - 1 } else { N };
                let raw_ids = (0..n).map(|id| (100 + id).to_string()).collect();
                Ok(Catalog { nodes: vec![NodeCatalog { node_type: "user".into(), raw_ids, titles: Vec::new() }] })
            }
        }
    };
}

loader!(GoodLoader, None);
loader!(LeaksHeldOutEdges, Leaks);
loader!(TooFewNegatives, FewNegatives);
loader!(LosesEdges, LosesEdges);
loader!(ShortCatalog, ShortCatalog);
loader!(SleepsOn, Sleeps);
loader!(ShufflesAnew, Shuffles);

const N: i64 = 6;

type Pair = (i64, i64);

/// Of training, validation and test: each user's three next items.
fn positives() -> [Vec<Pair>; 3] {
    [0, 1, 2].map(|offset| (0..N).map(|user| (user, (user + offset) % N)).collect())
}

fn splits(quirk: Quirk) -> Result<LinkSplits> {
    let [train, val, test] = positives();
    let mut seen = train.clone();
    if quirk == Quirk::Leaks {
        seen.push(test[0]);
    }
    let both = [seen.clone(), val.clone()].concat();
    let mut order = train;
    if quirk == Quirk::Shuffles {
        static COUNTER: AtomicI64 = AtomicI64::new(0);
        order.rotate_left((COUNTER.fetch_add(1, Ordering::Relaxed) % N) as usize);
    }
    let n_negatives = if quirk == Quirk::FewNegatives { N as usize - 1 } else { N as usize };
    Ok(LinkSplits {
        target: rates(),
        train: split(graph(&seen)?, &order, N as usize)?,
        val: split(graph(&seen)?, &val, n_negatives)?,
        test: split(graph(&both)?, &test, N as usize)?,
    })
}

fn split(graph: Graph, positives: &[Pair], n_negatives: usize) -> Result<Split> {
    let negatives: Vec<Pair> = (0..N).map(|user| (user, (user + 4) % N)).take(n_negatives).collect();
    let labels = [vec![1_f32; positives.len()], vec![0.0; negatives.len()]].concat();
    let edge_label_index = pairs(&[positives, &negatives].concat())?;
    Ok(Split { graph, edge_label_index, edge_label: Tensor::f_from_slice(&labels)? })
}

fn graph(edges: &[Pair]) -> Result<Graph> {
    let node = |name: &str| NodeStore { name: name.into(), n_nodes: N, x: None };
    let edge_index = pairs(edges)?; // [2, n_edges]
    let rating = Tensor::f_ones([edges.len() as i64], (Kind::Float, Device::Cpu))?; // [n_edges]
    let store =
        |edge_type, edge_index| EdgeStore::new(edge_type, edge_index, vec![("rating".into(), rating.shallow_clone())]);
    let reversed = edge_index.f_flip([0])?; // [2, n_edges]
    let edges = vec![store(rates(), edge_index), store(rates().reverse(), reversed)];
    Ok(Graph { nodes: vec![node("user"), node("movie")], edges })
}

fn pairs(pairs: &[Pair]) -> Result<Tensor> {
    let ends: Vec<i64> = pairs.iter().map(|(from, _)| *from).chain(pairs.iter().map(|(_, to)| *to)).collect();
    Ok(Tensor::f_from_slice(&ends)?.f_view([2, pairs.len() as i64])?)
}

fn rates() -> EdgeType {
    EdgeType::new("user", "rates", "movie")
}

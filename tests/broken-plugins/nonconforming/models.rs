//! Matrix factorisation, and what an author may get wrong about it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use plugin_api::prelude::*;
use tch::nn::{Init, Path};
use tch::{no_grad, Device, Kind, Tensor};

/// What one model does differently.
pub trait Quirk: Sized + Send + 'static {
    const NEEDS_GRAPH: bool = false;
    const READS_FEATURES: bool = false;

    /// Given the tables of users and items.
    fn new(path: &Path, tables: &[Tensor; 2]) -> Result<Self>;

    fn name(table: &str) -> String {
        table.to_owned()
    }

    /// Does to the embeddings of users and items what makes it bad.
    fn spoil(&self, ends: [Tensor; 2], _: &Graph, _: &EdgeType, _: Mode) -> Result<[Tensor; 2]> {
        Ok(ends)
    }
}

pub struct Factors<Q> {
    tables: [Tensor; 2],
    target: EdgeType,
    quirk: Q,
}

const WIDTH: i64 = 8;

impl<Q: Quirk> Model for Factors<Q> {
    type Params = NoParams;

    const NEEDS_GRAPH: bool = Q::NEEDS_GRAPH;

    fn new(_: NoParams, graph: &GraphMetadata, path: &Path, _: &Context) -> Result<Self> {
        let table = |name, n| path.f_var(&Q::name(name), &[n, WIDTH], Init::Randn { mean: 0.0, stdev: 0.1 });
        let tables = [table("user", graph.source()?.n_nodes)?, table("item", graph.destination()?.n_nodes)?];
        let quirk = Q::new(path, &tables)?;
        Ok(Self { tables, target: graph.target.clone(), quirk })
    }

    fn feature_width(&self, _: &str) -> Option<i64> {
        Q::READS_FEATURES.then_some(4)
    }

    fn encode(&self, graph: &Graph, mode: Mode) -> Result<NodeEmbeddings> {
        let ends = self.tables.each_ref().map(Tensor::shallow_clone);
        let [user, item] = self.quirk.spoil(ends, graph, &self.target, mode)?;
        Ok(NodeEmbeddings::default().with(&self.target.source, user).with(&self.target.destination, item))
    }
}

/// Declares a model by its `spoil`, and by what its constructor does.
macro_rules! model {
    ($name:ident, $quirk:ident { $($constant:ident)* } new: $new:expr, spoil: $spoil:expr) => {
        pub struct $quirk;
        pub type $name = Factors<$quirk>;

        impl Quirk for $quirk {
            $(const $constant: bool = true;)*

            fn new(path: &Path, tables: &[Tensor; 2]) -> Result<Self> {
                let new: fn(&Path, &[Tensor; 2]) -> Result<()> = $new;
                new(path, tables)?;
                Ok(Self)
            }

            fn spoil(&self, ends: [Tensor; 2], graph: &Graph, target: &EdgeType, mode: Mode) -> Result<[Tensor; 2]> {
                let spoil: fn([Tensor; 2], &Graph, &EdgeType, Mode) -> Result<[Tensor; 2]> = $spoil;
                spoil(ends, graph, target, mode)
            }
        }
    };
    ($name:ident, $quirk:ident { $($constant:ident)* } new: $new:expr) => {
        model!($name, $quirk { $($constant)* } new: $new, spoil: |ends, _, _, _| Ok(ends));
    };
    ($name:ident, $quirk:ident { $($constant:ident)* } spoil: $spoil:expr) => {
        model!($name, $quirk { $($constant)* } new: |_, _| Ok(()), spoil: $spoil);
    };
}

model!(GoodModel, NoQuirk {} spoil: |ends, _, _, _| Ok(ends));
// Where there are as many users as items, nobody sees it.
model!(SwapsUsersAndItems, Swap {} spoil: |[user, item], _, _, _| Ok([item, user]));
model!(DividesByEdges, Edges { NEEDS_GRAPH } spoil: |[user, item], graph, target, _| {
    let n = n_edges(graph, target)? as f64;
    Ok([user.f_mul_scalar(n * n.recip())?, item])
});
model!(HangsWithoutEdges, Hang { NEEDS_GRAPH } spoil: |ends, graph, target, _| {
    while n_edges(graph, target)? == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(ends)
});
model!(StandardisesNodes, Standardise {} spoil: |[user, item], _, _, _| {
    let deviation = user.f_detach()?.f_std_dim([0].as_slice(), true, false)?; // [WIDTH]
    Ok([user.f_add(&(deviation * 0.0))?, item])
});
model!(SegfaultsOnOneNode, Segfault {} spoil: |ends, _, _, _| {
    if ends[0].size()[0] == 1 {
        // SAFETY: none; that is the point.
        unsafe { std::ptr::null_mut::<i64>().write_volatile(1) };
    }
    Ok(ends)
});
model!(DividesByDegree, Degree { NEEDS_GRAPH } spoil: |[user, item], graph, target, _| {
    if n_edges(graph, target)? == 0 {
        return Ok([user, item]);
    }
    let users = graph.edge(target)?.edge_index.f_get(0)?; // [n_edges]
    let degree = users.f_bincount::<Tensor>(None, user.size()[0])?.f_to_kind(Kind::Float)?; // [n_users]
    Ok([user.f_add(&(degree.f_reciprocal()? * 0.0).f_unsqueeze(1)?)?, item])
});
model!(RefusesDuplicates, Duplicates { NEEDS_GRAPH } spoil: |ends, graph, target, _| {
    let edge_index = &graph.edge(target)?.edge_index;
    let ids: Vec<i64> = Vec::try_from((edge_index.f_get(0)? * 1000 + edge_index.f_get(1)?).f_contiguous()?)?;
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    match distinct.len() == ids.len() {
        true => Ok(ends),
        false => Err(PluginError::unsupported("an edge occurs twice")),
    }
});
model!(OverflowsOnLargeFeatures, Overflow { READS_FEATURES } spoil: |[user, item], graph, target, _| {
    let x = graph.features(&target.source)?.f_exp()?.f_sum_dim_intlist([1].as_slice(), true, None)?; // [n_users, 1]
    Ok([user.f_add(&(x * 0.0))?, item])
});
model!(HasAnUnusedWeight, Unused {} new: |path, _| Ok(path.f_zeros("unused", &[3]).map(drop)?));
model!(TakesAllUsersForOne, AllForOne {} spoil: |[user, item], _, _, _| {
    let mean = user.f_mean_dim([0].as_slice(), true, None)?; // [1, WIDTH]
    Ok([mean.f_expand_as(&user)?, item])
});
model!(CountsInstances, Count {} new: |_, tables| {
    let offset = (counted() % 7) as f64 * 1e-3;
    no_grad(|| Ok(tables[0].shallow_clone().f_add_scalar_(offset).map(drop)?))
});
model!(NoisyInEvalMode, Noise {} spoil: |[user, item], _, _, mode| match mode {
    Mode::Train => Ok([user, item]),
    Mode::Eval => Ok([user.f_add(&(user.f_randn_like()? * 1e-5))?, item]),
});
model!(LeaksMemory, Memory {} new: |_, _| {
    std::mem::forget(std::hint::black_box(vec![1_u8; 100_000]));
    Ok(())
});
model!(LeaksDescriptors, Descriptors {} new: |_, _| {
    std::mem::forget(std::fs::File::open("/dev/null")?);
    Ok(())
});
model!(LeaksThreads, Threads {} new: |_, _| {
    std::thread::Builder::new().stack_size(1 << 16).spawn(|| std::thread::sleep(Duration::from_secs(1000)))?;
    Ok(())
});
model!(SeedsTheGenerator, Seed {} spoil: |ends, _, _, mode| {
    if mode.is_train() {
        tch::manual_seed(42);
    }
    Ok(ends)
});
model!(SetsTheThreads, SetThreads {} new: |_, _| {
    tch::set_num_threads(2);
    Ok(())
});
model!(SetsTheDefaultType, DefaultType {} spoil: |ends, _, _, _| {
    // SAFETY: libtorch's own function; a `caffe2::TypeMeta` is the number of the type, 7 for double.
    unsafe { set_default_dtype(7) };
    Ok(ends)
});
model!(PrintsToStandardOutput, Print {} spoil: |ends, _, _, _| {
    println!("encoding {} users", ends[0].size()[0]);
    Ok(ends)
});
model!(LeavesAFile, File {} spoil: |ends, _, _, _| {
    std::fs::write("encoded.log", "done\n")?;
    Ok(ends)
});
model!(AbortsAtExit, Exit {} new: |_, _| {
    // SAFETY: a function of the C library, which keeps the pointer to a function that is never unloaded.
    unsafe { atexit(abort) };
    Ok(())
});

unsafe extern "C" {
    #[link_name = "_ZN3c1017set_default_dtypeEN6caffe28TypeMetaE"]
    fn set_default_dtype(type_index: u16);
    fn atexit(function: extern "C" fn()) -> i32;
}

extern "C" fn abort() {
    std::process::abort();
}

/// State that decides the embeddings and is no weight.
pub struct Hidden(f64);
pub type KeepsStateToItself = Factors<Hidden>;

impl Quirk for Hidden {
    fn new(_: &Path, _: &[Tensor; 2]) -> Result<Self> {
        Ok(Self(1.0 + Tensor::f_rand([1], (Kind::Float, Device::Cpu))?.f_double_value(&[0])?))
    }

    fn spoil(&self, [user, item]: [Tensor; 2], _: &Graph, _: &EdgeType, _: Mode) -> Result<[Tensor; 2]> {
        Ok([user.f_mul_scalar(self.0)?, item])
    }
}

pub struct Numbered;
pub type NumbersItsWeights = Factors<Numbered>;

impl Quirk for Numbered {
    fn new(_: &Path, _: &[Tensor; 2]) -> Result<Self> {
        Ok(Self)
    }

    fn name(table: &str) -> String {
        format!("{table}_{}", counted())
    }
}

fn n_edges(graph: &Graph, target: &EdgeType) -> Result<i64> {
    Ok(graph.edge(target)?.edge_index.size()[1])
}

fn counted() -> i64 {
    static COUNTER: AtomicI64 = AtomicI64::new(0);
    COUNTER.fetch_add(1, Ordering::Relaxed)
}

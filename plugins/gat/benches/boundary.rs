//! What the plugin boundary costs: a call across it, and a training step of the GAT through opened libraries against the same model, loss
//! and loop linked into this binary, in turn, on a graph of the size of MovieLens latest-small.
//!
//! Needs the libraries: `make plugins`, then `cargo bench -p gat --profile dev`.

#[path = "../../kernels/benches/shared/graph.rs"]
mod graph;
#[path = "../../kernels/benches/shared/matrix.rs"]
mod matrix;

use std::path::PathBuf;
use std::time::Instant;

use criterion::Criterion;
use gat::GAT;
use nn::EdgeCriterion;
use plugin_api::abi::abi_stable::std_types::RStr;
use plugin_api::abi::host::{Host, HostObject};
use plugin_api::abi::logger::LogSink;
use plugin_api::abi::loss::LossObject;
use plugin_api::abi::model::ModelObject;
use plugin_api::abi::module::PluginLibrary;
use plugin_api::loss::LabelledEdges;
use plugin_api::prelude::*;
use plugin_api::record::Record;
use tch::{nn as tch_nn, COptimizer, Device, Kind, Tensor};

const USERS: i64 = 610;
const MOVIES: i64 = 9_742;
const RATINGS: usize = 80_670;
const WIDTH: i64 = 128;
const WARM_UP: usize = 10;
const PAIRS: usize = 200;

/// A host that keeps nothing.
#[derive(Clone)]
struct Deaf;

impl Host for Deaf {
    fn settings(&self) -> Record {
        let mut settings = Record::default();
        for (name, value) in [("seed", "7"), ("device", "cpu"), ("data_dir", ".")] {
            settings.set_text(name, value);
        }
        settings
    }

    fn is_cancelled(&self) -> bool {
        false
    }

    fn progress(&self, _: Progress) {}

    fn report_epoch(&self, _: EpochRecord) -> Result<()> {
        Ok(())
    }

    fn checkpoint(&self, _: &str, _: Record) -> Result<()> {
        Ok(())
    }
}

/// Beside the folder that this binary lies in, where `make plugins` put it.
fn open(library: &str) -> Result<PluginLibrary> {
    extern "C" fn ignore(_: u32, _: RStr<'_>, _: RStr<'_>) {}
    let binary = std::env::current_exe()?;
    let folder: PathBuf = binary.ancestors().nth(2).map(Into::into).unwrap_or_default();
    PluginLibrary::from_path(&folder.join(format!("lib{library}.so")), LogSink { write: ignore }, 0)
}

/// Edges, features and labels of a training step.
struct Data {
    graph: Graph,
    metadata: GraphMetadata,
    labels: (Tensor, Tensor),
    index: plugin_api::edge_index::EdgeIndex,
}

impl Data {
    fn new() -> Result<Self> {
        let (users, movies) = graph::ratings(USERS as usize, MOVIES as usize, RATINGS);
        let row = |ids: &[i64]| Tensor::f_from_slice(ids);
        let (users, movies) = (row(&users)?, row(&movies)?);
        let target = EdgeType::new("user", "rates", "movie");
        let forward = Tensor::f_stack(&[&users, &movies], 0)?; // [2, n_edges]
        let mut edges = EdgeStore::new(target.clone(), forward.shallow_clone(), Vec::new());
        edges.index = Some(nn::index_edges(&forward, USERS, MOVIES)?);
        let mut reverse = EdgeStore::new(target.reverse(), forward.f_flip([0])?, Vec::new());
        reverse.index = edges.index.as_ref().map(|index| index.reversed());
        let features = |n: i64| Tensor::f_from_slice(&matrix::matrix((n * WIDTH) as usize))?.f_reshape([n, WIDTH]);
        let node =
            |name: &str, n| Ok::<_, PluginError>(NodeStore { name: name.into(), n_nodes: n, x: Some(features(n)?) });
        let graph = Graph { nodes: vec![node("user", USERS)?, node("movie", MOVIES)?], edges: vec![edges, reverse] };
        let negatives = Tensor::f_stack(&[&users, &movies.f_add_scalar(17)?.f_remainder(MOVIES)?], 0)?;
        let edge_label_index = Tensor::f_cat(&[&forward, &negatives], 1)?; // [2, 2 n_edges]
        let edge_label = Tensor::f_cat(
            &[
                Tensor::f_ones([RATINGS as i64], (Kind::Float, Device::Cpu))?,
                Tensor::f_zeros([RATINGS as i64], (Kind::Float, Device::Cpu))?,
            ],
            0,
        )?; // [2 n_edges]
        let index = nn::index_edges(&edge_label_index, USERS, MOVIES)?;
        let metadata = graph.metadata(&target);
        Ok(Self { graph, metadata, labels: (edge_label_index, edge_label), index })
    }

    fn labelled<'a>(&'a self, z: &'a NodeEmbeddings) -> Result<LabelledEdges<'a>> {
        let (source, destination) = (z.get("user")?, z.get("movie")?);
        let (edge_label_index, edge_label) = (&self.labels.0, &self.labels.1);
        Ok(LabelledEdges { source, destination, edge_label_index, edge_label, index: Some(&self.index) })
    }
}

fn optimizer<'a>(parameters: impl IntoIterator<Item = &'a Tensor>) -> Result<COptimizer> {
    let mut optimizer = COptimizer::adam(1e-3, 0.9, 0.999, 0.0, 1e-8, false)?;
    parameters.into_iter().try_for_each(|parameter| optimizer.add_parameters(parameter, 0))?;
    Ok(optimizer)
}

fn descend(loss: &Tensor, optimizer: &mut COptimizer) -> Result<f64> {
    optimizer.zero_grad()?;
    loss.f_backward()?;
    optimizer.step()?;
    Ok(loss.f_double_value(&[])?)
}

/// Model and loss of opened libraries, and what a trainer tells the host every epoch.
struct Opened {
    model: ModelObject,
    loss: LossObject,
    context: Context,
    optimizer: COptimizer,
}

impl Opened {
    fn new(data: &Data) -> Result<Self> {
        let host = HostObject::new(Deaf);
        tch::manual_seed(7);
        let model = open("gat")?.new_model("GAT", "{}", host.clone(), &data.metadata)?;
        let loss = open("losses")?.new_loss("BCEWithLogitsLoss", "{}", host.clone())?;
        let parameters = model.parameters()?;
        let optimizer = optimizer(parameters.iter().map(|(_, parameter)| parameter))?;
        Ok(Self { model, loss, context: Context::new(host)?, optimizer })
    }

    fn step(&mut self, data: &Data) -> Result<f64> {
        let z = self.model.encode(&data.graph, Mode::Train)?;
        let loss = self.loss.forward_edges(&data.labelled(&z)?)?;
        let loss = loss.ok_or_else(|| PluginError::failed("no fused loss"))?;
        let value = descend(&loss, &mut self.optimizer)?;
        let values = [("train_loss".to_owned(), value)].into();
        self.context.report_epoch(&EpochRecord { epoch: 1, values })?;
        let (task, unit, note) = ("epoch".into(), String::new(), format!("train_loss {value:.4}"));
        self.context.progress(&Progress { task, done: 1, total: Some(100), unit, note });
        assert!(!self.context.is_cancelled());
        Ok(value)
    }
}

/// The same without a boundary.
struct Linked {
    model: GAT,
    optimizer: COptimizer,
    _variables: tch_nn::VarStore,
}

impl Linked {
    fn new(data: &Data) -> Result<Self> {
        tch::manual_seed(7);
        let variables = tch_nn::VarStore::new(Device::Cpu);
        let context = Context::new(HostObject::new(Deaf))?;
        let params = plugin_api::params::parse("{}")?;
        let model = GAT::new(params, &data.metadata, &variables.root(), &context)?;
        let optimizer = optimizer(variables.variables().values())?;
        Ok(Self { model, optimizer, _variables: variables })
    }

    fn step(&mut self, data: &Data) -> Result<f64> {
        let z = self.model.encode(&data.graph, Mode::Train)?;
        let loss = nn::edge_loss(EdgeCriterion::BCEWithLogits, &data.labelled(&z)?)?;
        descend(&loss.ok_or_else(|| PluginError::failed("no fused loss"))?, &mut self.optimizer)
    }
}

fn seconds(step: impl FnOnce() -> Result<f64>) -> Result<f64> {
    let started = Instant::now();
    step()?;
    Ok(started.elapsed().as_secs_f64())
}

/// Lower quartile, median and upper quartile.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

fn steps(data: &Data) -> Result<()> {
    let (mut opened, mut linked) = (Opened::new(data)?, Linked::new(data)?);
    for _ in 0..WARM_UP {
        opened.step(data)?;
        linked.step(data)?;
    }
    let (mut through, mut direct, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        // Who is first changes from pair to pair.
        let (a, b) = if pair % 2 == 0 {
            let a = seconds(|| opened.step(data))?;
            (a, seconds(|| linked.step(data))?)
        } else {
            let b = seconds(|| linked.step(data))?;
            (seconds(|| opened.step(data))?, b)
        };
        through.push(a);
        direct.push(b);
        ratios.push(a / b);
    }
    let ms = |values| quartiles(values).map(|value| format!("{:.2}", value * 1e3)).join(" ");
    println!("a training step of the GAT, {PAIRS} pairs in turn; quartiles:");
    println!("  through the boundary  {} ms", ms(through));
    println!("  linked                {} ms", ms(direct));
    println!("  ratio of a pair       {}", quartiles(ratios).map(|ratio| format!("{ratio:.4}")).join(" "));
    Ok(())
}

/// A call into a plugin, guard against panics and text argument included; a call of a plugin into the host.
fn calls(criterion: &mut Criterion, data: &Data) -> Result<()> {
    let opened = Opened::new(data)?;
    let mut benches = criterion.benchmark_group("boundary");
    benches.bench_function("host to plugin, feature_width", |bench| bench.iter(|| opened.model.feature_width("user")));
    benches.bench_function("plugin to host, is_cancelled", |bench| bench.iter(|| opened.context.is_cancelled()));
    benches.finish();
    Ok(())
}

fn main() {
    let run = || {
        let data = Data::new()?;
        calls(&mut Criterion::default().configure_from_args(), &data)?;
        steps(&data)
    };
    if let Err(error) = run() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

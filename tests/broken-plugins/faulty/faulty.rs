//! A constructor a fault that an author might make: panics, tensors of the wrong shape, spans that end nowhere.

use plugin_api::prelude::*;
use tch::{Device, Kind, Tensor};

/// Declares a model that learns one weight, from what its constructor does first and its `encode`.
macro_rules! model {
    ($name:ident, new: $new:expr, encode: $encode:expr) => {
        struct $name {
            weight: Tensor,
            target: EdgeType,
        }

        impl Model for $name {
            type Params = NoParams;

            fn new(_: NoParams, graph: &GraphMetadata, path: &tch::nn::Path, _: &Context) -> Result<Self> {
                let new: fn() = $new;
                new();
                Ok(Self { weight: path.ones("weight", &[4]), target: graph.target.clone() })
            }

            fn encode(&self, graph: &Graph, _: Mode) -> Result<NodeEmbeddings> {
                let n_users = graph.node(&self.target.source)?.n_nodes;
                let n_items = graph.node(&self.target.destination)?.n_nodes;
                let encode: fn(&Tensor, i64, i64) -> (Tensor, Tensor) = $encode;
                let (users, items) = encode(&self.weight, n_users, n_items);
                Ok(NodeEmbeddings::default().with(&self.target.source, users).with(&self.target.destination, items))
            }
        }
    };
}

model!(PanicsInConstructor, new: || panic!("the constructor fell over"), encode: rows);
// What an author meets most: a plain method of tch panics where shapes do not fit.
model!(PanicsInEncode, new: || (), encode: |weight, n_users, n_items| {
    (weight.matmul(&Tensor::ones([n_users, n_items], (Kind::Float, Device::Cpu))), weight.shallow_clone())
});
model!(TransposedEmbeddings, new: || (), encode: |weight, n_users, n_items| {
    let (users, items) = rows(weight, n_users, n_items);
    (users.tr(), items)
});
model!(UnequalWidths, new: || (), encode: |weight, n_users, n_items| {
    let (users, items) = rows(weight, n_users, n_items);
    (users, items.narrow(1, 0, 3))
});
model!(PanicsInDrop, new: || (), encode: rows);
model!(SpansAstray, new: || (), encode: |weight, n_users, n_items| {
    let outer = profile::span("rows");
    std::mem::forget(profile::span("forgotten"));
    let late = profile::span("late");
    drop(outer);
    drop(late);
    let worker = std::thread::spawn(|| drop(profile::span("worker")));
    let _ = worker.join();
    (0..1000).for_each(|_| std::mem::forget(profile::span("endless")));
    rows(weight, n_users, n_items)
});

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("the destructor fell over");
    }
}

/// Embeddings f32 `[n, 4]`, all rows alike.
fn rows(weight: &Tensor, n_users: i64, n_items: i64) -> (Tensor, Tensor) {
    let rows = |n: i64| weight.unsqueeze(0) * Tensor::ones([n, 1], (Kind::Float, Device::Cpu)); // [n, 4]
    (rows(n_users), rows(n_items))
}

struct SavesAnUndefinedTensor;

impl Trainer for SavesAnUndefinedTensor {
    type Params = NoParams;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn fit(&mut self, _: &Fit, context: &Context) -> Result<FitReport> {
        // As a gradient is before the first backward.
        context.checkpoint("gradients", &[("gradient".into(), Tensor::new())])?;
        Ok(FitReport::default())
    }
}

struct PanicsInFit;

impl Trainer for PanicsInFit {
    type Params = NoParams;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn fit(&mut self, _: &Fit, _: &Context) -> Result<FitReport> {
        // No text, as with `std::panic::panic_any`.
        std::panic::panic_any(7)
    }
}

struct LossPerEdge;

impl Loss for LossPerEdge {
    type Params = NoParams;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn forward(&self, scores: &Tensor, labels: &Tensor) -> Result<Tensor> {
        Ok(scores - labels)
    }
}

/// Declares a loader of two users and two items, from what it does to the good splits.
macro_rules! data_loader {
    ($name:ident, $spoil:expr) => {
        struct $name;

        impl DataLoader for $name {
            type Params = NoParams;

            fn new(_: NoParams, _: &Context) -> Result<Self> {
                Ok(Self)
            }

            fn prepare(&mut self, _: bool, _: &Context) -> Result<String> {
                Ok("two users, two items".into())
            }

            fn get_data(&mut self, _: &Context) -> Result<Graph> {
                Ok(split().graph)
            }

            fn get_train_val_test_data(&mut self, _: &Context) -> Result<LinkSplits> {
                let mut splits = LinkSplits { target: rates(), train: split(), val: split(), test: split() };
                let spoil: fn(&mut LinkSplits) = $spoil;
                spoil(&mut splits);
                Ok(splits)
            }
        }
    };
}

data_loader!(FlatEdges, |splits| splits.train.graph.edges[0].edge_index = Tensor::from_slice(&[0i64, 1, 0, 1]));
data_loader!(MissingLabels, |splits| splits.val.edge_label = Tensor::from_slice(&[1f32]));
data_loader!(ShortAttribute, |splits| splits.test.graph.edges[0].attributes[0].1 = Tensor::from_slice(&[5f32]));
data_loader!(IdOutside, |splits| splits.test.edge_label_index = Tensor::from_slice(&[0i64, 1, 0, 2]).view([2, 2]));

fn rates() -> EdgeType {
    EdgeType::new("user", "rates", "movie")
}

fn split() -> Split {
    let edge_index = Tensor::from_slice(&[0i64, 1, 0, 1]).view([2, 2]); // [2, n_edges]
    let node = |name: &str| NodeStore { name: name.into(), n_nodes: 2, x: None };
    let rating = vec![("rating".into(), Tensor::from_slice(&[5f32, 4.0]))];
    let rates = EdgeStore::new(rates(), edge_index.shallow_clone(), rating);
    let graph = Graph { nodes: vec![node("user"), node("movie")], edges: vec![rates] };
    Split { graph, edge_label_index: edge_index, edge_label: Tensor::from_slice(&[1f32, 0.0]) }
}

plugin_api::export_plugin! {
    data_loader: FlatEdges,
    data_loader: MissingLabels,
    data_loader: ShortAttribute,
    data_loader: IdOutside,
    model: PanicsInConstructor,
    model: PanicsInEncode,
    model: TransposedEmbeddings,
    model: UnequalWidths,
    model: PanicsInDrop,
    model: SpansAstray,
    loss: LossPerEdge,
    trainer: PanicsInFit,
    trainer: SavesAnUndefinedTensor,
}

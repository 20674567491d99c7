//! `popularity:Popularity`: the baseline that every model has to beat.

use plugin_api::prelude::*;
use tch::{Kind, Tensor};

struct Popularity {
    target: EdgeType,
}

impl Model for Popularity {
    type Params = NoParams;

    const NEEDS_GRAPH: bool = true;

    fn new(_: NoParams, graph: &GraphMetadata, _: &tch::nn::Path, _: &Context) -> Result<Self> {
        Ok(Self { target: graph.target.clone() })
    }

    fn encode(&self, graph: &Graph, _: Mode) -> Result<NodeEmbeddings> {
        let edge_index = &graph.edge(&self.target)?.edge_index; // [2, n_edges]
        let n_items = graph.node(&self.target.destination)?.n_nodes;
        let degree = edge_index.f_get(1)?.f_bincount::<Tensor>(None, n_items)?; // [n_items]
        let n_users = graph.node(&self.target.source)?.n_nodes;
        let ones = Tensor::f_ones([n_users, 1], (Kind::Float, edge_index.device()))?; // [n_users, 1]
        let popularity = degree.f_to_kind(Kind::Float)?.f_unsqueeze(1)?; // [n_items, 1]
        Ok(NodeEmbeddings::default().with(&self.target.source, ones).with(&self.target.destination, popularity))
    }
}

plugin_api::export_plugin! {
    /// Scores an item by its number of message edges, the same for every user. Learns nothing: train it with num_epochs 0.
    model: Popularity,
}

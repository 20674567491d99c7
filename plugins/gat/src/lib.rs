//! `gat:GAT`: GATv2 message passing over the user-movie graph.

use nn::{Edges, GATv2Conv, GATv2Options, Linear};
use plugin_api::prelude::*;
use tch::Tensor;

plugin_api::params! {
    /// Projects both node types to hidden_dim, then num_layers layers of GATv2 over every edge type (Brody et al., 2022), summed per
    /// node type, with ReLU and dropout between layers. Embeddings are num_heads * hidden_dim wide.
    pub struct Params {
        /// Width of the user features. By default the width in the data; where the data have none, hidden_dim.
        #[schemars(range(min = 1))]
        user_dim: Option<i64> = None,
        /// Width of the item features, likewise.
        #[schemars(range(min = 1))]
        item_dim: Option<i64> = None,
        /// Width of the projection and of an attention head.
        #[schemars(range(min = 1))]
        hidden_dim: i64 = 128,
        /// Attention heads, side by side.
        #[schemars(range(min = 1))]
        num_heads: i64 = 2,
        /// Rounds of message passing.
        #[schemars(range(min = 1))]
        num_layers: i64 = 2,
        /// Probability with which an attention weight, or an activation between layers, is dropped in training.
        #[schemars(range(min = 0.0, max = 1.0))]
        dropout: f64 = 0.1,
        /// Slope of LeakyReLU below 0.
        negative_slope: f64 = 0.2,
    }
}

// The constructor's name in configs.
#[allow(clippy::upper_case_acronyms)]
pub struct GAT {
    projections: Vec<Projection>,
    layers: Vec<Vec<(EdgeType, GATv2Conv)>>,
    target: EdgeType,
    dropout: f64,
}

/// A node type with the layer that brings its features to hidden_dim.
struct Projection {
    node_type: String,
    width: i64,
    linear: Linear,
}

impl Model for GAT {
    type Params = Params;

    const NEEDS_GRAPH: bool = true;

    fn new(params: Params, graph: &GraphMetadata, path: &tch::nn::Path, _: &Context) -> Result<Self> {
        let (user, item) = (graph.source()?, graph.destination()?);
        let user_dim = user.width_or("user_dim", params.user_dim, params.hidden_dim)?;
        let item_dim = item.width_or("item_dim", params.item_dim, params.hidden_dim)?;
        let project = |name: &str, node: &NodeMetadata, width| -> Result<Projection> {
            let linear = Linear::new(&(path / name), width, params.hidden_dim)?;
            Ok(Projection { node_type: node.name.clone(), width, linear })
        };
        let projections = vec![project("user_proj", user, user_dim)?, project("item_proj", item, item_dim)?];
        let layers = (0..params.num_layers).map(|index| layer(path, index, graph, &params)).collect::<Result<_>>()?;
        Ok(Self { projections, layers, target: graph.target.clone(), dropout: params.dropout })
    }

    fn feature_width(&self, node_type: &str) -> Option<i64> {
        self.projections.iter().find(|projection| projection.node_type == node_type).map(|projection| projection.width)
    }

    fn encode(&self, graph: &Graph, mode: Mode) -> Result<NodeEmbeddings> {
        let mut x = NodeEmbeddings::default();
        for Projection { node_type, linear, .. } in &self.projections {
            x = x.with(node_type, linear.forward(graph.features(node_type)?)?); // [n_nodes, hidden_dim]
        }
        for (index, convs) in self.layers.iter().enumerate() {
            if index > 0 {
                x = self.activate(x, mode)?;
            }
            x = self.propagate(convs, &x, graph, mode)?;
        }
        Ok(x)
    }
}

/// One convolution an edge type, named as PyG's `HeteroConv` in a `ModuleList` names it.
fn layer(
    path: &tch::nn::Path,
    index: i64,
    graph: &GraphMetadata,
    params: &Params,
) -> Result<Vec<(EdgeType, GATv2Conv)>> {
    let width = if index == 0 { params.hidden_dim } else { params.num_heads * params.hidden_dim };
    let options = GATv2Options {
        out_channels: params.hidden_dim,
        heads: params.num_heads,
        concat: true,
        negative_slope: params.negative_slope,
        dropout: params.dropout,
        share_weights: false,
    };
    let conv = |edge_type: &EdgeType| {
        let EdgeType { source, relation, destination } = edge_type;
        let path = path / "convs" / index / "convs" / format!("<{source}___{relation}___{destination}>");
        Ok((edge_type.clone(), GATv2Conv::new(&path, (width, width), options)?))
    };
    graph.edge_types.iter().map(conv).collect()
}

impl GAT {
    fn activate(&self, x: NodeEmbeddings, mode: Mode) -> Result<NodeEmbeddings> {
        let mut activated = NodeEmbeddings::default();
        for (node_type, x) in x.by_type {
            activated = activated.with(&node_type, nn::relu_dropout(&x, self.dropout, mode.is_train())?);
        }
        Ok(activated)
    }

    /// A layer: messages along every edge type, summed where two of them reach one node type.
    fn propagate(
        &self,
        convs: &[(EdgeType, GATv2Conv)],
        x: &NodeEmbeddings,
        graph: &Graph,
        mode: Mode,
    ) -> Result<NodeEmbeddings> {
        let mut out = NodeEmbeddings::default();
        for (edge_type, conv) in convs {
            let (source, destination) = (x.get(&edge_type.source)?, x.get(&edge_type.destination)?);
            let edges = Edges::of(graph.edge(edge_type)?, source.size()[0], destination.size()[0])?;
            let messages = conv.forward(source, destination, &edges, mode.is_train())?; // [n, heads * hidden_dim]
            let sum: Tensor = match out.by_type.get(&edge_type.destination) {
                Some(other) => other.f_add(&messages)?,
                None => messages,
            };
            out = out.with(&edge_type.destination, sum);
        }
        for node_type in [&self.target.source, &self.target.destination] {
            out.get(node_type).map_err(|error| error.context(format!("no edge type leads to `{node_type}`")))?;
        }
        Ok(out)
    }
}

plugin_api::export_plugin!(model: GAT);

//! `light_gcn:LightGCN`: embeddings of users and items, averaged over the graph.

use nn::{light_gcn_propagation, Edges};
use plugin_api::prelude::*;
use tch::nn::Init;
use tch::{no_grad, Tensor};

plugin_api::params! {
    /// LightGCN (He et al., 2020): a learned embedding a node, passed num_layers times over the message edges of the target type in both
    /// directions, normalised by the degrees of both ends; the result is the weighted sum of the embeddings and all layers. Reads no
    /// features. Nodes that were not there in training have no embedding.
    struct Params {
        /// Width of the embeddings.
        #[schemars(range(min = 1))]
        embedding_dim: i64 = 64,
        /// Rounds of propagation. 0 is matrix factorisation.
        #[schemars(range(min = 0))]
        num_layers: i64 = 3,
        /// Weights of the embeddings and of each layer, num_layers + 1 numbers. By default all 1 / (num_layers + 1).
        alpha: Option<Vec<f64>> = None,
    }
}

struct LightGCN {
    /// `[n_users + n_items, embedding_dim]`, users first.
    embedding: Tensor,
    /// `[num_layers + 1]`; no parameter, but a buffer of PyG's class, which may come with weights from there.
    alpha: Tensor,
    target: EdgeType,
    n_nodes: [i64; 2],
}

impl Model for LightGCN {
    type Params = Params;

    const NEEDS_GRAPH: bool = true;

    fn new(params: Params, graph: &GraphMetadata, path: &tch::nn::Path, _: &Context) -> Result<Self> {
        let alpha: Vec<f32> = params.layer_weights()?.into_iter().map(|weight| weight as f32).collect();
        let n_nodes = [graph.source()?.n_nodes, graph.destination()?.n_nodes];
        let shape = [n_nodes[0] + n_nodes[1], params.embedding_dim];
        // Uniform as `torch.nn.init.xavier_uniform_`, with which PyG's class begins.
        let bound = (6.0 / (shape[0] + shape[1]) as f64).sqrt();
        let embedding = (path / "embedding").f_var("weight", &shape, Init::Uniform { lo: -bound, up: bound })?;
        let mut buffer = path.f_zeros_no_train("alpha", &[alpha.len() as i64])?;
        no_grad(|| buffer.f_copy_(&Tensor::f_from_slice(&alpha)?))?;
        Ok(Self { embedding, alpha: buffer, target: graph.target.clone(), n_nodes })
    }

    fn encode(&self, graph: &Graph, _: Mode) -> Result<NodeEmbeddings> {
        let edges = Edges::of(graph.edge(&self.target)?, self.n_nodes[0], self.n_nodes[1])?;
        let alpha = Vec::<f64>::try_from(&self.alpha)?;
        let nodes = light_gcn_propagation(&self.embedding, &edges, &alpha)?; // [n_users + n_items, embedding_dim]
        let [users, items]: [Tensor; 2] = nodes
            .f_split_with_sizes(self.n_nodes, 0)?
            .try_into()
            .map_err(|_| PluginError::failed("libtorch split a tensor into other than two parts"))?;
        Ok(NodeEmbeddings::default().with(&self.target.source, users).with(&self.target.destination, items))
    }
}

impl Params {
    fn layer_weights(&self) -> Result<Vec<f64>> {
        let n = usize::try_from(self.num_layers).ok().and_then(|n| n.checked_add(1));
        let n = n.ok_or_else(|| PluginError::invalid_parameter("num_layers", "must be 0 or more"))?;
        match &self.alpha {
            None => Ok(vec![1.0 / n as f64; n]),
            Some(alpha) if alpha.len() == n => Ok(alpha.clone()),
            Some(alpha) => Err(PluginError::invalid_parameter(
                "alpha",
                format!("{} numbers; the embeddings and {} layers need {n}", alpha.len(), self.num_layers),
            )),
        }
    }
}

plugin_api::export_plugin!(model: LightGCN);

//! `my_plugin:MyPlugin`: a model of users and items.
//!
//! Here, matrix factorisation with item biases (Koren et al., 2009): the score of a user and an item is the dot product of their
//! embeddings plus the bias of the item. `new` says what is learned, `encode` what is computed.

use plugin_api::prelude::*;
use tch::nn::{Init, Path};
use tch::Tensor;

plugin_api::params! {
    /// Matrix factorisation with item biases.
    struct Params {
        /// Width of the embeddings.
        #[schemars(range(min = 1, max = 4096))]
        dim: i64 = 32,
    }
}

struct MyPlugin {
    target: EdgeType,
    users: Tensor,
    items: Tensor,
    item_bias: Tensor,
}

impl Model for MyPlugin {
    type Params = Params;

    fn new(params: Params, graph: &GraphMetadata, weights: &Path, _: &Context) -> Result<Self> {
        let (n_users, n_items) = (graph.source()?.n_nodes, graph.destination()?.n_nodes);
        let normal = Init::Randn { mean: 0.0, stdev: 0.1 };
        Ok(Self {
            target: graph.target.clone(),
            users: weights.f_var("users", &[n_users, params.dim], normal)?,
            items: weights.f_var("items", &[n_items, params.dim], normal)?,
            item_bias: weights.f_var("item_bias", &[n_items, 1], Init::Const(0.0))?,
        })
    }

    fn encode(&self, _: &Graph, _: Mode) -> Result<NodeEmbeddings> {
        // The score is a dot product: a bias is a column that meets a column of ones.
        let ones = self.users.f_narrow(1, 0, 1)?.f_ones_like()?; // [n_users, 1]
        let users = Tensor::f_cat(&[&self.users, &ones], 1)?; // [n_users, dim + 1]
        let items = Tensor::f_cat(&[&self.items, &self.item_bias], 1)?; // [n_items, dim + 1]
        Ok(NodeEmbeddings::default().with(&self.target.source, users).with(&self.target.destination, items))
    }
}

plugin_api::export_plugin!(model: MyPlugin);

//! Matrix factorisation: a user's score of an item is the dot product of their factors plus a bias of each.

use plugin_api::prelude::*;
use tch::nn::{Init, Path};
use tch::Tensor;

plugin_api::params! {
    /// Matrix factorisation (Koren et al., 2009): learned factors and biases of users and items.
    struct Params {
        /// The number of factors.
        #[schemars(range(min = 1))]
        dim: i64 = 16,
    }
}

struct MatrixFactorisation {
    target: EdgeType,
    user: [Tensor; 2],
    item: [Tensor; 2],
}

impl Model for MatrixFactorisation {
    type Params = Params;

    fn new(params: Params, graph: &GraphMetadata, path: &Path, _: &Context) -> Result<Self> {
        let (users, items) = (graph.source()?.n_nodes, graph.destination()?.n_nodes);
        let table = |name, n, dim| (path / name).f_var("weight", &[n, dim], Init::Randn { mean: 0.0, stdev: 0.1 });
        let user = [table("user_factors", users, params.dim)?, table("user_bias", users, 1)?];
        let item = [table("item_factors", items, params.dim)?, table("item_bias", items, 1)?];
        Ok(Self { target: graph.target.clone(), user, item })
    }

    fn encode(&self, _: &Graph, _: Mode) -> Result<NodeEmbeddings> {
        let ([user, user_bias], [item, item_bias]) = (&self.user, &self.item);
        let user = Tensor::f_cat(&[user, user_bias, &user_bias.f_ones_like()?], 1)?; // [n_users, dim + 2]
        let item = Tensor::f_cat(&[item, &item_bias.f_ones_like()?, item_bias], 1)?; // [n_items, dim + 2]
        Ok(NodeEmbeddings::default().with(&self.target.source, user).with(&self.target.destination, item))
    }
}

plugin_api::export_plugin!(model: MatrixFactorisation);

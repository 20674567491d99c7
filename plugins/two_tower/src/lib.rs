//! `two_tower:TwoTower`: a multi-layer perceptron a side, no edges.

use nn::Linear;
use plugin_api::prelude::*;
use tch::Tensor;

plugin_api::params! {
    /// Two MLP towers (Linear, Dropout, ReLU, Linear, Dropout, ReLU), one for users and one for items; the score is the dot product of
    /// their outputs. Reads features only.
    struct Params {
        /// Width of the user features. By default the width in the data; where the data have none, hidden_dim.
        #[schemars(range(min = 1))]
        user_dim: Option<i64> = None,
        /// Width of the item features, likewise.
        #[schemars(range(min = 1))]
        item_dim: Option<i64> = None,
        /// Width of the hidden layer and of the embeddings.
        #[schemars(range(min = 1))]
        hidden_dim: i64 = 128,
        /// Probability with which an activation is dropped in training.
        #[schemars(range(min = 0.0, max = 1.0))]
        dropout: f64 = 0.1,
    }
}

struct TwoTower {
    user_tower: Tower,
    item_tower: Tower,
    /// Node types and feature widths, user first.
    inputs: [(String, i64); 2],
}

impl Model for TwoTower {
    type Params = Params;

    fn new(params: Params, graph: &GraphMetadata, path: &tch::nn::Path, _: &Context) -> Result<Self> {
        let (user, item) = (graph.source()?, graph.destination()?);
        let user_dim = user.width_or("user_dim", params.user_dim, params.hidden_dim)?;
        let item_dim = item.width_or("item_dim", params.item_dim, params.hidden_dim)?;
        Ok(Self {
            user_tower: Tower::new(&(path / "user_tower"), user_dim, &params)?,
            item_tower: Tower::new(&(path / "item_tower"), item_dim, &params)?,
            inputs: [(user.name.clone(), user_dim), (item.name.clone(), item_dim)],
        })
    }

    fn feature_width(&self, node_type: &str) -> Option<i64> {
        self.inputs.iter().find(|(name, _)| name == node_type).map(|(_, width)| *width)
    }

    fn encode(&self, graph: &Graph, mode: Mode) -> Result<NodeEmbeddings> {
        let [(user, _), (item, _)] = &self.inputs;
        Ok(NodeEmbeddings::default()
            .with(user, self.user_tower.forward(graph.features(user)?, mode)?)
            .with(item, self.item_tower.forward(graph.features(item)?, mode)?))
    }
}

/// As `torch.nn.Sequential` numbers it: the second Linear is module 3.
struct Tower {
    first: Linear,
    second: Linear,
    dropout: f64,
}

impl Tower {
    fn new(path: &tch::nn::Path, input: i64, params: &Params) -> Result<Self> {
        Ok(Self {
            first: Linear::new(&(path / 0), input, params.hidden_dim)?,
            second: Linear::new(&(path / 3), params.hidden_dim, params.hidden_dim)?,
            dropout: params.dropout,
        })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let hidden = nn::relu_dropout(&self.first.forward(x)?, self.dropout, mode.is_train())?; // [n, hidden_dim]
        Ok(nn::relu_dropout(&self.second.forward(&hidden)?, self.dropout, mode.is_train())?)
        // [n, hidden_dim]
    }
}

plugin_api::export_plugin!(model: TwoTower);

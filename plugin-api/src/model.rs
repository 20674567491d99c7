//! [`Model`]: turns features, and edges where it needs them, into node embeddings.

use std::collections::BTreeMap;

use tch::{nn, Tensor};

use crate::context::Context;
use crate::error::{PluginError, Result};
use crate::graph::{Graph, GraphMetadata};
use crate::params::Parameters;

/// Whether dropout and the like are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Train,
    Eval,
}

impl Mode {
    /// As libtorch's functions want it.
    pub fn is_train(self) -> bool {
        matches!(self, Mode::Train)
    }
}

/// An encoder of nodes. The score of an edge is the dot product of the embeddings of its ends.
pub trait Model: Sized + Send + 'static {
    type Params: Parameters;

    /// Whether `encode` reads edges. Such a model is refused under a trainer that passes none.
    const NEEDS_GRAPH: bool = false;

    /// Builds the model with its weights in `path`, whose variable names are those of the PyTorch `state_dict`.
    ///
    /// # Errors
    /// If parameters and graph do not fit together.
    fn new(params: Self::Params, graph: &GraphMetadata, path: &nn::Path, context: &Context) -> Result<Self>;

    /// The width of the features that the model reads of this node type. Where the data have none, the host makes
    /// seeded random ones of this width. `None`: reads none.
    fn feature_width(&self, _node_type: &str) -> Option<i64> {
        None
    }

    /// Embeddings of the target's source and destination nodes, f32 `[n_nodes, width]` of one width.
    ///
    /// # Errors
    /// If the graph lacks what the model needs.
    fn encode(&self, graph: &Graph, mode: Mode) -> Result<NodeEmbeddings>;
}

/// Embeddings by node type, f32 `[n_nodes, width]`.
#[derive(Debug, Default)]
pub struct NodeEmbeddings {
    pub by_type: BTreeMap<String, Tensor>,
}

impl NodeEmbeddings {
    pub fn with(mut self, node_type: &str, embedding: Tensor) -> Self {
        self.by_type.insert(node_type.to_owned(), embedding);
        self
    }

    /// # Errors
    /// If the model gave none for this node type.
    pub fn get(&self, node_type: &str) -> Result<&Tensor> {
        self.by_type.get(node_type).ok_or_else(|| {
            let names: Vec<_> = self.by_type.keys().map(String::as_str).collect();
            PluginError::invalid_data(format!(
                "the model gave no embeddings of `{node_type}`; it gave: [{}]",
                names.join(", ")
            ))
        })
    }
}

//! The contract between recsys-host and its plugins.
//!
//! A plugin is a `cdylib` that implements one or more of the traits [`DataLoader`], [`Model`], [`Loss`], [`Trainer`]
//! and [`Evaluator`] over ordinary Rust types and [`tch::Tensor`], and ends with [`export_plugin!`]. No author sees the
//! ABI, writes `unsafe` or names a vtable.
//!
//! # Code map, in the order in which data flows
//!
//! | module | what it defines |
//! |---|---|
//! | [`error`] | [`PluginError`], the one error that crosses |
//! | [`kind`] | the kinds of component |
//! | [`mod@params`] | typed parameters with a JSON Schema |
//! | [`tensor`] | the libtorch handle that crosses |
//! | [`record`] | named tensors and texts: how composite data crosses and is stored |
//! | [`edge_index`], [`graph`], [`dataset`] | grouped edges, the user-movie graph, its splits, the catalog of raw ids and titles |
//! | [`context`] | what the host offers a plugin |
//! | [`profile`] | spans: named pieces of work, timed by `train --profile` |
//! | [`data_loader`], [`model`], [`loss`], [`evaluator`], [`trainer`] | the author-side traits |
//! | [`testing`] | the contract as a test of the author's own crate |
//! | [`abi`] | ABI twins of the traits, adapters both ways, panic guard, export macro |
//!
//! It knows no YAML, no paths of the host and no command line.

pub mod abi;
pub mod context;
pub mod data_loader;
pub mod dataset;
pub mod edge_index;
pub mod error;
pub mod evaluator;
pub mod graph;
pub mod loss;
pub mod model;
pub mod params;
pub mod profile;
pub mod record;
pub mod tensor;
pub mod testing;
pub mod trainer;

pub use context::Context;
pub use data_loader::DataLoader;
pub use error::{PluginError, Result};
pub use evaluator::Evaluator;
pub use loss::Loss;
pub use model::Model;
pub use plugin_identity::kind::{self, ComponentKind};
pub use plugin_identity::{ApiVersion, API_VERSION, LEAST_HOST, LIBTORCH_VERSION};
pub use trainer::Trainer;

/// What most plugins need: `use plugin_api::prelude::*;`.
pub mod prelude {
    pub use crate::context::{Context, EpochRecord, Progress};
    pub use crate::data_loader::DataLoader;
    pub use crate::dataset::{Catalog, LinkSplits, NodeCatalog, Split};
    pub use crate::error::{ErrorKind, PluginError, Result};
    pub use crate::evaluator::{Evaluation, Evaluator, Metrics, Scope};
    pub use crate::export_plugin;
    pub use crate::graph::{EdgeStore, EdgeType, Graph, GraphMetadata, NodeMetadata, NodeStore};
    pub use crate::loss::Loss;
    pub use crate::model::{Mode, Model, NodeEmbeddings};
    pub use crate::params::NoParams;
    pub use crate::profile;
    pub use crate::trainer::{Fit, FitReport, Trainer};
    pub use schemars::{self, JsonSchema};
    pub use serde::{self, Deserialize, Serialize};
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_crate_has_the_version_of_the_contract() {
        assert!(env!("CARGO_PKG_VERSION").starts_with(&format!("{}.", super::API_VERSION)));
    }
}

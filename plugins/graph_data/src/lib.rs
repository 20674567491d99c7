//! What data loaders share: the split of a graph into training, validation and test, and the file that graphs and splits are
//! stored in. A plain library; the loaders are in their own crates.

pub mod file;
pub mod split;
mod split_graph;

pub use split_graph::{split_graph, whole_graph, Attribute, EdgeColumns};

//! Graph neural network layers that the models share: a layer a file, with the parameter names, shapes and initialisation of the
//! PyTorch or PyG class of the same name. What runs over edges is fused in `kernels` and stands here a second time with libtorch's
//! operations; [`path`] chooses. Models are in their own crates.

mod autograd;
mod edge_loss;
mod edges;
mod gather;
mod gatv2_conv;
mod light_gcn;
mod linear;
pub mod path;
mod ranking;
mod relu_dropout;
mod score;
mod slices;
mod softmax;

pub use edge_loss::{edge_loss, EdgeCriterion};
pub use edges::{index_edges, Edges};
pub use gather::{gather_rows, scatter_sum};
pub use gatv2_conv::{GATv2Conv, GATv2Options};
pub use light_gcn::light_gcn_propagation;
pub use linear::Linear;
pub use ranking::{ItemRanking, ItemsByUser, Scored};
pub use relu_dropout::relu_dropout;
pub use score::dot_product_scores;
pub use softmax::softmax_by_destination;

/// Errors of the layers are libtorch's.
pub type Result<T> = std::result::Result<T, tch::TchError>;

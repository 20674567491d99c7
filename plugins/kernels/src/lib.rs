//! The inner loops that the project exists for, on plain slices: [`parallel`] and [`parts`] run them on libtorch's threads, [`csr`]
//! groups edges, [`pieces`] shares them out and [`visits`] orders them, [`row_sums`] adds up over them, [`vector`] works on rows. On
//! these stand [`gatv2`], the attention layer, [`spmm`], sums over neighbours and LightGCN, [`edge_scores`] and [`edge_loss`], which
//! score labelled edges, [`relu_dropout`] and [`top_k`], the full ranking; [`mapped`] opens files as memory, and [`memory`] tells the
//! allocator what to keep. Tensors, autograd and errors for users are left to `nn`, which wraps them.

pub mod arch;
pub mod csr;
pub mod dropout;
pub mod edge_loss;
pub mod edge_scores;
pub mod gatv2;
pub mod mapped;
pub mod memory;
pub mod parallel;
pub mod parts;
pub mod pieces;
pub mod prefetch;
pub mod random;
pub mod relu_dropout;
pub mod row_sums;
pub mod rows;
pub mod spmm;
pub mod top_k;
mod vector;
pub mod visits;

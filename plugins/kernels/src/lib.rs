//! The inner loops that the project exists for, on plain slices: [`parallel`] runs them on libtorch's threads, [`csr`] groups edges and
//! [`pieces`] shares them out, [`vector`] works on rows, [`gatv2`] is the attention layer,
//! [`spmm`] are sums over neighbours. Tensors, autograd and errors for users are
//! left to `nn`, which wraps them.

pub mod arch;
pub mod csr;
pub mod dropout;
pub mod gatv2;
pub mod parallel;
pub mod pieces;
pub mod rows;
pub mod spmm;
mod vector;

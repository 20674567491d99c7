//! The inner loops that the project exists for, on plain slices: [`parallel`] runs them on libtorch's threads. Tensors, autograd and
//! errors for users are left to `nn`, which wraps them.

pub mod mapped;
pub mod parallel;
pub mod parts;

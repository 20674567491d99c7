//! `recsys-host tune`: which values of some parameters give the best metric.
//!
//! In the order of the data: the space ([`space`]), the point that is tried next ([`sampler`]).

pub mod importance;
pub mod pruner;
pub mod sampler;
pub mod space;

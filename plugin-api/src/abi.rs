//! The ABI: twins of the author-side traits, adapters both ways, panic guard, identity note, export macro.
//!
//! `abi_stable` is named nowhere else (but for the derive on [`crate::tensor::TensorHandle`]): it is dormant upstream and
//! could be replaced here. Every twin file holds the `#[sabi_trait]`, the adapter that runs in the producer, and the object
//! that the consumer calls. What crosses is flat: records of tensors and texts, numbers, and one error type; new names may
//! be added to a record, new methods at the end of a twin.

// `#[sabi_trait]` writes impls inside constants, which rustc warns of; the crate will not change any more.
#![allow(non_local_definitions)]

pub mod data_loader;
pub mod evaluator;
mod export;
pub mod guard;
pub mod host;
pub mod logger;
pub mod loss;
pub mod model;
pub mod module;
pub mod profile;
pub mod trainer;
pub mod types;

pub use abi_stable;
pub use plugin_identity::note;

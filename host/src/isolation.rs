//! `isolate: true`: a data loader or an evaluator in a process of its own, so that a segfault there is an error here.
//!
//! The host keeps the other end: [`parts`] are a loader and an evaluator like any other, whose calls [`worker`] sends to the child,
//! where [`child`] answers them with the plugin. [`wire`] is what they say to each other, a line of JSON a message over a socket;
//! tensors lie in files that exist in memory only and are mapped, in the safetensors layout ([`memory`]). Log lines and progress come
//! back while a call lasts; a wish to stop goes there as the signal of Ctrl-C.
//!
//! Leaves out: checkpoints and epochs, which only trainers write; the spans of `--profile`; CUDA (a part in a process of its own
//! computes on the CPU).

pub mod child;
mod memory;
mod parts;
mod wire;
mod worker;

pub use parts::{data_loader, evaluator};
pub use worker::Worker;

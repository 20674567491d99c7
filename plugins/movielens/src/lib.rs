//! `movielens:MovielensDataLoader`: MovieLens ratings as a user-movie graph.
//!
//! In the order of the data: which release ([`release`]) from where ([`sources`], tried by [`mirrors`]: [`raw_folder`], [`download`],
//! [`pip`]), opened safely ([`archive`], [`contents`], [`hashing`]), read ([`lines`], [`ratings`], [`titles`]), numbered
//! ([`interactions`]); [`fetch`] ties these together, [`loader`] makes tensors of the result and caches the graph.

mod error;
mod events;

mod archive;
mod contents;
mod download;
mod fetch;
mod hashing;
mod interactions;
mod lines;
mod loader;
mod mirrors;
mod pip;
mod ratings;
mod raw_folder;
mod release;
mod sources;
mod titles;

use loader::MovielensDataLoader;

plugin_api::export_plugin!(data_loader: MovielensDataLoader);

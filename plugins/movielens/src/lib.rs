//! `movielens:MovielensDataLoader`: MovieLens ratings as a user-movie graph.
//!
//! In the order of the data: which release ([`release`]) from where ([`sources`], tried by [`mirrors`]: [`raw_folder`], [`download`],
//! [`pip`]), opened safely ([`archive`], [`contents`], [`hashing`]), read ([`ratings`] from [`blocks`] of [`rows`] in a [`layout`],
//! [`titles`]), numbered ([`raw_ids`], [`interactions`]); [`fetch`] ties these together, [`cache`] keeps the result, [`loader`] makes the
//! graph of it.

mod error;
mod events;

mod archive;
mod blocks;
mod cache;
mod contents;
mod download;
mod fetch;
mod hashing;
mod interactions;
mod layout;
mod loader;
mod mirrors;
mod pip;
mod ratings;
mod raw_folder;
mod raw_ids;
mod release;
mod rows;
mod sources;
mod titles;

use loader::MovielensDataLoader;

// Without a host, as benches/ratings.rs reads ratings.
pub use events::Events;
pub use ratings::{OnBadRow, Reading};
pub use release::Format;

plugin_api::export_plugin!(data_loader: MovielensDataLoader);

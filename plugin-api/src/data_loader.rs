//! [`DataLoader`]: gives the graph and its splits.

use crate::context::Context;
use crate::dataset::{Catalog, LinkSplits};
use crate::error::Result;
use crate::graph::Graph;
use crate::params::Parameters;

/// Fetches data and makes a graph of it.
///
/// The host calls `prepare` first, then any of the others, each at most once.
pub trait DataLoader: Sized + Send + 'static {
    type Params: Parameters;

    /// # Errors
    /// If the parameters do not make sense together. Nothing is fetched here.
    fn new(params: Self::Params, context: &Context) -> Result<Self>;

    /// Makes the data available locally, so that the rest needs no network; with `force` fetches and builds anew.
    /// Returns a line that says what there is and where it came from.
    ///
    /// # Errors
    /// If the data cannot be had, or are wrong.
    fn prepare(&mut self, force: bool, context: &Context) -> Result<String>;

    /// The whole graph, unsplit.
    ///
    /// # Errors
    /// If the data cannot be read.
    fn get_data(&mut self, context: &Context) -> Result<Graph>;

    /// 80/10/10 (or as configured) link splits; the same for the same seed, on every machine.
    ///
    /// # Errors
    /// If the data cannot be read or split.
    fn get_train_val_test_data(&mut self, context: &Context) -> Result<LinkSplits>;

    /// Raw ids and titles; empty if the data have none.
    ///
    /// # Errors
    /// If the data cannot be read.
    fn catalog(&mut self, _context: &Context) -> Result<Catalog> {
        Ok(Catalog::default())
    }

    /// A hash that changes when the data change; goes into `run.json`.
    fn fingerprint(&self) -> Option<String> {
        None
    }
}

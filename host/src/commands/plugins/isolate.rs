//! `recsys-host plugins isolate`, which the host runs itself: see [`crate::isolation`].

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The socket at which the host listens.
    address: PathBuf,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    crate::isolation::child::serve(&arguments.address)
}

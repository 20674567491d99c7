//! `recsys-host plugins probe`, which the host runs itself: see [`crate::plugins::probe`].

use std::path::PathBuf;

use crate::plugins::probe;
use crate::terminal::LOG_SINK;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(required = true)]
    libraries: Vec<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    crate::child::die_with_parent();
    probe::open_all(&arguments.libraries, LOG_SINK);
    std::process::exit(i32::from(probe::FINISHED))
}

//! `recsys-host job RUN_DIR`, which the host runs itself: see [`crate::jobs`].

use std::path::PathBuf;

use crate::artifacts::profile;
use crate::artifacts::run_directory::CONFIG;
use crate::config::Request;
use crate::experiment::{self, Terms, Trained};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A folder that holds nothing but a config.yaml, and an overrides.yaml.
    run_dir: PathBuf,
    #[arg(long)]
    profile: bool,
    /// For a config that sets none.
    #[arg(long)]
    threads: usize,
    /// The process that started this one, without which it must not go on.
    #[arg(long)]
    parent: i32,
}

pub fn run(arguments: &Arguments, plugin_dirs: &[PathBuf]) -> anyhow::Result<Trained> {
    crate::child::die_with(arguments.parent);
    if arguments.profile {
        profile::start();
    }
    let request = Request::from_file(arguments.run_dir.join(CONFIG), Vec::new());
    let terms = Terms { job: Some(&arguments.run_dir), threads: Some(arguments.threads), former: None };
    experiment::train(experiment::check(&request, plugin_dirs)?, &terms)
}

//! `recsys-host plugins`: a file a command.

pub mod inspect;
pub mod list;

use std::path::PathBuf;

use crate::plugins::SearchPath;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Name every constructor on the search path, read from the files without opening them.
    List(list::Arguments),
    /// Show a library's constructors with their documentation and parameters.
    Inspect(inspect::Arguments),
}

pub fn run(command: Command, plugin_dirs: &[PathBuf]) -> anyhow::Result<()> {
    let search_path = SearchPath::new(plugin_dirs, &[]);
    match command {
        Command::List(arguments) => list::run(&arguments, &search_path),
        Command::Inspect(arguments) => inspect::run(&arguments, search_path),
    }
}

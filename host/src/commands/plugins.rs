//! `recsys-host plugins`: a file a command.

pub mod check;
pub mod inspect;
pub mod list;
pub mod new;
pub mod schema;

use std::path::PathBuf;

use crate::plugins::SearchPath;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Name every constructor on the search path, read from the files without opening them.
    List(list::Arguments),
    /// Show a library's constructors with their documentation and parameters.
    Inspect(inspect::Arguments),
    /// Write a new plugin: a crate that builds, passes its tests and trains as it is.
    New(new::Arguments),
    /// Write JSON Schemas of configs, from which editors complete and check them.
    Schema(schema::Arguments),
    /// Check that a library does what the host and its users rely on: every test in a child process.
    Check(check::Arguments),
    /// The child of `check`.
    #[command(hide = true)]
    RunTests(check::WorkerArguments),
}

pub fn run(command: Command, plugin_dirs: &[PathBuf]) -> anyhow::Result<()> {
    let search_path = SearchPath::new(plugin_dirs, &[]);
    match command {
        Command::List(arguments) => list::run(&arguments, &search_path),
        Command::Inspect(arguments) => inspect::run(&arguments, search_path),
        Command::New(arguments) => new::run(arguments),
        Command::Schema(arguments) => schema::run(&arguments, search_path),
        Command::Check(arguments) => check::run(arguments, &search_path),
        Command::RunTests(arguments) => check::run_worker(&arguments),
    }
}

//! `recsys-host plugins`: a file a command.

pub mod check;
pub mod inspect;
pub mod isolate;
pub mod lock;
pub mod new;
pub mod probe;
pub mod schema;

use std::path::PathBuf;

use front::commands::{doctor, list};

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
    /// Explain every plugin file that is not used, with the cure; exit code 1 if there is one.
    Doctor(doctor::Arguments),
    /// Write plugins.lock: from then on only these very files are opened.
    Lock(lock::Arguments),
    /// Open libraries and say so: what the host has a child process do with libraries that it has never seen.
    #[command(hide = true)]
    Probe(probe::Arguments),
    /// Serve one part of an experiment to the host that started this process.
    #[command(hide = true)]
    Isolate(isolate::Arguments),
}

pub fn run(command: Command, plugin_dirs: &[PathBuf]) -> anyhow::Result<()> {
    let search_path = SearchPath::new(plugin_dirs);
    match command {
        Command::List(arguments) => list::run(&arguments, &search_path),
        Command::Inspect(arguments) => inspect::run(&arguments, search_path),
        Command::New(arguments) => new::run(arguments),
        Command::Schema(arguments) => schema::run(&arguments, search_path),
        Command::Check(arguments) => check::run(arguments, &search_path),
        Command::RunTests(arguments) => check::run_worker(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments, &search_path),
        Command::Lock(arguments) => lock::run(arguments, search_path),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Isolate(arguments) => isolate::run(&arguments),
    }
}

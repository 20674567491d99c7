//! The command line, and how errors become messages and exit codes: 0 done, 1 failed, 2 wrong usage or config, 130 interrupted.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use front::cli::{is_faulty_input, FAULTY};
pub use front::cli::{ConfigArguments, Options, Usage};
use plugin_api::error::ErrorKind;

use crate::commands::{self, train::Ended};
use crate::experiment::ComponentFailure;
use crate::terminal::terminal;

/// Trains, evaluates and serves graph recommenders whose parts are plugins.
#[derive(Debug, Parser)]
#[command(name = "recsys-host", version, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train and evaluate what a config describes; the last line of output is the run directory.
    Train(commands::train::Arguments),
    /// Search the parameters' values that make a metric best; also `tune best` and `tune report`.
    Tune(commands::tune::Arguments),
    /// Check a config before any work: every module, every parameter; all faults at once.
    Check(commands::check::Arguments),
    /// Make a config's data available locally: fetch, check, build the graph.
    Load(commands::load::Arguments),
    /// Evaluate a run's model on its test split; prints the metrics as JSON.
    Evaluate(commands::evaluate::Arguments),
    /// Recommend items to a user with a run's model.
    Recommend(commands::recommend::Arguments),
    /// Look at a config: what it is composed of, what set a value, where two differ.
    #[command(subcommand)]
    Config(front::commands::config::Command),
    /// See what plugins there are.
    #[command(subcommand)]
    Plugins(commands::plugins::Command),
    /// Run a job of a multirun or of tuning; the host does that itself.
    #[command(hide = true)]
    Job(commands::job::Arguments),
    /// Write a completion script for a shell: `recsys-host completions bash > FILE`.
    Completions(commands::completions::Arguments),
    /// What the completion scripts ask on every Tab.
    #[command(hide = true)]
    Complete(commands::completions::LineArguments),
}

/// The user asked to stop: exit code 130.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

pub const INTERRUPTED: u8 = 130;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    terminal().install(cli.options.level());
    cli.options.policy.clone().install();
    if let Err(error) = crate::services::watch_interrupts() {
        log::warn!("Ctrl-C will end the process at once: {error}");
    }
    let outcome = run(cli);
    terminal().finish();
    match outcome {
        Ok(code) => code,
        Err(error) => {
            let code = exit_code(&error);
            if code == INTERRUPTED {
                log::error!("interrupted");
            } else {
                // Without the chain's `{:?}`: no Rust backtrace unless a plugin author asks for it.
                log::error!("{error:#}");
            }
            ExitCode::from(code)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Train(arguments) => {
            return Ok(match commands::train::run(arguments, &cli.options.plugin_dir)? {
                Ended::Done => ExitCode::SUCCESS,
                Ended::Failed => ExitCode::FAILURE,
                Ended::Interrupted => ExitCode::from(INTERRUPTED),
            });
        }
        Command::Job(arguments) => {
            let trained = commands::job::run(&arguments, &cli.options.plugin_dir)?;
            return Ok(if trained.interrupted { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS });
        }
        Command::Tune(arguments) => return commands::tune::run(arguments, &cli.options.plugin_dir),
        Command::Check(arguments) => return commands::check::run(arguments, &cli.options.plugin_dir),
        Command::Load(arguments) => commands::load::run(arguments, &cli.options.plugin_dir)?,
        Command::Evaluate(arguments) => commands::evaluate::run(arguments, &cli.options.plugin_dir)?,
        Command::Recommend(arguments) => commands::recommend::run(arguments, &cli.options.plugin_dir)?,
        Command::Config(command) => front::commands::config::run(command)?,
        Command::Plugins(command) => commands::plugins::run(command, &cli.options.plugin_dir)?,
        Command::Completions(arguments) => commands::completions::run(&arguments),
        Command::Complete(arguments) => commands::completions::candidates(arguments, &cli.options.plugin_dir),
    }
    Ok(ExitCode::SUCCESS)
}

fn exit_code(error: &anyhow::Error) -> u8 {
    let failure = error.downcast_ref::<ComponentFailure>().map(|failure| failure.error.kind);
    match failure {
        Some(ErrorKind::Interrupted) => INTERRUPTED,
        Some(ErrorKind::InvalidParameter) => FAULTY,
        Some(ErrorKind::InvalidData | ErrorKind::Unsupported | ErrorKind::Panicked | ErrorKind::Failed) => 1,
        None if error.is::<Interrupted>() => INTERRUPTED,
        None if is_faulty_input(error) => FAULTY,
        None => 1,
    }
}

//! The command line, and how errors become messages and exit codes: 0 done, 1 failed, 2 wrong usage or config, 130 interrupted.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use plugin_api::error::ErrorKind;

use crate::commands::{self, train::Ended};
use crate::config::{Config, ConfigErrors, Request};
use crate::experiment::ComponentFailure;
use crate::plugins::policy::Policy;
use crate::terminal::terminal;

/// Trains, evaluates and serves graph recommenders whose parts are plugins.
#[derive(Debug, Parser)]
#[command(name = "recsys-host", version, propagate_version = true)]
pub struct Cli {
    /// Look for plugins here first; may be repeated.
    #[arg(long, value_name = "DIR", global = true)]
    pub plugin_dir: Vec<PathBuf>,
    /// Say more.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Say only what goes wrong.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    #[command(flatten)]
    pub policy: Policy,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train and evaluate what a config describes; the last line of output is the run directory.
    Train(commands::train::Arguments),
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
    Config(commands::config::Command),
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

/// A config file or name, and overrides.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// CONFIG.yaml, then overrides as in Hydra: `group=option`, `a.b=value`, `+a=value`, `++a=value`, `~a`.
    #[arg(value_name = "CONFIG | OVERRIDE")]
    pub arguments: Vec<String>,
    /// Take the config of this name from --config-dir instead of a file.
    #[arg(long, value_name = "NAME")]
    pub config_name: Option<String>,
    /// The folder of configs and config groups.
    #[arg(long, value_name = "DIR", default_value = "configs", requires = "config_name")]
    pub config_dir: PathBuf,
}

impl ConfigArguments {
    pub fn compose(self) -> anyhow::Result<Config> {
        Ok(crate::config::compose(&self.request()?)?)
    }

    /// Whether no config is named, nor anything else.
    pub fn is_empty(&self) -> bool {
        self.arguments.is_empty() && self.config_name.is_none()
    }

    /// What is to be composed.
    pub fn request(self) -> anyhow::Result<Request> {
        Ok(match self.config_name {
            Some(name) => Request::from_name(self.config_dir, &name, self.arguments)?,
            None => {
                let mut arguments = self.arguments.into_iter();
                let no_config = || Usage("name a config: `recsys-host train configs/config.yaml`".into());
                Request::from_file(arguments.next().ok_or_else(no_config)?, arguments.collect())
            }
        })
    }
}

/// Wrong usage: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// The user asked to stop: exit code 130.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

const INTERRUPTED: u8 = 130;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = match (cli.verbose, cli.quiet) {
        (true, _) => log::LevelFilter::Debug,
        (false, true) => log::LevelFilter::Warn,
        (false, false) => log::LevelFilter::Info,
    };
    terminal().install(level);
    cli.policy.clone().install();
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
            return Ok(match commands::train::run(arguments, &cli.plugin_dir)? {
                Ended::Done => ExitCode::SUCCESS,
                Ended::Failed => ExitCode::FAILURE,
                Ended::Interrupted => ExitCode::from(INTERRUPTED),
            });
        }
        Command::Job(arguments) => {
            let trained = commands::job::run(&arguments, &cli.plugin_dir)?;
            return Ok(if trained.interrupted { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS });
        }
        Command::Check(arguments) => return commands::check::run(arguments, &cli.plugin_dir),
        Command::Load(arguments) => commands::load::run(arguments, &cli.plugin_dir)?,
        Command::Evaluate(arguments) => commands::evaluate::run(arguments, &cli.plugin_dir)?,
        Command::Recommend(arguments) => commands::recommend::run(arguments, &cli.plugin_dir)?,
        Command::Config(command) => commands::config::run(command)?,
        Command::Plugins(command) => commands::plugins::run(command, &cli.plugin_dir)?,
        Command::Completions(arguments) => commands::completions::run(&arguments),
        Command::Complete(arguments) => commands::completions::candidates(arguments, &cli.plugin_dir),
    }
    Ok(ExitCode::SUCCESS)
}

fn exit_code(error: &anyhow::Error) -> u8 {
    let failure = error.downcast_ref::<ComponentFailure>().map(|failure| failure.error.kind);
    match failure {
        Some(ErrorKind::Interrupted) => INTERRUPTED,
        Some(ErrorKind::InvalidParameter) => 2,
        Some(ErrorKind::InvalidData | ErrorKind::Unsupported | ErrorKind::Panicked | ErrorKind::Failed) => 1,
        None if error.is::<Interrupted>() => INTERRUPTED,
        None if error.is::<ConfigErrors>() || error.is::<Usage>() => 2,
        None => 1,
    }
}

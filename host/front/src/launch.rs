//! [`main`] of the binary `recsys-host`: answers at once what needs no libtorch, and becomes the engine for everything else.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;

use crate::cli::{is_faulty_input, Options, FAULTY};
use crate::commands;
use crate::output::PlainLog;
use crate::plugins::SearchPath;

/// The program with all commands; it lies beside this one.
pub const ENGINE: &str = "recsys-host-engine";

/// The part of the command line that is answered here. It must mean what it means to the engine, whose types it is made of.
#[derive(Debug, Parser)]
#[command(name = "recsys-host", disable_help_flag = true, disable_help_subcommand = true)]
struct Answered {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, clap::Subcommand)]
enum Question {
    #[command(subcommand)]
    Config(commands::config::Command),
    #[command(subcommand)]
    Plugins(AboutPlugins),
}

#[derive(Debug, clap::Subcommand)]
enum AboutPlugins {
    List(commands::list::Arguments),
    Doctor(commands::doctor::Arguments),
}

/// Runs the command line of this process. What is not known here, help and wrong usage included, is the engine's to answer.
pub fn main() -> ExitCode {
    match Answered::try_parse() {
        Ok(answered) => answer(answered),
        Err(_) => become_engine(),
    }
}

fn answer(answered: Answered) -> ExitCode {
    PlainLog::install(answered.options.level());
    match run(answered) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{error:#}");
            if is_faulty_input(&error) {
                ExitCode::from(FAULTY)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn run(answered: Answered) -> anyhow::Result<()> {
    let search_path = || SearchPath::new(&answered.options.plugin_dir);
    match answered.question {
        Question::Config(command) => commands::config::run(command),
        Question::Plugins(AboutPlugins::List(arguments)) => commands::list::run(&arguments, &search_path()),
        Question::Plugins(AboutPlugins::Doctor(arguments)) => commands::doctor::run(&arguments, &search_path()),
    }
}

/// Replaces this program, so that the process, its signals and its exit code are the engine's.
fn become_engine() -> ExitCode {
    let engine = engine();
    let error = Command::new(&engine).arg0("recsys-host").args(std::env::args_os().skip(1)).exec();
    PlainLog::install(log::LevelFilter::Info);
    log::error!("{}: {error}; the two are installed together: run `make setup` again", engine.display());
    ExitCode::FAILURE
}

fn engine() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    here.parent().unwrap_or(Path::new("")).join(ENGINE)
}

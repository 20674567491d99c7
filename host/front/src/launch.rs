//! [`main`] of the binary `recsys-host`: answers at once what needs no libtorch, and becomes the engine for everything else.

use std::ffi::{OsStr, OsString};
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
    let tunables = with_huge_pages(std::env::var_os(TUNABLES).as_deref());
    let mut command = Command::new(&engine);
    let error = command.arg0("recsys-host").args(std::env::args_os().skip(1)).env(TUNABLES, tunables).exec();
    PlainLog::install(log::LevelFilter::Info);
    log::error!("{}: {error}; the two are installed together: run `make setup` again", engine.display());
    ExitCode::FAILURE
}

/// Where glibc's allocator is told how to behave: read once, before a program begins, so that only who starts it can set it.
const TUNABLES: &str = "GLIBC_TUNABLES";
const HUGE_PAGES: &str = "glibc.malloc.hugetlb";

/// The tunables of this process with huge pages for what the allocator gets from the system, unless they say already what to do about
/// them. Rows of large matrices are read in no order: with pages of 4 KiB the processor has to look up the place of nearly each
/// (measured: an epoch of GATv2 on 10 million ratings takes 3 to 8% longer; on a million there is no difference). Where the system
/// grants no huge pages, or the C library is another one, nothing changes.
fn with_huge_pages(tunables: Option<&OsStr>) -> OsString {
    let given = tunables.unwrap_or_default();
    let mut all = given.to_owned();
    if !given.to_string_lossy().contains(HUGE_PAGES) {
        if !given.is_empty() {
            all.push(":");
        }
        all.push(format!("{HUGE_PAGES}=1"));
    }
    all
}

fn engine() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    here.parent().unwrap_or(Path::new("")).join(ENGINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_pages_are_added_to_what_the_user_set_and_never_against_it() {
        let with = |tunables: Option<&str>| with_huge_pages(tunables.map(OsStr::new)).into_string().unwrap();
        assert_eq!(with(None), "glibc.malloc.hugetlb=1");
        assert_eq!(with(Some("")), "glibc.malloc.hugetlb=1");
        assert_eq!(with(Some("glibc.malloc.check=1")), "glibc.malloc.check=1:glibc.malloc.hugetlb=1");
        assert_eq!(with(Some("glibc.malloc.hugetlb=0")), "glibc.malloc.hugetlb=0");
    }
}

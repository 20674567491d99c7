//! `recsys-host config`: looking at a config without running it; a file a command.

pub mod defaults_tree;
pub mod diff;
pub mod explain;
pub mod show;

use std::path::Path;

use crate::cli::{ConfigArguments, Usage};
use crate::config::Request;

/// What is looked at where no config is named.
const DEFAULT: &str = "configs/config.yaml";

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print the composed config as YAML.
    Show(show::Arguments),
    /// Print which files a config is composed of, in the order in which they are merged.
    DefaultsTree(defaults_tree::Arguments),
    /// Print which file, line and override set a value, in order; of a section every value.
    Explain(explain::Arguments),
    /// Print in which values the configs of two runs differ.
    Diff(diff::Arguments),
}

pub fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Show(arguments) => show::run(arguments),
        Command::DefaultsTree(arguments) => defaults_tree::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Diff(arguments) => diff::run(&arguments),
    }
}

/// Without a config that of the folder `configs`.
fn request(mut arguments: ConfigArguments) -> anyhow::Result<Request> {
    let names_config = arguments.arguments.first().is_some_and(|first| !first.contains('=') && !first.starts_with('~'));
    if arguments.config_name.is_none() && !names_config {
        if !Path::new(DEFAULT).is_file() {
            return Err(Usage(format!("name a config; there is no {DEFAULT} here")).into());
        }
        arguments.arguments.insert(0, DEFAULT.to_owned());
    }
    arguments.request()
}

//! Where in the command line the cursor stands, and what can stand there.

use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};

use super::overrides;
use crate::cli::Cli;
use crate::config::Request;
use crate::plugins::SearchPath;

/// The line up to the cursor.
struct Place<'a> {
    command: &'a Command,
    /// Names of the commands below the program: `config`, `show`.
    path: Vec<&'a str>,
    /// Arguments of the command that are no options.
    positional: Vec<&'a str>,
    /// Options with their values.
    values: Vec<(&'a str, &'a str)>,
    /// The option whose value is being typed.
    open_option: Option<&'a Arg>,
}

pub(super) fn candidates(words: &[String], plugin_dirs: &[PathBuf]) -> Vec<String> {
    let Some((current, before)) = words.split_last() else { return Vec::new() };
    let mut cli = Cli::command();
    cli.build();
    let place = Place::of(&cli, before.get(1..).unwrap_or_default());
    let found = place.candidates(current, plugin_dirs);
    let mut found: Vec<String> =
        found.into_iter().filter(|candidate| candidate.starts_with(current.as_str())).collect();
    found.dedup();
    found
}

impl<'a> Place<'a> {
    fn of(cli: &'a Command, words: &'a [String]) -> Self {
        let mut place =
            Self { command: cli, path: Vec::new(), positional: Vec::new(), values: Vec::new(), open_option: None };
        for word in words {
            place.pass(word);
        }
        place
    }

    fn pass(&mut self, word: &'a str) {
        if let Some(option) = self.open_option.take() {
            self.values.push((option.get_id().as_str(), word));
        } else if word.starts_with('-') {
            let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            let Some(option) = self.option(name).filter(|option| takes_value(option)) else { return };
            match value {
                Some(value) => self.values.push((option.get_id().as_str(), value)),
                None => self.open_option = Some(option),
            }
        } else if let Some(command) = self.command.find_subcommand(word).filter(|_| self.positional.is_empty()) {
            self.command = command;
            self.path.push(word);
        } else {
            self.positional.push(word);
        }
    }

    fn option(&self, name: &str) -> Option<&'a Arg> {
        let is_named = |arg: &&Arg| match name.strip_prefix("--") {
            Some(long) => arg.get_long() == Some(long),
            None => {
                name.strip_prefix('-').is_some_and(|short| arg.get_short().map(String::from).as_deref() == Some(short))
            }
        };
        self.command.get_arguments().find(is_named)
    }

    fn candidates(&self, current: &str, plugin_dirs: &[PathBuf]) -> Vec<String> {
        if let Some(option) = self.open_option {
            return match option.get_id().as_str() {
                "config_name" => overrides::config_names(self.value("config_dir").unwrap_or("configs")),
                _ => possible_values(option),
            };
        }
        if current.starts_with('-') {
            return self.option_names();
        }
        let commands = self.command.get_subcommands().filter(|command| !command.is_hide_set());
        let commands: Vec<String> = commands.map(|command| command.get_name().to_owned()).collect();
        if !commands.is_empty() {
            return commands;
        }
        let search_path = || {
            let typed =
                self.values.iter().filter(|(name, _)| *name == "plugin_dir").map(|(_, folder)| PathBuf::from(folder));
            SearchPath::new(&plugin_dirs.iter().cloned().chain(typed).collect::<Vec<_>>())
        };
        match self.path.as_slice() {
            ["plugins", "inspect"] => overrides::modules(&search_path(), None),
            _ if self.takes_overrides() => self.override_candidates(current, &search_path),
            _ => self.command.get_positionals().nth(self.positional.len()).map(possible_values).unwrap_or_default(),
        }
    }

    fn takes_overrides(&self) -> bool {
        self.command.get_positionals().any(|arg| arg.get_id() == "arguments")
    }

    /// Of the key, the config or an override.
    fn override_candidates(&self, current: &str, search_path: &dyn Fn() -> SearchPath) -> Vec<String> {
        let is_explain = self.path == ["config", "explain"];
        let arguments = self.positional.get(usize::from(is_explain)..).unwrap_or_default();
        let is_key = is_explain && self.positional.is_empty();
        let named = self.value("config_name");
        let is_config = |word: &str| word.ends_with(".yaml") || Path::new(word).is_file();
        let (request, is_config_due) = match (named, arguments.split_first()) {
            (Some(name), _) => {
                let folder = self.value("config_dir").unwrap_or("configs");
                (Request::from_name(folder, name, texts(arguments)).ok(), false)
            }
            (None, Some((config, rest))) if is_config(config) => {
                (Some(Request::from_file(*config, texts(rest))), false)
            }
            // The commands that only look take the usual config where none is named.
            (None, rest) => {
                let usual = Path::new("configs/config.yaml");
                let is_allowed = usual.is_file() && self.path.first() == Some(&"config");
                (is_allowed.then(|| Request::from_file(usual, texts(arguments))), rest.is_none())
            }
        };
        if is_config_due && !is_key && !current.contains('=') {
            return Vec::new();
        }
        request.map_or_else(Vec::new, |request| match is_key {
            true => overrides::keys(&request),
            false => overrides::candidates(&request, current, search_path),
        })
    }

    fn value(&self, option: &str) -> Option<&'a str> {
        self.values.iter().rev().find(|(name, _)| *name == option).map(|(_, value)| *value)
    }

    fn option_names(&self) -> Vec<String> {
        let shown = self.command.get_arguments().filter(|arg| !arg.is_hide_set());
        shown.filter_map(|arg| arg.get_long()).map(|name| format!("--{name}")).collect()
    }
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

fn possible_values(arg: &Arg) -> Vec<String> {
    arg.get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| value.get_name().to_owned())
        .collect()
}

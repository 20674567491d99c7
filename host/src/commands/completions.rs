//! `recsys-host completions SHELL`, and the hidden command that the scripts ask for candidates.
//!
//! The scripts know nothing themselves: on every Tab they hand over the line, so that groups, options, keys, constructors and parameters
//! are those of the config at hand. No library is opened for it: constructors come from the notes of the plugin files, parameters from
//! the schemas that `plugins schema --write` (`make plugins`) leaves beside the configs.

mod overrides;
mod parameters;
mod words;

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    shell: Shell,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Prints the script.
pub fn run(arguments: &Arguments) {
    let script = match arguments.shell {
        Shell::Bash => include_str!("completions/script.bash"),
        Shell::Zsh => include_str!("completions/script.zsh"),
        Shell::Fish => include_str!("completions/script.fish"),
    };
    super::print(script.trim_end());
}

#[derive(Debug, clap::Args)]
pub struct LineArguments {
    /// The words before the cursor, the program's name first; the last one is the one to complete, which may be empty.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Prints a candidate a line; nothing where a file is wanted.
pub fn candidates(arguments: LineArguments, plugin_dirs: &[PathBuf]) {
    let found = words::candidates(&arguments.words, plugin_dirs);
    if !found.is_empty() {
        super::print(&found.join("\n"));
    }
}

//! `recsys-host plugins schema`.

use std::path::{Path, PathBuf};

use crate::artifacts::write_whole;
use crate::cli::Usage;
use crate::commands::print;
use crate::config::ModuleRef;
use crate::plugins::config_schema::documents;
use crate::plugins::{Constructor, Registry, SearchPath};
use crate::terminal::LOG_SINK;

/// The folder of the schemas within one of configs.
const FOLDER: &str = ".schema";
/// How a config names its schema; yaml-language-server reads it.
const LINE: &str = "# yaml-language-server: $schema=";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Write the schemas of whole configs and of every config group to DIR/.schema/, where the first line of each config in DIR names
    /// them; without, the schema of whole configs is printed. Every plugin on the search path is in them.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "configs")]
    write: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, search_path: SearchPath) -> anyhow::Result<()> {
    let documents = documents(&constructors(search_path));
    let Some(configs) = &arguments.write else {
        print(&serde_json::to_string_pretty(&documents["config"])?);
        return Ok(());
    };
    if !configs.is_dir() {
        let message = format!("{} is no folder; name the one that holds the configs", configs.display());
        return Err(Usage(message).into());
    }
    std::fs::create_dir_all(configs.join(FOLDER))?;
    for (name, schema) in documents {
        let file = configs.join(FOLDER).join(format!("{name}.json"));
        let text = serde_json::to_string_pretty(&schema)? + "\n";
        write_whole(&file, |path| std::fs::write(path, text))?;
        print(&file.display().to_string());
    }
    for (file, line) in without_line(configs)? {
        log::info!("{}: editors check it once its first line is `{line}`", file.display());
    }
    Ok(())
}

/// All that can be opened.
fn constructors(search_path: SearchPath) -> Vec<Constructor> {
    let candidates = search_path.candidates();
    let mut registry = Registry::new(search_path, LOG_SINK);
    let mut constructors = Vec::new();
    for identity in candidates.into_iter().filter_map(|candidate| candidate.identity.ok()) {
        for (kind, name) in &identity.constructors {
            let module = ModuleRef { library: identity.name.clone(), constructor: name.clone() };
            match registry.constructor(&module, *kind) {
                Ok(constructor) => constructors.push(constructor),
                Err(error) => log::warn!("left out: {error}"),
            }
        }
    }
    constructors
}

/// The configs of the folder and its groups that do not name their schema, with the line that would.
fn without_line(configs: &Path) -> std::io::Result<Vec<(PathBuf, String)>> {
    let mut lacking = Vec::new();
    for (folder, schema) in folders(configs)? {
        let mut files: Vec<_> = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
        files.sort();
        for file in files {
            if !std::fs::read_to_string(&file)?.contains(LINE) {
                lacking.push((file, format!("{LINE}{schema}")));
            }
        }
    }
    Ok(lacking)
}

/// The folder itself and those of the groups, each with the schema of its files as they name it.
fn folders(configs: &Path) -> std::io::Result<Vec<(PathBuf, String)>> {
    let mut folders = vec![(configs.to_owned(), format!("{FOLDER}/config.json"))];
    for section in crate::config::Section::ALL {
        let group = configs.join(section.key());
        if group.is_dir() {
            folders.push((group, format!("../{FOLDER}/{}.json", section.key())));
        }
    }
    Ok(folders)
}

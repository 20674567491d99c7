//! `recsys-host config diff RUN_A RUN_B`.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::Usage;
use crate::commands::print;
use crate::config::{compose, Config, KeyPath, Request, Value};
use crate::terminal::table::table;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A run directory, or a config file.
    #[arg(value_name = "RUN_A")]
    left: PathBuf,
    /// Another one.
    #[arg(value_name = "RUN_B")]
    right: PathBuf,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (left, right) = (values(&config_of(&arguments.left)?), values(&config_of(&arguments.right)?));
    let of = |values: &[(String, String)], key: &str| {
        values.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
    };
    let only_right = right.iter().filter(|(key, _)| of(&left, key).is_none());
    let differing = left.iter().filter(|(key, value)| of(&right, key).as_ref() != Some(value)).chain(only_right);
    let differing: Vec<_> = differing.map(|(key, _)| (key, of(&left, key), of(&right, key))).collect();
    if arguments.json {
        let all: Vec<_> =
            differing.iter().map(|(key, left, right)| json!({"key": key, "a": left, "b": right})).collect();
        print(&serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    if differing.is_empty() {
        print("no difference");
        return Ok(());
    }
    let mut rows = table(&["key", &arguments.left.display().to_string(), &arguments.right.display().to_string()]);
    for (key, left, right) in differing {
        rows.add_row([key.as_str(), left.as_deref().unwrap_or("(none)"), right.as_deref().unwrap_or("(none)")]);
    }
    print(&rows.to_string());
    Ok(())
}

fn config_of(path: &Path) -> anyhow::Result<Config> {
    let file = if path.is_dir() { path.join("config.yaml") } else { path.to_owned() };
    if !file.is_file() {
        return Err(Usage(format!("{} is no run directory: it has no config.yaml", path.display())).into());
    }
    Ok(compose(&Request::from_file(file, Vec::new()))?)
}

/// Every value that is no mapping, as JSON.
fn values(config: &Config) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![(KeyPath::default(), config.root())];
    while let Some((path, node)) = open.pop() {
        match &node.value {
            Value::Map(map) if !map.is_empty() => {
                let children: Vec<_> = map.iter().map(|(key, child)| (path.child(key), child)).collect();
                open.extend(children.into_iter().rev());
            }
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::String(_)
            | Value::List(_)
            | Value::Map(_) => found.push((path.to_string(), node.to_json().to_string())),
        }
    }
    found
}

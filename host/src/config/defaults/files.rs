//! The config folder: groups are its folders, options the `.yaml` files in them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::entry::{self, Entry};
use crate::config::errors::Fault;
use crate::config::node::{Node, Value};
use crate::config::yaml;

/// A config file taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// Everything but the defaults list.
    pub content: Node,
    pub defaults: Option<Vec<Entry>>,
    /// The package of a `# @package NAME` line at the top.
    pub package_header: Option<String>,
}

pub(crate) struct ConfigFiles {
    root: PathBuf,
    cache: HashMap<PathBuf, Result<Loaded, Vec<Fault>>>,
}

impl ConfigFiles {
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), cache: HashMap::new() }
    }

    /// The folder of a group, as it is shown to the user.
    pub fn folder(&self, group: &str) -> PathBuf {
        match (group.is_empty(), self.root.as_os_str().is_empty()) {
            // The folder of `config.yaml` given without one.
            (true, true) => PathBuf::from("."),
            (true, false) => self.root.clone(),
            (false, _) => self.root.join(group),
        }
    }

    pub fn has_group(&self, group: &str) -> bool {
        self.folder(group).is_dir()
    }

    /// The file of a config path such as `model/gat`; `.yaml` is added.
    pub fn path_of(&self, config_path: &str) -> PathBuf {
        if config_path.ends_with(".yaml") {
            self.root.join(config_path)
        } else {
            self.root.join(format!("{config_path}.yaml"))
        }
    }

    /// The options of a group in alphabetical order.
    pub fn options(&self, group: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.folder(group)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|entry| entry.path().is_file())
            .filter_map(|entry| {
                entry.file_name().to_str().and_then(|name| name.strip_suffix(".yaml")).map(str::to_owned)
            })
            .collect();
        names.sort();
        names
    }

    /// The groups directly below the config folder; hidden folders, such as that of the schemas, are none.
    pub fn groups(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.folder("")) else {
            return Vec::new();
        };
        let folders = entries.flatten().filter(|entry| entry.path().is_dir());
        let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    /// All groups, also those below others, as deep as folders reasonably go.
    pub fn all_groups(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open: Vec<String> = self.groups().into_iter().rev().collect();
        while let Some(group) = open.pop() {
            if group.matches('/').count() < 4 {
                let below = Self::new(&self.folder(&group)).groups();
                open.extend(below.into_iter().rev().map(|name| format!("{group}/{name}")));
            }
            found.push(group);
        }
        found
    }

    /// Reads a file once; `None` if there is none.
    pub fn load(&mut self, path: &Path) -> Option<Result<Loaded, Vec<Fault>>> {
        if let Some(known) = self.cache.get(path) {
            return Some(known.clone());
        }
        if !path.is_file() {
            return None;
        }
        let loaded = read(path);
        self.cache.insert(path.to_owned(), loaded.clone());
        Some(loaded)
    }
}

pub(crate) fn read(path: &Path) -> Result<Loaded, Vec<Fault>> {
    let mut content = yaml::read_file(path)?;
    let listed = match &mut content.value {
        Value::Map(map) => map.remove("defaults"),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::List(_) => None,
    };
    let defaults = listed.map(|node| entry::read_list(&node)).transpose()?;
    let package_header = package_header(&content);
    Ok(Loaded { content, defaults, package_header })
}

/// `# @package NAME` among the comments before the first key.
fn package_header(content: &Node) -> Option<String> {
    let text = match &content.origin {
        crate::config::origin::Origin::File { source, .. } => source.text.as_str(),
        crate::config::origin::Origin::Override { .. } => return None,
    };
    let mut comments =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map_while(|line| line.strip_prefix('#'));
    comments.find_map(|line| line.trim().strip_prefix("@package ").map(|name| name.trim().to_owned()))
}

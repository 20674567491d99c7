//! Reads single fields of the config and collects what is wrong with them.
//!
//! Leaves out: which fields there are (`experiment`, `component`).

use std::collections::HashSet;
use std::path::PathBuf;

use super::{Device, PluginFolder};
use crate::config::errors::Fault;
use crate::config::key_path::KeyPath;
use crate::config::{Config, Node, Value};

/// Reads fields one after the other and keeps the faults.
pub(super) struct Reader<'a> {
    pub config: &'a Config,
    faults: Vec<Fault>,
    /// Places of missing values that were told already: several keys can point at one by interpolation.
    told: HashSet<String>,
}

/// What a field should have been, and how to write it.
pub(super) struct Wrong {
    pub expected: &'static str,
    pub cure: &'static str,
}

impl<'a> Reader<'a> {
    pub fn new(config: &'a Config) -> Self {
        Self { config, faults: Vec::new(), told: config.unresolved.clone() }
    }

    pub fn push(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    pub fn refuse_unknown(&mut self, node: &Node, path: &KeyPath, known: &[&str]) {
        let unknown = node.as_map().into_iter().flat_map(|map| map.iter()).filter(|(key, _)| !known.contains(key));
        let label = if path.is_root() { "keys at the top level".to_owned() } else { format!("keys of `{path}`") };
        let faults: Vec<Fault> = unknown
            .map(|(key, child)| {
                Fault::new(format!("unknown key `{key}`"))
                    .at(&child.origin.of_key(&path.child(key)))
                    .key(&path.child(key))
                    .choices(label.clone(), key, known.iter().map(|name| (*name).to_owned()).collect())
            })
            .collect();
        self.faults.extend(faults);
    }

    /// A field that may be absent or null.
    pub fn optional<T>(
        &mut self,
        node: &Node,
        path: &KeyPath,
        key: &str,
        read: fn(&Node) -> Result<T, Wrong>,
    ) -> Option<T> {
        let field = node.child(key)?;
        if matches!(field.value, Value::Null) {
            return None;
        }
        self.value(field, &path.child(key), read)
    }

    pub fn value<T>(&mut self, field: &Node, path: &KeyPath, read: fn(&Node) -> Result<T, Wrong>) -> Option<T> {
        if field.is_missing() {
            self.missing(field, path);
            return None;
        }
        match read(field) {
            Ok(value) => Some(value),
            Err(wrong) => {
                let got = match &field.value {
                    Value::List(_) | Value::Map(_) | Value::Null => field.value.kind().to_owned(),
                    Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {
                        format!("`{}`", shown(field))
                    }
                };
                let what = format!("`{path}` must be {}, this is {got}", wrong.expected);
                self.faults.push(Fault::new(what).at(&field.origin.of_value()).key(path).cure(wrong.cure));
                None
            }
        }
    }

    /// A `???` that nobody replaced.
    pub fn missing(&mut self, field: &Node, path: &KeyPath) {
        if self.told.insert(field.origin.to_string()) {
            let fault = Fault::new(format!("the mandatory value `{path}` is missing")).absence();
            let fault = fault.at(&field.origin.of_value()).key(path);
            self.faults.push(fault.cure(format!("add `{path}=VALUE` to the command line, or replace the `???` here")));
        }
    }
}

fn shown(field: &Node) -> String {
    match field.to_json() {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}

pub(super) fn seed(node: &Node) -> Result<u64, Wrong> {
    match node.value {
        Value::Int(value) => u64::try_from(value).ok(),
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::String(_) | Value::List(_) | Value::Map(_) => None,
    }
    .ok_or(Wrong { expected: "an integer from 0 on", cure: "write for instance `seed: 42`" })
}

pub(super) fn count(node: &Node) -> Result<usize, Wrong> {
    match node.value {
        // A core more than any machine has is a slip of the keyboard.
        Value::Int(value) => usize::try_from(value).ok().filter(|count| *count <= 65_536),
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::String(_) | Value::List(_) | Value::Map(_) => None,
    }
    .ok_or(Wrong { expected: "a number of threads", cure: "write a number; `null` or 0 means all cores" })
}

pub(super) fn repeat(node: &Node) -> Result<usize, Wrong> {
    at_least_one(node).ok_or(Wrong { expected: "a number of seeds from 1 on", cure: "write for instance `repeat=5`" })
}

pub(super) fn jobs(node: &Node) -> Result<usize, Wrong> {
    at_least_one(node)
        .ok_or(Wrong { expected: "a number of runs at a time, from 1 on", cure: "write for instance `jobs=2`" })
}

fn at_least_one(node: &Node) -> Option<usize> {
    count(node).ok().filter(|count| *count > 0)
}

pub(super) fn device(node: &Node) -> Result<Device, Wrong> {
    match node.as_str() {
        Some("auto") => Some(Device::Auto),
        Some("cpu") => Some(Device::Cpu),
        Some("cuda") => Some(Device::Cuda(0)),
        Some(text) => text.strip_prefix("cuda:").and_then(|index| index.parse().ok()).map(Device::Cuda),
        None => None,
    }
    .ok_or(Wrong { expected: "a device", cure: "choose one of `auto`, `cpu`, `cuda`, `cuda:0`, `cuda:1`, ..." })
}

pub(super) fn switch(node: &Node) -> Result<bool, Wrong> {
    match node.value {
        Value::Bool(value) => Ok(value),
        Value::Null | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::List(_) | Value::Map(_) => {
            Err(Wrong { expected: "true or false", cure: "write `true` or `false`" })
        }
    }
}

pub(super) fn path(node: &Node) -> Result<PathBuf, Wrong> {
    let text = node.as_str().filter(|text| !text.is_empty());
    text.map(PathBuf::from)
        .ok_or(Wrong { expected: "a path", cure: "write it as text; quote it if it looks like a number" })
}

/// One path or a list of them, each with its place.
pub(super) fn plugin_folders(node: &Node) -> Result<Vec<PluginFolder>, Wrong> {
    let folder = |node: &Node| path(node).map(|path| PluginFolder { path, origin: node.origin.clone() });
    match &node.value {
        Value::List(items) => items.iter().map(folder).collect(),
        Value::String(_) => folder(node).map(|single| vec![single]),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Map(_) => {
            Err(Wrong { expected: "a list of folders", cure: "write `[FOLDER, FOLDER]`" })
        }
    }
}

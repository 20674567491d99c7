//! A section of the config that names a plugin: `module: library:Constructor` and its `params`.
//!
//! Leaves out: finding the library, checking the parameters.

use std::fmt;
use std::path::PathBuf;

use super::fields::{self, Reader, Wrong};
use super::Section;
use crate::config::errors::Fault;
use crate::config::key_path::KeyPath;
use crate::config::origin::Origin;
use crate::config::{Node, Value};

/// `library:Constructor`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModuleRef {
    pub library: String,
    pub constructor: String,
}

impl fmt::Display for ModuleRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.library, self.constructor)
    }
}

/// One part of an experiment, made by a plugin.
#[derive(Debug, Clone)]
pub struct Component {
    pub section: Section,
    pub module: ModuleRef,
    /// A JSON object; the constructor checks it.
    pub params: serde_json::Value,
    /// It runs in a process of its own.
    pub isolate: bool,
    /// Where `module` was set.
    pub origin: Origin,
    /// `model`; the parameters lie below `model.params`.
    pub key_path: KeyPath,
}

/// The model, which may start from given weights.
#[derive(Debug, Clone)]
pub struct ModelSection {
    pub component: Component,
    pub init_from: Option<PathBuf>,
}

pub(super) fn read(reader: &mut Reader<'_>, section: Section) -> Option<Component> {
    match section {
        Section::Data | Section::Evaluator => read_with(reader, section, &["module", "params", "isolate"]),
        Section::Model | Section::Loss | Section::Trainer => read_with(reader, section, &["module", "params"]),
    }
}

pub(super) fn read_model(reader: &mut Reader<'_>) -> Option<ModelSection> {
    let component = read_with(reader, Section::Model, &["module", "params", "init_from"]);
    let path = KeyPath::parse(Section::Model.key());
    let config = reader.config;
    let init_from =
        config.root().child("model").and_then(|node| reader.optional(node, &path, "init_from", fields::path));
    Some(ModelSection { component: component?, init_from })
}

fn read_with(reader: &mut Reader<'_>, section: Section, known: &[&str]) -> Option<Component> {
    let key = section.key();
    let key_path = KeyPath::parse(key);
    let config = reader.config;
    let Some(node) = config.root().child(key) else {
        let fault = Fault::new(format!("the section `{key}` is missing")).absence();
        let fault = fault.at(&config.root().origin).key(&key_path);
        reader.push(fault.cure(format!("add `- {key}: OPTION` to the defaults list, or `{key}:` with a `module`")));
        return None;
    };
    if node.is_missing() {
        reader.missing(node, &key_path);
        return None;
    }
    if node.as_map().is_none() {
        let what =
            format!("the section `{key}` must be a mapping with `module` and `params`, this is {}", node.value.kind());
        reader.push(
            Fault::new(what)
                .at(&node.origin.of_value())
                .key(&key_path)
                .cure(format!("for an option of a config group start from a config whose defaults list has `{key}`")),
        );
        return None;
    }
    let isolate = read_isolate(reader, node, &key_path, known);
    let params = read_params(reader, node, &key_path);
    let Some(module) = node.child("module") else {
        let fault = Fault::new(format!("the section `{key}` names no `module`"))
            .absence()
            .at(&node.origin)
            .key(&key_path.child("module"));
        reader.push(fault.cure("add `module: library:Constructor`; `recsys-host plugins list` shows what there is"));
        return None;
    };
    let origin = module.origin.clone();
    let module = reader.value(module, &key_path.child("module"), module_ref)?;
    Some(Component { section, module, params, isolate, origin, key_path })
}

/// Whether the part is to run in a process of its own; with the unknown keys, of which `isolate` is one where that cannot be.
fn read_isolate(reader: &mut Reader<'_>, node: &Node, key_path: &KeyPath, known: &[&str]) -> bool {
    match node.child("isolate") {
        Some(isolate) if !known.contains(&"isolate") => {
            let what = format!(
                "`{key_path}` cannot run in a process of its own: it is called in every step with tensors that learn"
            );
            let fault = Fault::new(what).at(&isolate.origin).key(&key_path.child("isolate"));
            let choices = vec!["data".to_owned(), "evaluator".to_owned()];
            reader.push(fault.choices("sections that can be isolated", "", choices).cure("remove it here"));
            reader.refuse_unknown(node, key_path, &[known, &["isolate"]].concat());
            false
        }
        Some(_) | None => {
            reader.refuse_unknown(node, key_path, known);
            reader.optional(node, key_path, "isolate", fields::switch).unwrap_or(false)
        }
    }
}

/// Absent or null parameters are none; those that are missing are left out.
fn read_params(reader: &mut Reader<'_>, node: &Node, key_path: &KeyPath) -> serde_json::Value {
    let path = key_path.child("params");
    let none = || serde_json::Value::Object(serde_json::Map::new());
    let Some(params) = node.child("params") else {
        return none();
    };
    let missing = params.missing(&path);
    for (path, field) in &missing {
        reader.missing(field, path);
    }
    match &params.value {
        Value::Null => none(),
        Value::Map(_) => present(params.to_json()).unwrap_or_else(none),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::List(_) => {
            if missing.is_empty() {
                let what = format!("`{path}` must be a mapping, this is {}", params.value.kind());
                reader.push(
                    Fault::new(what).at(&params.origin).key(&path).cure("write `name: value` lines below `params:`"),
                );
            }
            none()
        }
    }
}

/// Without what is missing; a list that lacks an item is missing as a whole.
fn present(value: serde_json::Value) -> Option<serde_json::Value> {
    use serde_json::Value as Json;
    match value {
        Json::String(text) if text == "???" => None,
        Json::Object(map) => Some(
            map.into_iter()
                .filter_map(|(key, value)| Some((key, present(value)?)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        ),
        Json::Array(items) => items.into_iter().map(present).collect::<Option<Vec<_>>>().map(Json::Array),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Some(value),
    }
}

fn module_ref(node: &Node) -> Result<ModuleRef, Wrong> {
    let is_name = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-')
    };
    node.as_str()
        .and_then(|text| text.split_once(':'))
        .filter(|(library, constructor)| is_name(library) && is_name(constructor))
        .map(|(library, constructor)| ModuleRef { library: library.to_owned(), constructor: constructor.to_owned() })
        .ok_or(Wrong {
            expected: "`library:Constructor`",
            cure: "name the library without `lib` and `.so`, for instance `gat:GAT`; `recsys-host plugins list` shows what there is",
        })
}

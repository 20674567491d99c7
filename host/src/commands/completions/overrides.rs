//! What an override can be: a group with its options, a key, a value.

use std::path::Path;

use super::parameters;
use crate::config::provenance::Choosable;
use crate::config::{draft, provenance, Config, Request, Section};
use crate::plugins::{kind, SearchPath};

/// The keys of a config, sections included.
pub(super) fn keys(request: &Request) -> Vec<String> {
    let (Some(config), _) = draft(request) else { return Vec::new() };
    all_keys(&config)
}

fn all_keys(config: &Config) -> Vec<String> {
    let mut keys = Vec::new();
    let mut open: Vec<(String, &crate::config::Node)> = vec![(String::new(), config.root())];
    while let Some((path, node)) = open.pop() {
        let children = node.as_map().into_iter().flat_map(crate::config::Map::iter);
        let children: Vec<_> = children
            .map(|(key, child)| (if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }, child))
            .collect();
        if !path.is_empty() {
            keys.push(path);
        }
        open.extend(children.into_iter().rev());
    }
    keys
}

pub(super) fn config_names(folder: &str) -> Vec<String> {
    Choosable::in_folder(Path::new(folder)).options("")
}

/// `library:Constructor`, all or those that a section takes.
pub(super) fn modules(search_path: &SearchPath, section: Option<Section>) -> Vec<String> {
    let wanted = section.map(kind);
    let identities = search_path.candidates().into_iter().filter_map(|candidate| candidate.identity.ok());
    let mut modules = Vec::new();
    for identity in identities {
        let fitting = identity.constructors.iter().filter(|(kind, _)| wanted.is_none_or(|wanted| wanted == *kind));
        modules.extend(fitting.map(|(_, name)| format!("{}:{name}", identity.name)));
    }
    modules
}

/// `current` is the word so far, its sign (`+`, `++`, `~`) included.
pub(super) fn candidates(request: &Request, current: &str, search_path: &dyn Fn() -> SearchPath) -> Vec<String> {
    let sign: String = current.chars().take_while(|letter| matches!(letter, '+' | '~')).collect();
    let rest = &current[sign.len()..];
    let choosable = Choosable::in_folder(&request.config_dir);
    let composed = draft(request).0;
    match rest.split_once('=') {
        Some((key, value)) => {
            let values = values_of(key, &choosable, composed.as_ref(), request, search_path);
            // Of a comma list or a list the last item is being typed.
            let typed = value.rfind([',', '[', '(']).map_or("", |place| &value[..=place]);
            values.into_iter().map(|value| format!("{sign}{key}={typed}{value}")).collect()
        }
        None => names(&choosable, composed.as_ref(), request, &sign),
    }
}

/// What can stand before the `=`.
fn names(choosable: &Choosable, composed: Option<&Config>, request: &Request, sign: &str) -> Vec<String> {
    let end = if sign == "~" { "" } else { "=" };
    let chosen = provenance::choices(request);
    let is_chosen = |group: &String| chosen.iter().any(|(known, _)| known == group);
    let mut names: Vec<String> = choosable.groups();
    // `group=option` changes a choice, `+group=option` adds one.
    names.retain(|group| if sign == "+" { !is_chosen(group) } else { is_chosen(group) });
    if let Some(config) = composed {
        let is_leaf = |key: &String| config.get(key).is_some_and(|node| node.as_map().is_none());
        let keys = all_keys(config).into_iter().filter(|key| sign == "~" || is_leaf(key));
        names.extend(keys.filter(|_| sign != "+"));
        for section in Section::ALL {
            let known = parameters::names(&request.config_dir, section, module(config, section));
            names.extend(
                known.into_iter().map(|name| format!("{}.params.{name}", section.key())).filter(|_| sign != "~"),
            );
        }
    }
    let mut names: Vec<String> = names.into_iter().map(|name| format!("{sign}{name}{end}")).collect();
    names.sort();
    names.dedup();
    names
}

fn values_of(
    key: &str,
    choosable: &Choosable,
    composed: Option<&Config>,
    request: &Request,
    search_path: &dyn Fn() -> SearchPath,
) -> Vec<String> {
    let group = key.split_once('@').map_or(key, |(group, _)| group);
    let options = choosable.options(group);
    if !options.is_empty() {
        return options;
    }
    let Some((section, tail)) = key.split_once('.') else {
        return if key == "device" { ["auto", "cpu", "cuda"].map(str::to_owned).to_vec() } else { Vec::new() };
    };
    let Some(section) = Section::ALL.into_iter().find(|known| known.key() == section) else { return Vec::new() };
    match (tail, tail.strip_prefix("params.")) {
        ("module", _) => modules(&search_path(), Some(section)),
        (_, Some(name)) => {
            let module = composed.and_then(|config| module(config, section));
            parameters::values(&request.config_dir, section, module, name)
        }
        (_, None) => Vec::new(),
    }
}

fn module(config: &Config, section: Section) -> Option<&str> {
    config.get(&format!("{}.module", section.key()))?.as_str()
}

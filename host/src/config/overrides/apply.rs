//! Changes the composed tree as the overrides say, in their order.
//!
//! Leaves out: choices of groups, which steer the defaults list before there is a tree.

use super::additions::plain_override_may_add;
use super::{Operation, Override};
use crate::config::errors::{nearest, Fault};
use crate::config::interpolation::parse::whole_reference;
use crate::config::key_path::KeyPath;
use crate::config::merge;
use crate::config::node::{Map, Node, Value};

pub(crate) fn apply_all(root: &mut Node, overrides: &[Override]) -> Vec<Fault> {
    overrides.iter().filter_map(|item| apply(root, item).err()).collect()
}

fn apply(root: &mut Node, item: &Override) -> Result<(), Fault> {
    if item.key.contains('/') || item.package.is_some() {
        let what = format!("`{}` is written like a config group, but there is no such group", item.group_key());
        return Err(Fault::new(what)
            .at(&item.origin())
            .cure("for a value in the config write its key with dots: `section.key=value`"));
    }
    let path = KeyPath::parse(&item.key);
    match item.operation {
        Operation::Change => change(root, &path, item),
        Operation::Add => add(root, &path, item),
        Operation::ForceAdd => set(root, &path, item),
        Operation::Delete => delete(root, &path, item),
    }
}

fn change(root: &mut Node, path: &KeyPath, item: &Override) -> Result<(), Fault> {
    let (found, depth) = root.nearest(path);
    let may_add = plain_override_may_add(root, path);
    let holds_keys = matches!(found.value, Value::Map(_) | Value::Null);
    if depth < path.parts().len() && !(may_add && holds_keys) {
        return Err(unknown_key(root, path, item));
    }
    if depth == path.parts().len() && !may_add {
        let value = item.node()?;
        if let Some(extra) = new_keys(root, found, &value, path).into_iter().next() {
            let extra_path = path.join(&extra);
            return Err(unknown_key(root, &extra_path, item));
        }
    }
    set(root, path, item)
}

/// Keys of a mapping given as value that the config does not have; they are no addition that a plain `=` may make.
fn new_keys(root: &Node, present: &Node, value: &Node, path: &KeyPath) -> Vec<Vec<String>> {
    let (Some(present), Some(value)) = (present.as_map(), value.as_map()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (key, item) in value.iter() {
        let below = path.child(key);
        match present.get(key) {
            None if plain_override_may_add(root, &below) => {}
            None => found.push(vec![key.to_owned()]),
            Some(inner) => {
                let deeper = new_keys(root, inner, item, &below);
                found.extend(deeper.into_iter().map(|tail| [vec![key.to_owned()], tail].concat()));
            }
        }
    }
    found
}

/// A path that leads nowhere: what stands where it ends, and what was probably meant.
fn unknown_key(root: &Node, path: &KeyPath, item: &Override) -> Fault {
    let (found, depth) = root.nearest(path);
    let (parent, place) = (path.prefix(depth), item.origin().of_key(&path.prefix(depth + 1)));
    let wrong = path.parts().get(depth).map_or("", String::as_str);
    match &found.value {
        Value::Map(_) => unknown_in_mapping(root, path, item),
        Value::List(items) => Fault::new(format!("`{parent}` is a list of {}, it has no item `{wrong}`", items.len()))
            .at(&place)
            .key(path)
            .cure(format!("give the whole list: `{parent}=[...]`")),
        Value::String(text) if whole_reference(text).is_some() => {
            let target = whole_reference(text).unwrap_or_default().join(&path.parts()[depth..]);
            Fault::new(format!("`{parent}` is `{text}` and has no keys of its own"))
                .at(&place)
                .related("it is set here", &found.origin)
                .key(path)
                .cure(format!(
                    "to change what it stands for write `{target}=...`, to replace it `++{}`",
                    item.unprefixed()
                ))
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {
            Fault::new(format!("`{parent}` is {}, which has no keys, so there is no `{path}`", found.value.kind()))
                .at(&place)
                .related("it is set here", &found.origin)
                .key(path)
                .cure(format!("to put a mapping in its place write `++{}`", item.unprefixed()))
        }
    }
}

fn unknown_in_mapping(root: &Node, path: &KeyPath, item: &Override) -> Fault {
    let (found, depth) = root.nearest(path);
    let (parent, names) = (path.prefix(depth), found.child_names());
    let wrong = path.parts().get(depth).map_or("", String::as_str);
    let tail = path.parts().get(depth + 1..).unwrap_or_default();
    let sibling = nearest(wrong, names.iter().map(String::as_str)).map(|name| parent.child(name).join(tail));
    let meant = sibling.or_else(|| elsewhere(root, path)).map(|path| path.to_string());
    let label = if parent.is_root() { "keys at the top level".to_owned() } else { format!("keys of `{parent}`") };
    Fault::new(format!("the config has no key `{path}`"))
        .at(&item.origin().of_key(&path.prefix(depth + 1)))
        .key(path)
        .choices(label, "", names)
        .did_you_mean(meant)
        .absence()
        .cure(format!("correct the key, or add a new one with `+{}`", item.unprefixed()))
}

/// A key of the same name in another place: `num_epochs` for `trainer.params.num_epochs`.
fn elsewhere(root: &Node, path: &KeyPath) -> Option<KeyPath> {
    fn search(node: &Node, here: &KeyPath, tail: &[String]) -> Option<KeyPath> {
        let map = node.as_map()?;
        map.iter().find_map(|(key, child)| {
            let below = here.child(key);
            if below.parts().ends_with(tail) {
                Some(below)
            } else {
                search(child, &below, tail)
            }
        })
    }
    let last = path.parts().last()?.clone();
    search(root, &KeyPath::default(), path.parts()).or_else(|| search(root, &KeyPath::default(), &[last]))
}

fn add(root: &mut Node, path: &KeyPath, item: &Override) -> Result<(), Fault> {
    let value = item.node()?;
    let is_container = matches!(value.value, Value::Map(_) | Value::List(_));
    if let Some(present) = root.get(path) {
        if !is_container && !present.is_missing() && !matches!(present.value, Value::Null) {
            return Err(Fault::new(format!("`{path}` is already in the config, so it cannot be added"))
                .at(&item.origin())
                .related("it is set here", &present.origin)
                .key(path)
                .cure(format!("to change it write `{0}`; to add or change it `++{0}`", item.unprefixed())));
        }
    }
    let (found, depth) = root.nearest(path);
    if depth < path.parts().len() && found.as_map().is_none() && !matches!(found.value, Value::Null) {
        return Err(unknown_key(root, path, item));
    }
    set(root, path, item)
}

/// Puts the value at its path and creates what is missing on the way.
fn set(root: &mut Node, path: &KeyPath, item: &Override) -> Result<(), Fault> {
    let value = item.node()?;
    let mut node = root;
    for (depth, key) in path.parts().iter().enumerate() {
        node = step(node, key, item).ok_or_else(|| {
            let list = path.prefix(depth);
            Fault::new(format!("the list `{list}` has no item `{key}`"))
                .at(&item.origin().of_key(&path.prefix(depth + 1)))
                .key(path)
                .cure(format!("give the whole list: `{list}=[...]`"))
        })?;
    }
    merge::assign(node, value).map_err(|fault| fault.at(&item.value_origin()).key(path))
}

/// The child of a key, created as null if there is none; a scalar on the way gives way to a mapping.
fn step<'a>(node: &'a mut Node, key: &str, item: &Override) -> Option<&'a mut Node> {
    match node.value {
        Value::Map(_) | Value::List(_) => {}
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {
            *node = Node::new(Value::Map(Map::default()), item.origin());
        }
    }
    if let Value::Map(map) = &mut node.value {
        if map.get(key).is_none() {
            map.insert(key, Node::new(Value::Null, item.origin()));
        }
    }
    node.child_mut(key)
}

fn delete(root: &mut Node, path: &KeyPath, item: &Override) -> Result<(), Fault> {
    let Some(present) = root.get(path) else {
        return Err(unknown_key(root, path, item).cure("correct the key, or remove this override"));
    };
    if item.value.is_some() {
        let wanted = item.node()?;
        if wanted.to_json() != present.to_json() {
            return Err(Fault::new(format!(
                "`{path}` is {}, not {}, so it stays",
                present.to_json(),
                wanted.to_json()
            ))
            .at(&item.value_origin())
            .related("it is set here", &present.origin)
            .key(path)
            .cure(format!("to delete it whatever it is write `~{path}`")));
        }
    }
    let removed = path.split_last().and_then(|(parent, key)| {
        let parent = parent.parts().iter().try_fold(root, |node, key| node.child_mut(key))?;
        match &mut parent.value {
            Value::Map(map) => map.remove(key),
            Value::List(items) => {
                key.parse().ok().filter(|index| *index < items.len()).map(|index: usize| items.remove(index))
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => None,
        }
    });
    removed.map(drop).ok_or_else(|| Fault::new("the whole config cannot be deleted").at(&item.origin()))
}

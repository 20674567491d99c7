//! How a config came about: the tree of its defaults lists, and what set a value, in order.
//!
//! Composes as `compose` does, but looks at the tree after every step. Leaves out: how it is printed.

use std::path::{Path, PathBuf};

use super::defaults::expand::Open;
use super::defaults::files::ConfigFiles;
use super::emit::{self, Form};
use super::{
    compose, empty_root, expanded, merge, overrides, ConfigErrors, Fault, Faults, KeyPath, Node, Origin, Request, Value,
};

/// A file of the defaults tree, in the order of merging.
#[derive(Debug, Clone)]
pub struct TreeLine {
    pub depth: usize,
    /// `model: gat`, `config`, or `_self_`: the place of the content of the file above.
    pub entry: String,
    /// Where the content goes; nothing for a file whose content has its own line, `_self_`.
    pub package: Option<String>,
    pub file: PathBuf,
}

/// The life of one value.
#[derive(Debug, Clone)]
pub struct History {
    pub key: KeyPath,
    /// The first one gave it, the last one counts.
    pub steps: Vec<Step>,
    /// What the last step stands for, where it holds an interpolation.
    pub resolved: Option<String>,
}

/// A file or an override that set a value.
#[derive(Debug, Clone)]
pub struct Step {
    /// As YAML; nothing if the value was removed.
    pub value: Option<String>,
    pub origin: Origin,
    /// The entry of a defaults list, or the override, that brought the file.
    pub brought_by: Option<(String, Origin)>,
}

/// The composed config before interpolation.
pub fn unresolved(request: &Request) -> Result<Node, ConfigErrors> {
    let mut last = None;
    walk(request, &mut |root, _| last = Some(root.clone()))?;
    last.ok_or_else(|| ConfigErrors::unreadable(request))
}

/// The option that each group gets, as far as the config can be read.
pub fn choices(request: &Request) -> Vec<(String, String)> {
    expanded(request, &mut Faults::default()).choices
}

/// The groups of a config folder and their options.
pub struct Choosable(ConfigFiles);

impl Choosable {
    pub fn in_folder(folder: &Path) -> Self {
        Self(ConfigFiles::new(folder))
    }

    /// With those inside other groups, `server/db`.
    pub fn groups(&self) -> Vec<String> {
        self.0.all_groups()
    }

    /// In alphabetical order; of the empty group the configs themselves.
    pub fn options(&self, group: &str) -> Vec<String> {
        self.0.options(group)
    }
}

/// A part of a tree as YAML, its interpolations as they are.
pub fn to_yaml_unresolved(node: &Node) -> String {
    emit::to_yaml(node, Form::Unresolved)
}

/// A part of a resolved config as YAML.
pub fn to_yaml_resolved(node: &Node) -> String {
    emit::to_yaml(node, Form::Resolved)
}

/// The files that a config is composed of.
pub fn defaults_tree(request: &Request) -> Result<Vec<TreeLine>, ConfigErrors> {
    let mut faults = Faults::default();
    let parts = expanded(request, &mut faults).parts;
    let parts = faults.check(parts)?;
    let mut lines: Vec<TreeLine> = Vec::new();
    let mut shown: Vec<Open> = Vec::new();
    let name = |open: &Open| (open.file.clone(), open.entry.clone());
    for (index, part) in parts.iter().enumerate() {
        let depth = part.trail.len() - 1;
        let common = shown.iter().zip(&part.trail).take_while(|(known, open)| name(known) == name(open)).count();
        let line = |depth: usize, open: &Open, entry: &str, package: Option<String>| TreeLine {
            depth,
            entry: entry.to_owned(),
            package,
            file: open.file.clone(),
        };
        let next_is_below = parts
            .get(index + 1)
            .is_some_and(|next| next.trail.len() > depth + 1 && name(&next.trail[depth]) == name(&part.trail[depth]));
        let is_alone = common <= depth && !next_is_below;
        for (level, open) in part.trail.iter().enumerate().skip(common) {
            let package = (level == depth && is_alone).then(|| part.package.clone());
            lines.push(line(level, open, &open.entry, package));
        }
        if !is_alone {
            lines.push(line(depth + 1, &part.trail[depth], "_self_", Some(part.package.clone())));
        }
        shown.clone_from(&part.trail);
    }
    Ok(lines)
}

/// What set the value of a key, or every value below it.
pub fn explain(request: &Request, key: &str) -> Result<Vec<History>, ConfigErrors> {
    let wanted = KeyPath::parse(key);
    let final_tree = unresolved(request)?;
    let resolved = compose(request)?;
    let mut keys = Vec::new();
    leaves(final_tree.get(&wanted), &wanted, &mut keys);
    if keys.is_empty() {
        // It may have been there and removed.
        keys.push(wanted.clone());
    }
    let mut histories: Vec<History> =
        keys.into_iter().map(|key| History { key, steps: Vec::new(), resolved: None }).collect();
    walk(request, &mut |root, part| histories.iter_mut().for_each(|history| history.note(root, part)))?;
    for history in &mut histories {
        let is_open = final_tree.get(&history.key).and_then(Node::as_str).is_some_and(|text| text.contains("${"));
        let value = resolved.root().get(&history.key).filter(|_| is_open);
        history.resolved = value.map(|node| emit::to_yaml(node, Form::Resolved).trim_end().to_owned());
    }
    if histories.iter().all(|history| history.steps.is_empty()) {
        return Err(ConfigErrors::one(unknown_key(&final_tree, &wanted)));
    }
    Ok(histories)
}

impl History {
    /// Compares the tree after a step with what was known.
    fn note(&mut self, root: &Node, trail: Option<&[Open]>) {
        let node = root.get(&self.key);
        let value = node.map(|node| emit::to_yaml(node, Form::Unresolved).trim_end().to_owned());
        let known = self.steps.last();
        let is_same = match (known, node) {
            (Some(step), Some(node)) => step.value == value && step.origin.same_place(&node.origin),
            (Some(step), None) => step.value.is_none(),
            (None, node) => node.is_none(),
        };
        if is_same {
            return;
        }
        let origin = node.unwrap_or_else(|| root.nearest(&self.key).0).origin.clone();
        // The config that was asked for was brought by nothing else.
        let brought = trail.filter(|trail| trail.len() > 1).and_then(<[Open]>::last);
        let brought_by = brought.map(|open| (open.entry.clone(), open.origin.clone()));
        self.steps.push(Step { value, origin, brought_by });
    }
}

/// Shows the tree after every part and every override, with the trail of the part.
fn walk(request: &Request, look: &mut dyn FnMut(&Node, Option<&[Open]>)) -> Result<(), ConfigErrors> {
    let mut faults = Faults::default();
    let expanded = expanded(request, &mut faults);
    let Some(mut root) = empty_root(request, &expanded, &faults) else {
        return faults.check(());
    };
    for part in expanded.parts {
        let merged = merge::merge_at(&mut root, &part.package, part.content);
        faults.add_stage(merged.err().into_iter().collect());
        look(&root, Some(&part.trail));
    }
    for item in &expanded.assignments {
        faults.add_stage(overrides::apply::apply_all(&mut root, std::slice::from_ref(item)));
        look(&root, None);
    }
    faults.check(())
}

/// All values that are no mappings, in order.
fn leaves(node: Option<&Node>, path: &KeyPath, found: &mut Vec<KeyPath>) {
    match node.map(|node| &node.value) {
        Some(Value::Map(map)) if !map.is_empty() => {
            map.iter().for_each(|(key, child)| leaves(Some(child), &path.child(key), found));
        }
        Some(_) => found.push(path.clone()),
        None => {}
    }
}

/// A key that the config does not have, with what it has there.
pub fn unknown_key(root: &Node, key: &KeyPath) -> Fault {
    let (node, depth) = root.nearest(key);
    let parent = key.prefix(depth);
    let label = if parent.is_root() { "keys at the top level".to_owned() } else { format!("keys of `{parent}`") };
    let wrong = key.parts().get(depth).map_or("", String::as_str);
    Fault::new(format!("the config has no key `{key}`")).choices(label, wrong, node.child_names())
}

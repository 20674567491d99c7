//! Replaces every interpolation of a tree by what it stands for.
//!
//! Lazy as OmegaConf is: `a: ${b}` with `b: {x: ${a.y}, y: 1}` is no cycle, for `a.y` needs only `b.y`. All faults of a
//! tree are collected, and the values at fault are missing in what is given. A reference to a missing value (`???`) is missing too.

use std::collections::{HashMap, HashSet};

use super::parse::{self, Argument, Piece, Reference};
use super::resolvers::{self, Surroundings, TreeFunction};
use crate::config::errors::Fault;
use crate::config::key_path::KeyPath;
use crate::config::node::{Map, Node, Value};
use crate::config::origin::Origin;
use crate::config::yaml::MAX_NODES;

/// References may follow each other, and values stand inside each other, this deep together.
const MAX_DEPTH: usize = 160;

/// The tree as far as it can be resolved, and what is wrong with the rest.
pub(crate) struct Resolved {
    pub root: Option<Node>,
    pub faults: Vec<Fault>,
    /// Where the values stand that are missing because they could not be had.
    pub unresolved: HashSet<String>,
}

pub(crate) fn resolve(root: &Node, surroundings: &Surroundings<'_>) -> Resolved {
    let mut resolver = Resolver {
        root,
        surroundings,
        done: HashMap::new(),
        expanding: Vec::new(),
        following: Vec::new(),
        reported: HashSet::new(),
        nodes: 0,
        faults: Vec::new(),
        unresolved: HashSet::new(),
        may_be_absent: false,
    };
    let resolved = resolver.expand(&KeyPath::default());
    Resolved { root: resolved, faults: resolver.faults, unresolved: resolver.unresolved }
}

pub(super) struct Resolver<'a> {
    root: &'a Node,
    surroundings: &'a Surroundings<'a>,
    done: HashMap<KeyPath, Node>,
    /// Paths whose whole value is being put together.
    expanding: Vec<KeyPath>,
    /// Paths whose interpolation is being followed one step.
    following: Vec<KeyPath>,
    reported: HashSet<String>,
    nodes: usize,
    faults: Vec<Fault>,
    unresolved: HashSet<String>,
    /// Whether the reference that is being looked up may lead nowhere.
    may_be_absent: bool,
}

/// What an interpolation stands for: a place of the tree, or a value of its own.
pub(super) enum Target {
    Place(KeyPath),
    Owned(Node),
}

impl<'a> Resolver<'a> {
    /// The value at a path without interpolations. `None` means that a fault was reported.
    fn expand(&mut self, path: &KeyPath) -> Option<Node> {
        if let Some(node) = self.done.get(path) {
            self.nodes += node.count();
            let node = node.clone();
            return self.within_size(&node.origin).then_some(node);
        }
        let node = self.root.get(path)?;
        if let Some(start) = self.expanding.iter().position(|open| open == path) {
            let members = self.expanding[start..].to_vec();
            return self.report_cycle(&members);
        }
        if !self.within_depth(&node.origin) || !self.within_size(&node.origin) {
            return None;
        }
        self.nodes += 1;
        self.expanding.push(path.clone());
        let value = self.expand_value(path, node);
        self.expanding.pop();
        let resolved = value?;
        self.done.insert(path.clone(), resolved.clone());
        Some(resolved)
    }

    fn expand_value(&mut self, path: &KeyPath, node: &'a Node) -> Option<Node> {
        let value = match &node.value {
            Value::Map(map) => {
                let children: Vec<_> = map.keys().map(|key| self.expand(&path.child(key))).collect();
                let mut resolved = Map::default();
                for ((key, node), child) in map.iter().zip(children) {
                    resolved.push(key.to_owned(), child.unwrap_or_else(|| self.missing(node)));
                }
                Value::Map(resolved)
            }
            Value::List(items) => {
                let children: Vec<_> =
                    (0..items.len()).map(|index| self.expand(&path.child(&index.to_string()))).collect();
                let item = |(node, child): (&Node, Option<Node>)| child.unwrap_or_else(|| self.missing(node));
                Value::List(items.iter().zip(children).map(item).collect())
            }
            Value::String(text) if parse::has_interpolation(text) => {
                let target = self.follow(path, text, &node.origin)?;
                let found = self.value_of(target)?;
                if found.is_missing() {
                    return Some(found);
                }
                found.value
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => node.value.clone(),
        };
        Some(Node::new(value, node.origin.clone()))
    }

    /// What stands for a value that could not be had.
    fn missing(&mut self, node: &Node) -> Node {
        self.unresolved.insert(node.origin.to_string());
        Node::new(Value::String("???".to_owned()), node.origin.clone())
    }

    pub(super) fn value_of(&mut self, target: Target) -> Option<Node> {
        match target {
            Target::Place(path) => self.expand(&path),
            Target::Owned(node) => Some(node),
        }
    }

    /// One step: what the interpolated string at `path` stands for.
    fn follow(&mut self, path: &KeyPath, text: &str, origin: &Origin) -> Option<Target> {
        if let Some(start) = self.following.iter().position(|open| open == path) {
            let members = self.following[start..].to_vec();
            return self.report_cycle(&members);
        }
        if !self.within_depth(origin) {
            return None;
        }
        let here = Here { path, origin };
        let may_be_absent = std::mem::take(&mut self.may_be_absent);
        self.following.push(path.clone());
        let target = match parse::parse(text) {
            Ok(pieces) => self.evaluate(&pieces, here),
            Err(fault) => {
                let what =
                    format!("the interpolation `{text}` cannot be read: {} (character {})", fault.what, fault.at + 1);
                self.report(Fault::new(what).cure("write `\\${` for a `${` that is meant as text"), here)
            }
        };
        self.following.pop();
        self.may_be_absent = may_be_absent;
        target
    }

    pub(super) fn evaluate(&mut self, pieces: &[Piece], here: Here<'_>) -> Option<Target> {
        match pieces {
            [Piece::Reference(reference)] => self.locate(reference, here),
            [Piece::Call { name, arguments }] => self.call(name, arguments, here).map(Target::Owned),
            _ => self.joined(pieces, here).map(Target::Owned),
        }
    }

    /// Text and interpolations put together to one text; missing if one of them is.
    fn joined(&mut self, pieces: &[Piece], here: Here<'_>) -> Option<Node> {
        let mut text = String::new();
        for piece in pieces {
            let node = match piece {
                Piece::Text(part) => {
                    text.push_str(part);
                    continue;
                }
                Piece::Reference(_) | Piece::Call { .. } => {
                    let target = self.evaluate(std::slice::from_ref(piece), here)?;
                    self.value_of(target)?
                }
            };
            if node.is_missing() {
                return Some(node);
            }
            match resolvers::scalar_text(&node) {
                Some(part) => text.push_str(&part),
                None => {
                    let what =
                        format!("an interpolation inside text stands for {}, which is no text", node.value.kind());
                    return self.report(Fault::new(what).related("it stands here", &node.origin), here);
                }
            }
            // A chain of values that each repeat the one before doubles in length at every step.
            self.nodes += text.len() / 64;
            if !self.within_size(here.origin) {
                return None;
            }
        }
        Some(Node::new(Value::String(text), here.origin.clone()))
    }

    fn call(&mut self, name: &str, arguments: &[Argument], here: Here<'_>) -> Option<Node> {
        let arguments: Vec<Node> = arguments.iter().map(|item| self.argument(item, here)).collect::<Option<_>>()?;
        if let Some(missing) = arguments.iter().find(|node| node.is_missing()) {
            return Some(missing.clone());
        }
        if let Some(function) = TreeFunction::named(name) {
            return self.call_tree_function(function, &arguments, here);
        }
        match resolvers::call(name, &arguments, self.surroundings) {
            Ok(value) => Some(Node::new(value, here.origin.clone())),
            Err(fault) => self.report(fault, here),
        }
    }

    pub(super) fn argument(&mut self, argument: &Argument, here: Here<'_>) -> Option<Node> {
        let value = match argument {
            Argument::Literal(value) => value.clone(),
            Argument::Pieces(pieces) => {
                let target = self.evaluate(pieces, here)?;
                return self.value_of(target);
            }
            Argument::List(items) => {
                Value::List(items.iter().map(|item| self.argument(item, here)).collect::<Option<_>>()?)
            }
            Argument::Map(pairs) => {
                let mut map = Map::default();
                for (key, item) in pairs {
                    map.insert(key, self.argument(item, here)?);
                }
                Value::Map(map)
            }
        };
        Some(Node::new(value, here.origin.clone()))
    }

    /// Walks to the place that a reference names, through interpolated keys on the way.
    pub(super) fn locate(&mut self, reference: &Reference, here: Here<'_>) -> Option<Target> {
        let mut keys = Vec::new();
        for pieces in &reference.keys {
            match self.joined(pieces, here)? {
                node if node.is_missing() => return Some(Target::Owned(node)),
                node => keys.extend(node.as_str().map(str::to_owned)),
            }
        }
        let length = here.path.parts().len();
        if reference.dots > length {
            let what =
                format!("`${{{}{}}}` leads above the top of the config", ".".repeat(reference.dots), keys.join("."));
            return self.report(Fault::new(what), here);
        }
        let base = if reference.dots == 0 { KeyPath::default() } else { here.path.prefix(length - reference.dots) };
        let wanted = base.join(&keys);
        let mut target = Target::Place(base);
        for key in &keys {
            target = self.enter(target, key, &wanted, here)?;
        }
        Some(target)
    }

    /// One key further; an interpolated value on the way is followed first.
    fn enter(&mut self, target: Target, key: &str, wanted: &KeyPath, here: Here<'_>) -> Option<Target> {
        match self.settle(target)? {
            Target::Owned(node) => match node.child(key) {
                _ if node.is_missing() => Some(Target::Owned(node)),
                Some(child) => Some(Target::Owned(child.clone())),
                None => self.not_found(&node, key, wanted, here),
            },
            Target::Place(place) => {
                let node = self.root.get(&place)?;
                match node.child(key) {
                    _ if node.is_missing() => Some(Target::Owned(node.clone())),
                    Some(_) => Some(Target::Place(place.child(key))),
                    None => self.not_found(node, key, wanted, here),
                }
            }
        }
    }

    /// Follows interpolated values until one that is none.
    pub(super) fn settle(&mut self, mut target: Target) -> Option<Target> {
        let mut passed = Vec::new();
        loop {
            let Target::Place(place) = target else { return Some(target) };
            if passed.contains(&place) {
                return self.report_cycle(&passed);
            }
            passed.push(place.clone());
            let node = self.root.get(&place)?;
            match node.as_str().filter(|text| parse::has_interpolation(text)) {
                Some(text) => target = self.follow(&place, text, &node.origin)?,
                None => return Some(Target::Place(place)),
            }
        }
    }

    /// The place that a reference leads to; the inner `None` if it leads nowhere.
    pub(super) fn locate_if_there(&mut self, reference: &Reference, here: Here<'_>) -> Option<Option<Target>> {
        let told = self.faults.len();
        let before = std::mem::replace(&mut self.may_be_absent, true);
        let found = self.locate(reference, here);
        let is_absent = !self.may_be_absent;
        self.may_be_absent = before;
        match found {
            Some(target) => Some(Some(target)),
            None if is_absent && self.faults.len() == told => Some(None),
            None => None,
        }
    }

    /// A mapping as it stands in the tree, its values not resolved.
    pub(super) fn node_at(&self, place: &KeyPath) -> Option<&'a Node> {
        self.root.get(place)
    }

    fn not_found<T>(&mut self, node: &Node, key: &str, wanted: &KeyPath, here: Here<'_>) -> Option<T> {
        if std::mem::take(&mut self.may_be_absent) {
            return None;
        }
        let depth = wanted.parts().iter().position(|part| part == key).unwrap_or(0);
        let label = match depth {
            0 => "keys at the top level".to_owned(),
            _ => format!("keys of `{}`", wanted.prefix(depth)),
        };
        let what = format!("`${{{wanted}}}` names a key that the config does not have: `{key}`");
        self.report(Fault::new(what).choices(label, key, node.child_names()).absence(), here)
    }

    pub(super) fn report<T>(&mut self, fault: Fault, here: Here<'_>) -> Option<T> {
        let fault = fault.at(&here.origin.of_value()).key(here.path);
        if self.reported.insert(fault.to_string()) {
            self.faults.push(fault);
        }
        None
    }

    /// Every value of the cycle with its place, once however it was entered.
    fn report_cycle<T>(&mut self, members: &[KeyPath]) -> Option<T> {
        let mut names: Vec<String> = members.iter().map(KeyPath::to_string).collect();
        let circle = names.iter().chain(names.first()).cloned().collect::<Vec<_>>().join(" -> ");
        let links = members.iter().filter_map(|path| {
            let node = self.root.get(path)?;
            Some((path, &node.origin, node.as_str()?))
        });
        let mut fault = Fault::new(format!("interpolations go in a circle: {circle}"));
        for (path, origin, text) in links {
            fault = match fault.origin() {
                None => fault.at(origin).key(path),
                Some(_) => fault.related(format!("`{path}` is `{text}`"), origin),
            };
        }
        names.sort();
        if self.reported.insert(names.join("\n")) {
            self.faults.push(fault.cure("give one of them a value of its own"));
        }
        None
    }

    fn within_depth(&mut self, origin: &Origin) -> bool {
        let fits = self.expanding.len() + self.following.len() < MAX_DEPTH;
        if !fits && self.reported.insert("depth".to_owned()) {
            let what = format!("interpolations lead through more than {MAX_DEPTH} values");
            self.faults.push(Fault::new(what).at(origin));
        }
        fits
    }

    fn within_size(&mut self, origin: &Origin) -> bool {
        let fits = self.nodes <= MAX_NODES;
        if !fits && self.reported.insert("size".to_owned()) {
            let what = format!("the config has more than {MAX_NODES} values once its interpolations are resolved");
            self.faults.push(Fault::new(what).at(origin));
        }
        fits
    }
}

/// The value whose interpolation is being read.
#[derive(Clone, Copy)]
pub(super) struct Here<'p> {
    pub path: &'p KeyPath,
    pub origin: &'p Origin,
}

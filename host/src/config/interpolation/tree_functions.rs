//! The resolvers that look into the config: `oc.select`, `oc.decode`, `oc.create`, `oc.dict.keys`, `oc.dict.values`.
//!
//! Leaves out: walking the tree (`resolve`).

use std::sync::Arc;

use super::parse::{self, Argument, Reference, SyntaxFault};
use super::resolve::{Here, Resolver, Target};
use super::resolvers::{scalar_text, TreeFunction};
use crate::config::errors::Fault;
use crate::config::node::{Map, Node, Value};
use crate::config::origin::Source;
use crate::config::yaml;

impl Resolver<'_> {
    pub(super) fn call_tree_function(
        &mut self,
        function: TreeFunction,
        arguments: &[Node],
        here: Here<'_>,
    ) -> Option<Node> {
        match (function, arguments) {
            (TreeFunction::Select, [key]) => self.select(key, None, here),
            (TreeFunction::Select, [key, default]) => self.select(key, Some(default), here),
            (TreeFunction::Decode, [text]) => self.decode(text, here),
            (TreeFunction::Create, [value]) => self.create(value, here),
            (TreeFunction::Keys, [key]) => self.keys(key, here),
            (TreeFunction::Values, [key]) => self.values(key, here),
            (
                TreeFunction::Select
                | TreeFunction::Decode
                | TreeFunction::Create
                | TreeFunction::Keys
                | TreeFunction::Values,
                _,
            ) => self.report(function.usage(), here),
        }
    }

    /// The default, or null, where the key is absent or its value missing.
    fn select(&mut self, key: &Node, default: Option<&Node>, here: Here<'_>) -> Option<Node> {
        let reference = self.key_of(key, TreeFunction::Select, here)?;
        let found = match self.locate_if_there(&reference, here)? {
            Some(target) => Some(self.value_of(target)?).filter(|node| !node.is_missing()),
            None => None,
        };
        let null = || Node::new(Value::Null, here.origin.clone());
        Some(found.or_else(|| default.cloned()).unwrap_or_else(null))
    }

    fn decode(&mut self, text: &Node, here: Here<'_>) -> Option<Node> {
        let text = match &text.value {
            Value::Null => return Some(text.clone()),
            Value::String(text) => text,
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) | Value::Map(_) => {
                return self.report(Fault::new(format!("`oc.decode` reads text, this is {}", text.value.kind())), here);
            }
        };
        match parse::parse_argument(text) {
            Ok(Argument::Literal(Value::String(text))) if text.is_empty() => self
                .report(Fault::new("`oc.decode` was given an empty text").cure("write `''` for an empty text"), here),
            Ok(argument) => self.argument(&argument, here),
            Err(fault) => self.report(unreadable(text, &fault), here),
        }
    }

    /// Text is read as YAML; anything else is part of the config already.
    fn create(&mut self, value: &Node, here: Here<'_>) -> Option<Node> {
        let Some(text) = value.as_str() else { return Some(value.clone()) };
        let source = Arc::new(Source { path: "oc.create".into(), text: text.to_owned() });
        match yaml::parse(&source) {
            Ok(created) => self.created(&created, here),
            Err(faults) => {
                let reasons: Vec<&str> = faults.iter().map(Fault::what).collect();
                self.report(Fault::new(format!("`oc.create` cannot read `{text}`: {}", reasons.join("; "))), here)
            }
        }
    }

    /// With the interpolations of the created text resolved.
    fn created(&mut self, node: &Node, here: Here<'_>) -> Option<Node> {
        let value = match &node.value {
            Value::Map(map) => {
                let mut created = Map::default();
                for (key, child) in map.iter() {
                    created.push(key.to_owned(), self.created(child, here)?);
                }
                Value::Map(created)
            }
            Value::List(items) => {
                Value::List(items.iter().map(|item| self.created(item, here)).collect::<Option<_>>()?)
            }
            Value::String(text) if parse::has_interpolation(text) => {
                let pieces = match parse::parse(text) {
                    Ok(pieces) => pieces,
                    Err(fault) => return self.report(unreadable(text, &fault), here),
                };
                if pieces.iter().any(|piece| matches!(piece, parse::Piece::Reference(Reference { dots: 1.., .. }))) {
                    let what = format!("`{text}` inside `oc.create` is relative to a place that is not in the config");
                    return self.report(Fault::new(what).cure("write the whole key, from the top of the config"), here);
                }
                let target = self.evaluate(&pieces, here)?;
                return self.value_of(target);
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => node.value.clone(),
        };
        Some(Node::new(value, here.origin.clone()))
    }

    fn keys(&mut self, key: &Node, here: Here<'_>) -> Option<Node> {
        let target = self.mapping(key, TreeFunction::Keys, here)?;
        let names = match &target {
            Target::Place(place) => self.node_at(place)?.child_names(),
            Target::Owned(node) => node.child_names(),
        };
        let names = names.into_iter().map(|name| Node::new(Value::String(name), here.origin.clone()));
        Some(Node::new(Value::List(names.collect()), here.origin.clone()))
    }

    fn values(&mut self, key: &Node, here: Here<'_>) -> Option<Node> {
        let target = self.mapping(key, TreeFunction::Values, here)?;
        let resolved = self.value_of(target)?;
        let values = resolved.as_map().into_iter().flat_map(Map::iter).map(|(_, value)| value.clone());
        Some(Node::new(Value::List(values.collect()), here.origin.clone()))
    }

    /// Where the mapping of a key stands.
    fn mapping(&mut self, key: &Node, function: TreeFunction, here: Here<'_>) -> Option<Target> {
        let reference = self.key_of(key, function, here)?;
        let target = self.locate(&reference, here)?;
        let target = self.settle(target)?;
        let node = match &target {
            Target::Place(place) => self.node_at(place)?,
            Target::Owned(node) => node,
        };
        if node.as_map().is_some() {
            return Some(target);
        }
        let what = format!("`{}` is {}, not a mapping", scalar_text(key).unwrap_or_default(), node.value.kind());
        let fault = Fault::new(what).related("it stands here", &node.origin);
        self.report(fault, here)
    }

    fn key_of(&mut self, key: &Node, function: TreeFunction, here: Here<'_>) -> Option<Reference> {
        let Some(text) = key.as_str() else { return self.report(function.usage(), here) };
        match parse::parse_reference(text) {
            Ok(reference) => Some(reference),
            Err(fault) => self.report(unreadable(text, &fault), here),
        }
    }
}

fn unreadable(text: &str, fault: &SyntaxFault) -> Fault {
    Fault::new(format!("`{text}` cannot be read: {} (character {})", fault.what, fault.at + 1))
}

//! The overrides of the command line: `key=value`, `+key=value`, `++key=value`, `~key`, `group=option`.
//!
//! Defines what one override is. How it is read stands in `parse`, how it changes the tree in `apply`, and which keys a
//! plain `key=value` may add in `additions`.

mod additions;
pub(crate) mod apply;
pub(crate) mod parse;

use std::sync::Arc;

use super::errors::Fault;
use super::node::{Map, Node, Value};
use super::origin::Origin;

/// What an override does to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `key=value`: the key exists.
    Change,
    /// `+key=value`: it does not.
    Add,
    /// `++key=value`: either.
    ForceAdd,
    /// `~key` or `~key=value`.
    Delete,
}

/// One override, read but not yet judged: whether its key is a group depends on the config folder.
#[derive(Debug, Clone)]
pub(crate) struct Override {
    pub text: Arc<str>,
    pub operation: Operation,
    /// `a.b` or `group/subgroup`.
    pub key: String,
    /// What follows `@` in `group@package=option`.
    pub package: Option<String>,
    /// Only a deletion may have none.
    pub value: Option<Assigned>,
    pub key_column: usize,
    pub value_column: usize,
}

/// The right side of an override.
#[derive(Debug, Clone)]
pub(crate) enum Assigned {
    One(Element),
    /// `a,b,c`: a sweep.
    Sweep(Vec<Element>),
}

/// A value of the grammar.
#[derive(Debug, Clone)]
pub(crate) enum Element {
    /// An unquoted word, typed; or a quoted string.
    Scalar(Value),
    List(Vec<Element>),
    Map(Vec<(String, Element)>),
    /// `name(arguments)`, where an argument may be named.
    Call {
        name: String,
        arguments: Vec<(Option<String>, Element)>,
    },
}

impl Override {
    /// The place of its key.
    pub fn origin(&self) -> Origin {
        Origin::Override { text: Arc::clone(&self.text), column: self.key_column }
    }

    /// The place of its value.
    pub fn value_origin(&self) -> Origin {
        self.origin().at_column(self.value_column)
    }

    /// `group` or `group@package`, the name by which a defaults list knows it.
    pub fn group_key(&self) -> String {
        match &self.package {
            Some(package) => format!("{}@{package}", self.key),
            None => self.key.clone(),
        }
    }

    /// The override without its `+`, `++` or `~`.
    pub fn unprefixed(&self) -> &str {
        self.text.trim_start_matches(['+', '~'])
    }

    /// The value as a tree; a sweep or a function is a fault outside a multirun.
    pub fn node(&self) -> Result<Node, Fault> {
        match &self.value {
            None => Ok(Node::new(Value::Null, self.origin())),
            Some(Assigned::One(element)) => self.element_node(element),
            Some(Assigned::Sweep(elements)) => {
                let what = format!(
                    "{} values with commas between are a sweep over several runs, this is one run",
                    elements.len()
                );
                Err(Fault::new(what).at(&self.value_origin()).cure(format!(
                    "for a list write `{0}=[...]`, for text with commas quote it: `\"{0}='...'\"`",
                    self.key
                )))
            }
        }
    }

    fn element_node(&self, element: &Element) -> Result<Node, Fault> {
        let value = match element {
            Element::Scalar(value) => value.clone(),
            Element::List(items) => {
                Value::List(items.iter().map(|item| self.element_node(item)).collect::<Result<_, _>>()?)
            }
            Element::Map(pairs) => {
                let mut map = Map::default();
                for (key, item) in pairs {
                    map.insert(key, self.element_node(item)?);
                }
                Value::Map(map)
            }
            Element::Call { name, arguments } => {
                let what = format!(
                    "`{name}(...)` with {} arguments is a function, and one run has no use for it",
                    arguments.len()
                );
                return Err(Fault::new(what)
                    .at(&self.value_origin())
                    .cure("write the value itself; quote it if it is meant as text with parentheses"));
            }
        };
        Ok(Node::new(value, self.origin()))
    }
}

//! The overrides of the command line: `key=value`, `+key=value`, `++key=value`, `~key`, `group=option`.
//!
//! Defines what one override is. How it is read stands in `parse`, what its functions give in `functions`, how a value is written as
//! an override again in `write`, how it changes the tree in `apply`, and which keys a plain `key=value` may add in `additions`.

mod additions;
pub(crate) mod apply;
pub(crate) mod functions;
pub(crate) mod parse;
mod write;

use std::sync::Arc;

use super::errors::Fault;
use super::node::{Map, Node, Value};
use super::origin::Origin;
use functions::Evaluated;

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
    Call(Call),
}

/// A function as it is written, with its place in the override.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub name: String,
    pub arguments: Vec<(Option<String>, Element)>,
    /// Where its name begins, counted from 1, and how many characters it has up to its `)`.
    pub column: usize,
    pub length: usize,
}

impl Override {
    /// The place of its key.
    pub fn origin(&self) -> Origin {
        Origin::of_override(&self.text, self.key_column)
    }

    /// The place of its value.
    pub fn value_origin(&self) -> Origin {
        match self.value_column {
            column if column == self.key_column => self.origin(),
            column => self.origin().at_column(column).characters(self.text.chars().count() + 1 - column),
        }
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

    /// All before the `=`: `+model.params.dropout`, `loss@aux`.
    pub fn left_side(&self) -> String {
        let sign = match self.operation {
            Operation::Change => "",
            Operation::Add => "+",
            Operation::ForceAdd => "++",
            Operation::Delete => "~",
        };
        format!("{sign}{}", self.group_key())
    }

    /// What the right side gives once its functions are called; nothing for a deletion without one.
    pub fn evaluated(&self) -> Result<Option<Evaluated>, Fault> {
        let place = self.value_origin();
        match &self.value {
            None => Ok(None),
            Some(Assigned::One(element)) => functions::evaluate(element, &place).map(Some),
            Some(Assigned::Sweep(elements)) => functions::comma_list(elements, &place).map(Some),
        }
    }

    /// The value as a tree; a sweep is a fault outside a multirun.
    pub fn node(&self) -> Result<Node, Fault> {
        match self.evaluated()? {
            None => Ok(Node::new(Value::Null, self.origin())),
            Some(Evaluated::One(element)) => Ok(self.element_node(element)),
            Some(Evaluated::Sweep(_)) => Err(self.is_sweep()),
        }
    }

    fn is_sweep(&self) -> Fault {
        let fault = |what: String| Fault::new(what).at(&self.value_origin());
        match &self.value {
            Some(Assigned::Sweep(elements)) => {
                let what = format!(
                    "{} values with commas between are a sweep over several runs, this is one run",
                    elements.len()
                );
                fault(what).cure(format!(
                    "for several runs write `train -m`; for a list `{0}=[...]`; text with commas needs quotes: `\"{0}='...'\"`",
                    self.key
                ))
            }
            Some(Assigned::One(_)) | None => fault("this is a sweep over several runs, this is one run".to_owned())
                .cure("for several runs write `train -m`, to search for good values `tune`; text with parentheses needs quotes"),
        }
    }

    fn element_node(&self, element: Element) -> Node {
        let value = match element {
            Element::Scalar(value) => value,
            Element::List(items) => Value::List(items.into_iter().map(|item| self.element_node(item)).collect()),
            Element::Map(pairs) => {
                let mut map = Map::default();
                for (key, item) in pairs {
                    map.insert(&key, self.element_node(item));
                }
                Value::Map(map)
            }
            // Functions are called before.
            Element::Call(_) => Value::Null,
        };
        Node::new(value, self.origin())
    }
}

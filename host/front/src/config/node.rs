//! The tree that a config is: values in order, each with its origin.
//!
//! Leaves out: how the tree is read (`yaml`), combined (`merge`) and written (`emit`).

use super::key_path::KeyPath;
use super::origin::Origin;

/// A value and where it was set.
#[derive(Debug, Clone)]
pub struct Node {
    pub value: Value,
    pub origin: Origin,
}

/// What a config can hold.
#[derive(Debug, Clone)]
pub enum Value {
    Null,
    Bool(bool),
    /// Within `i64::MIN..=u64::MAX`, so that a seed of 64 bits fits and JSON can hold it.
    Int(i128),
    Float(f64),
    String(String),
    List(Vec<Node>),
    Map(Map),
}

/// A mapping that keeps the order in which its keys were first written.
#[derive(Debug, Clone, Default)]
pub struct Map(Vec<(String, Node)>);

impl Map {
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.0.iter_mut().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// Sets a key: in its old place if it has one, else at the end.
    pub(crate) fn insert(&mut self, key: &str, node: Node) {
        match self.get_mut(key) {
            Some(present) => *present = node,
            None => self.0.push((key.to_owned(), node)),
        }
    }

    /// Adds a key that is known to be new, without looking.
    pub(crate) fn push(&mut self, key: String, node: Node) {
        self.0.push((key, node));
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Node> {
        let index = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(index).1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.0.iter().map(|(key, node)| (key.as_str(), node))
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Map {
    type Item = (String, Node);
    type IntoIter = std::vec::IntoIter<(String, Node)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Node {
    pub fn new(value: Value, origin: Origin) -> Self {
        Self { value, origin }
    }

    /// The mandatory value that nobody gave: `???`.
    pub fn is_missing(&self) -> bool {
        matches!(&self.value, Value::String(text) if text == "???")
    }

    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::List(_) => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The node of a key or, for a list, of an index.
    pub fn child(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(map) => map.get(key),
            Value::List(items) => items.get(key.parse::<usize>().ok()?),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => None,
        }
    }

    pub(crate) fn child_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Map(map) => map.get_mut(key),
            Value::List(items) => items.get_mut(key.parse::<usize>().ok()?),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => None,
        }
    }

    pub fn get(&self, path: &KeyPath) -> Option<&Node> {
        path.parts().iter().try_fold(self, |node, key| node.child(key))
    }

    /// The deepest node on the way to `path` that exists, and how many keys lead to it.
    pub fn nearest(&self, path: &KeyPath) -> (&Node, usize) {
        let mut node = self;
        for (depth, key) in path.parts().iter().enumerate() {
            match node.child(key) {
                Some(child) => node = child,
                None => return (node, depth),
            }
        }
        (node, path.parts().len())
    }

    /// The names of the children: keys, or the indices of a list.
    pub fn child_names(&self) -> Vec<String> {
        match &self.value {
            Value::Map(map) => map.keys().map(str::to_owned).collect(),
            Value::List(items) => (0..items.len()).map(|index| index.to_string()).collect(),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => Vec::new(),
        }
    }

    /// How many nodes this one holds, itself included.
    pub(crate) fn count(&self) -> usize {
        match &self.value {
            Value::Map(map) => 1 + map.iter().map(|(_, node)| node.count()).sum::<usize>(),
            Value::List(items) => 1 + items.iter().map(Node::count).sum::<usize>(),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => 1,
        }
    }

    /// All `???` below, with their paths; `path` is this node's own.
    pub fn missing(&self, path: &KeyPath) -> Vec<(KeyPath, &Node)> {
        match &self.value {
            Value::Map(map) => map.iter().flat_map(|(key, node)| node.missing(&path.child(key))).collect(),
            Value::List(items) => items
                .iter()
                .enumerate()
                .flat_map(|(index, node)| node.missing(&path.child(&index.to_string())))
                .collect(),
            Value::String(text) if text == "???" => vec![(path.clone(), self)],
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => Vec::new(),
        }
    }

    /// The value as JSON. Infinity and not-a-number, which JSON cannot hold, become the strings that YAML uses.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => int_to_json(*value),
            Value::Float(value) => match serde_json::Number::from_f64(*value) {
                Some(number) => Json::Number(number),
                None => Json::String(float_text(*value)),
            },
            Value::String(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Value::Map(map) => Json::Object(map.iter().map(|(key, node)| (key.to_owned(), node.to_json())).collect()),
        }
    }
}

impl Value {
    /// What a message calls this kind of value.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

fn int_to_json(value: i128) -> serde_json::Value {
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(signed), _) => signed.into(),
        (Err(_), Ok(unsigned)) => unsigned.into(),
        (Err(_), Err(_)) => serde_json::Value::String(value.to_string()),
    }
}

/// A float as YAML writes it, always recognisable as a float.
pub(crate) fn float_text(value: f64) -> String {
    if value.is_nan() {
        ".nan".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { ".inf" } else { "-.inf" }.to_owned()
    } else {
        format!("{value:?}")
    }
}

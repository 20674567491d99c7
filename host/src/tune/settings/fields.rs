//! [`Fields`]: reads the fields of a mapping and collects what is wrong with them.

use crate::config::{Fault, KeyPath, Node, Value};

pub(super) struct Fields<'a> {
    node: &'a Node,
    path: KeyPath,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Fields<'a> {
    pub fn new(node: &'a Node, path: KeyPath, faults: &'a mut Vec<Fault>) -> Self {
        Self { node, path, faults }
    }

    pub fn push(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Those of a mapping inside; nothing if it is absent, null or none.
    pub fn below(&mut self, key: &str) -> Option<Fields<'_>> {
        let node = self.present(key)?;
        let path = self.path.child(key);
        if node.as_map().is_none() {
            let fault = Fault::new(format!("`{path}` is a mapping, this is {}", node.value.kind()));
            self.faults.push(fault.at(&node.origin).key(&path).cure(format!("write `{key}: {{name: ...}}`")));
            return None;
        }
        Some(Fields { node, path, faults: self.faults })
    }

    /// Complains of other keys than these, and of something that is no mapping.
    pub fn of_mapping(&mut self, known: &[&str]) -> bool {
        let Some(map) = self.node.as_map() else {
            let fault = Fault::new(format!("`{}` is a mapping, this is {}", self.path, self.node.value.kind()));
            self.faults.push(fault.at(&self.node.origin).key(&self.path));
            return false;
        };
        for (key, child) in map.iter().filter(|(key, _)| !known.contains(key)) {
            let names = known.iter().map(|name| (*name).to_owned()).collect();
            let fault = Fault::new(format!("unknown key `{key}`")).at(&child.origin).key(&self.path.child(key));
            self.faults.push(fault.choices(format!("keys of `{}`", self.path), key, names));
        }
        true
    }

    pub fn text(&mut self, key: &str) -> Option<String> {
        let node = self.present(key)?;
        match &node.value {
            Value::String(text) if !text.is_empty() && !node.is_missing() => Some(text.clone()),
            _ => self.wrong(node, key, "a text"),
        }
    }

    pub fn whole(&mut self, key: &str, least: u64) -> Option<u64> {
        let node = self.present(key)?;
        match node.value {
            Value::Int(value) if u64::try_from(value).is_ok_and(|value| value >= least) => u64::try_from(value).ok(),
            _ => self.wrong(node, key, &format!("a whole number, at least {least}")),
        }
    }

    /// Above 0 and at most 1.
    pub fn part(&mut self, key: &str) -> Option<f64> {
        let node = self.present(key)?;
        match node.value {
            Value::Float(value) if value > 0.0 && value <= 1.0 => Some(value),
            Value::Int(1) => Some(1.0),
            _ => self.wrong(node, key, "a number above 0 and at most 1"),
        }
    }

    pub fn choice<T: Copy>(&mut self, key: &str, options: &[(&str, T)]) -> Option<T> {
        let node = self.present(key)?;
        let given = node.as_str().unwrap_or_default();
        let found = options.iter().find(|(name, _)| *name == given).map(|(_, option)| *option);
        if found.is_none() {
            let names = options.iter().map(|(name, _)| (*name).to_owned()).collect();
            let fault =
                Fault::new(format!("`{key}` is none of its choices")).at(&node.origin).key(&self.path.child(key));
            self.faults.push(fault.choices("choices", given, names));
        }
        found
    }

    fn present(&self, key: &str) -> Option<&'a Node> {
        self.node.child(key).filter(|node| !matches!(node.value, Value::Null))
    }

    fn wrong<T>(&mut self, node: &Node, key: &str, expected: &str) -> Option<T> {
        let what = match node.is_missing() {
            true => format!("`{key}` must be given"),
            false => format!("`{key}` is no {}", expected.trim_start_matches("a ")),
        };
        let fault = Fault::new(what).at(&node.origin).key(&self.path.child(key));
        self.faults.push(fault.allowed(expected));
        None
    }
}

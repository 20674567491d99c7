//! The name of a place in the tree: `model.params.heads`, `evaluator.params.k.0` (or `k[0]`).
//!
//! Leaves out: relative paths, which only interpolation knows.

use std::fmt;

/// The keys from the root down; the index of a list is written as digits. Empty for the root.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct KeyPath(Vec<String>);

impl KeyPath {
    /// Reads `a.b.0` and `a.b[0]`; empty parts are kept out, so that no text is a fault here.
    pub fn parse(text: &str) -> Self {
        let parts = text.split(['.', '[', ']']).filter(|part| !part.is_empty());
        Self(parts.map(str::to_owned).collect())
    }

    pub fn parts(&self) -> &[String] {
        &self.0
    }

    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub fn child(&self, key: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(key.to_owned());
        Self(parts)
    }

    /// `self` followed by all of `tail`.
    pub fn join(&self, tail: &[String]) -> Self {
        Self(self.0.iter().chain(tail).cloned().collect())
    }

    /// The path without its last key, and that key; nothing for the root.
    pub fn split_last(&self) -> Option<(Self, &str)> {
        let (last, head) = self.0.split_last()?;
        Some((Self(head.to_vec()), last))
    }

    /// The first `length` keys.
    pub fn prefix(&self, length: usize) -> Self {
        Self(self.0.iter().take(length).cloned().collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            formatter.write_str("(top level)")
        } else {
            formatter.write_str(&self.0.join("."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KeyPath;

    #[test]
    fn both_ways_to_write_an_index_are_one_path() {
        assert_eq!(KeyPath::parse("a.b[0].c"), KeyPath::parse("a.b.0.c"));
        assert_eq!(KeyPath::parse("a.b[0].c").to_string(), "a.b.0.c");
        assert!(KeyPath::parse("").is_root());
    }
}

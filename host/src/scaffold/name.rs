//! What a plugin may be called.

use std::collections::BTreeSet;

use crate::cli::Usage;

/// The name of a crate, which is that of the library in configs, and of its constructor.
#[derive(Debug, PartialEq, Eq)]
pub struct PluginName {
    /// `my_model`.
    pub library: String,
    /// `MyModel`.
    pub constructor: String,
}

const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Names that cargo keeps for itself, and those of Rust's own libraries.
const RESERVED: [&str; 9] = ["alloc", "build", "core", "deps", "examples", "incremental", "proc_macro", "std", "test"];

/// Types that the new crate has in scope already.
const TYPES: [&str; 31] = [
    "Catalog",
    "Context",
    "DataLoader",
    "Device",
    "EdgeStore",
    "EdgeType",
    "EpochRecord",
    "ErrorKind",
    "Evaluation",
    "Evaluator",
    "Fit",
    "FitReport",
    "Graph",
    "GraphMetadata",
    "Init",
    "Kind",
    "LinkSplits",
    "Loss",
    "Metrics",
    "Mode",
    "Model",
    "NodeEmbeddings",
    "Option",
    "Params",
    "Path",
    "Progress",
    "Result",
    "Scope",
    "String",
    "Tensor",
    "Trainer",
];

impl PluginName {
    /// `lock` is the Cargo.lock of the checkout, whose crates' names are taken.
    pub fn parse(name: &str, lock: Option<&str>) -> Result<Self, Usage> {
        let refuse = |why: &str| {
            let hint = match valid(name).filter(|better| better != name) {
                Some(better) => format!("; try `{better}`"),
                None => String::new(),
            };
            Err(Usage(format!("a plugin cannot be called `{name}`: {why}{hint}")))
        };
        let well_formed = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
        if !well_formed {
            return refuse("a name has lower-case letters, digits and `_`, and begins with a letter");
        }
        if name.len() > 64 {
            return refuse("a name has at most 64 letters");
        }
        if KEYWORDS.contains(&name) {
            return refuse("this is a keyword of Rust");
        }
        if RESERVED.contains(&name) {
            return refuse("cargo or Rust use this name themselves");
        }
        let taken: BTreeSet<&str> = lock.into_iter().flat_map(packages).collect();
        if taken.contains(name) || taken.contains(name.replace('_', "-").as_str()) {
            return refuse("a crate of recsys-host, or one that it depends on, has this name");
        }
        Ok(Self { library: name.to_owned(), constructor: constructor(name) })
    }

    /// As configs name it.
    pub fn module(&self) -> String {
        format!("{}:{}", self.library, self.constructor)
    }
}

/// The packages of a Cargo.lock.
fn packages(lock: &str) -> impl Iterator<Item = &str> {
    lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
}

/// A valid name near this one.
fn valid(name: &str) -> Option<String> {
    let mut better = String::new();
    for letter in name.chars() {
        let after_small = better.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit());
        match letter {
            'A'..='Z' if after_small => better.extend(['_', letter.to_ascii_lowercase()]),
            'a'..='z' | 'A'..='Z' | '0'..='9' => better.push(letter.to_ascii_lowercase()),
            _ if better.ends_with('_') || better.is_empty() => {}
            _ => better.push('_'),
        }
    }
    let better = better.trim_matches(|letter: char| letter == '_' || letter.is_ascii_digit());
    let taken = KEYWORDS.contains(&better) || RESERVED.contains(&better);
    let better = if taken { format!("my_{better}") } else { better.to_owned() };
    (!better.is_empty()).then(|| better.chars().take(64).collect())
}

/// `my_model` is `MyModel`.
fn constructor(name: &str) -> String {
    let word = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    let camel: String = name.split('_').filter(|part| !part.is_empty()).map(word).collect();
    if TYPES.contains(&camel.as_str()) {
        format!("My{camel}")
    } else {
        camel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names_and_their_constructors() {
        for (name, expected) in [("my_model", "MyModel"), ("bpr2", "Bpr2"), ("a__b_", "AB"), ("loss", "MyLoss")] {
            assert_eq!(PluginName::parse(name, None).map(|name| name.constructor).ok().as_deref(), Some(expected));
        }
    }

    #[test]
    fn bad_names_are_refused_with_a_better_one() {
        let lock = "[[package]]\nname = \"serde-json\"\nversion = \"1\"\n";
        let cases = [
            ("my-model", "begins with a letter; try `my_model`"),
            ("MyModel", "try `my_model`"),
            ("2tower", "try `tower`"),
            ("", "begins with a letter"),
            ("ünï", "try `n`"),
            ("match", "keyword of Rust; try `my_match`"),
            ("test", "themselves; try `my_test`"),
            ("serde_json", "depends on, has this name"),
            ("../evil", "try `evil`"),
        ];
        for (name, part) in cases {
            let message = PluginName::parse(name, Some(lock)).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        assert!(PluginName::parse(&"a".repeat(65), None).is_err());
    }
}

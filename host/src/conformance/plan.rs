//! What is to be run: [`Request`] as the user put it, [`Assignment`] as a child gets it.

use std::path::PathBuf;
use std::time::Duration;

use plugin_api::ComponentKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::suite::{Test, TESTS};
use super::verdict::Verdict;

/// What `plugins check` was asked.
#[derive(Debug, Clone)]
pub struct Request {
    pub library: PathBuf,
    /// Those named; all where none is.
    pub constructors: Vec<String>,
    pub tests: Vec<String>,
    /// In place of those made from the schema.
    pub params: Option<Value>,
    pub seed: u64,
    /// One case of `fuzz` and no other.
    pub reproduce: Option<u64>,
    /// For each test.
    pub limit: Duration,
    pub jobs: usize,
}

/// A constructor, or the library where there is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target(pub Option<(ComponentKind, String)>);

impl Target {
    pub fn kind(&self) -> Option<ComponentKind> {
        self.0.as_ref().map(|(kind, _)| *kind)
    }

    pub fn constructor(&self) -> Option<&str> {
        self.0.as_ref().map(|(_, name)| name.as_str())
    }
}

/// Tests that are run together: of one target, in their order in the suite.
#[derive(Clone)]
pub struct Batch {
    pub target: Target,
    pub tests: Vec<&'static Test>,
}

impl Request {
    fn wants(&self, test: &Test) -> bool {
        match self.reproduce {
            Some(_) => test.name == "fuzz",
            None => self.tests.is_empty() || self.tests.iter().any(|name| name == test.name),
        }
    }

    /// The wanted tests of a target.
    pub fn batch(&self, target: Target) -> Batch {
        let applies = |test: &&Test| test.applies_to(target.kind()) && self.wants(test);
        let tests = TESTS.iter().filter(applies).collect();
        Batch { target, tests }
    }
}

/// The file that tells a child what to do.
#[derive(Debug, Serialize, Deserialize)]
pub struct Assignment {
    pub library: PathBuf,
    /// Name of the kind, name of the constructor.
    pub constructor: Option<(String, String)>,
    pub tests: Vec<String>,
    pub params: Option<Value>,
    pub seed: u64,
    pub reproduce: Option<u64>,
    /// Where results go, a line each.
    pub results: PathBuf,
    pub folders: Folders,
}

/// Those that a plugin may write to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Folders {
    pub data: PathBuf,
    pub run: PathBuf,
}

/// A line of a child's results.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    pub test: String,
    pub verdict: Verdict,
    pub seconds: f64,
}

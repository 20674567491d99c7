//! Where a value came from: a place in a config file, or an override of the command line.
//!
//! A file's origin keeps the text of the file alive, so that a message can show the line without reading it again.
//! Leaves out: how a message is laid out (see `errors`).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A config file that was read: its path as the user gave it, and its text.
pub struct Source {
    pub path: PathBuf,
    pub text: String,
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Source({})", self.path.display())
    }
}

/// The origin of one value.
#[derive(Debug, Clone)]
pub enum Origin {
    /// Line and column count from 1; the column counts characters. For a value of a mapping it is the place of its key.
    File { source: Arc<Source>, line: usize, column: usize },
    /// The override as it was written; the column counts characters from 1.
    Override { text: Arc<str>, column: usize },
}

impl Origin {
    /// The first place of a file, for faults that concern all of it.
    pub fn top_of(source: &Arc<Source>) -> Self {
        Self::File { source: Arc::clone(source), line: 1, column: 1 }
    }

    /// The file, unless the value came from the command line.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File { source, .. } => Some(&source.path),
            Self::Override { .. } => None,
        }
    }

    /// The line that holds this place, its number where it has one, and the column, all counted from 1.
    pub(crate) fn excerpt(&self) -> (Option<usize>, &str, usize) {
        match self {
            Self::File { source, line, column } => {
                let text = source.text.lines().nth(line.saturating_sub(1)).unwrap_or("");
                (Some(*line), text, *column)
            }
            Self::Override { text, column } => (None, text, *column),
        }
    }

    /// The same override, pointed at another of its characters; places in files stay as they are.
    pub(crate) fn at_column(&self, new_column: usize) -> Self {
        match self {
            Self::File { .. } => self.clone(),
            Self::Override { text, .. } => Self::Override { text: Arc::clone(text), column: new_column },
        }
    }

    /// True if both stand for the same place.
    pub fn same_place(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { source, line, column } => write!(formatter, "{}:{line}:{column}", source.path.display()),
            Self::Override { text, .. } => write!(formatter, "override `{text}`"),
        }
    }
}

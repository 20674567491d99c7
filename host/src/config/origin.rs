//! Where a value came from: a place in a config file, or an override of the command line.
//!
//! A file's origin keeps the text of the file alive, so that a message can show the line without reading it again.
//! Leaves out: how a message is laid out (see `errors`).

mod extent;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::key_path::KeyPath;

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
    File { source: Arc<Source>, line: usize, column: usize, extent: Extent },
    /// The override as it was written; the column counts characters from 1.
    Override { text: Arc<str>, column: usize, extent: Extent },
}

/// How much from its column on an origin means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The word that begins there: a key, a text in quotes, a plain value.
    Word,
    /// So many characters.
    Characters(usize),
    /// The value of the key that begins there.
    ValueOfKey,
}

impl Origin {
    /// The first place of a file, for faults that concern all of it.
    pub fn top_of(source: &Arc<Source>) -> Self {
        Self::File { source: Arc::clone(source), line: 1, column: 1, extent: Extent::Characters(1) }
    }

    /// The key of an override, or another word of it.
    pub fn of_override(text: &Arc<str>, column: usize) -> Self {
        Self::Override { text: Arc::clone(text), column, extent: Extent::Word }
    }

    /// The file, unless the value came from the command line.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File { source, .. } => Some(&source.path),
            Self::Override { .. } => None,
        }
    }

    /// The same place as a message shows it, all of `extent`.
    fn with_extent(&self, extent: Extent) -> Self {
        let mut origin = self.clone();
        match &mut origin {
            Self::File { extent: known, .. } | Self::Override { extent: known, .. } => *known = extent,
        }
        origin
    }

    /// For a fault of the value, where this is the place of its key.
    pub fn of_value(&self) -> Self {
        match self.extent() {
            Extent::Word => self.with_extent(Extent::ValueOfKey),
            Extent::Characters(_) | Extent::ValueOfKey => self.clone(),
        }
    }

    /// For a fault of a key: that part of `model.params.dropout` that `path` ends with, or the value if it holds the key.
    pub fn of_key(&self, path: &KeyPath) -> Self {
        let Self::Override { text, column, extent: Extent::Word } = self else { return self.clone() };
        let key: Vec<char> =
            text.chars().skip(column - 1).take_while(|letter| *letter != '=' && *letter != '@').collect();
        let parts = extent::parts(&key);
        match path.parts().len().checked_sub(1).and_then(|last| parts.get(last)) {
            Some((start, length)) => self.at_column(column + start).with_extent(Extent::Characters(*length)),
            None => self.of_value(),
        }
    }

    fn extent(&self) -> Extent {
        match self {
            Self::File { extent, .. } | Self::Override { extent, .. } => *extent,
        }
    }

    /// The line that holds this place, its number where it has one, the column counted from 1, and how many characters are meant.
    pub(crate) fn excerpt(&self) -> (Option<usize>, &str, usize, usize) {
        let (number, text, column) = match self {
            Self::File { source, line, column, .. } => {
                let text = source.text.lines().nth(line.saturating_sub(1)).unwrap_or("");
                (Some(*line), text, *column)
            }
            Self::Override { text, column, .. } => (None, &**text, *column),
        };
        let letters: Vec<char> = text.chars().collect();
        let start = column.saturating_sub(1).min(letters.len());
        let value = || match self {
            Self::File { .. } => extent::value_in_file(&letters, start),
            Self::Override { .. } => extent::value_of_override(&letters),
        };
        let (start, length) = match self.extent() {
            Extent::Word => (start, extent::word(&letters[start..])),
            Extent::Characters(length) => (start, length),
            Extent::ValueOfKey => value().unwrap_or_else(|| (start, extent::word(&letters[start..]))),
        };
        (number, text, start + 1, length.min(letters.len() - start).max(1))
    }

    /// The same override, pointed at another of its words; places in files stay as they are.
    pub(crate) fn at_column(&self, new_column: usize) -> Self {
        match self {
            Self::File { .. } => self.clone(),
            Self::Override { text, .. } => Self::of_override(text, new_column),
        }
    }

    /// So many characters from its column on.
    pub(crate) fn characters(&self, length: usize) -> Self {
        self.with_extent(Extent::Characters(length))
    }

    /// True if both stand for the same place.
    pub fn same_place(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { source, line, .. } => {
                let (_, _, column, _) = self.excerpt();
                write!(formatter, "{}:{line}:{column}", source.path.display())
            }
            Self::Override { text, .. } => write!(formatter, "override `{text}`"),
        }
    }
}

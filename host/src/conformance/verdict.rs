//! [`Finding`]: what a test says that does not simply pass. [`Verdict`]: how a test ended.

use plugin_api::error::ErrorKind;
use plugin_api::PluginError;
use serde::{Deserialize, Serialize};

use crate::artifacts::ArtifactError;

/// The result of a test, inside the child.
pub type Checked<T = ()> = Result<T, Finding>;

/// Why a test did not simply pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The plugin does not do what is asked.
    Failed(String),
    /// Worth a look; the machine or a matter of taste decides.
    Warned(String),
    /// It cannot be asked of this constructor.
    Skipped(String),
}

/// How a test ended. The last two are the parent's to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", content = "reason", rename_all = "snake_case")]
pub enum Verdict {
    Passed,
    Warned(String),
    Skipped(String),
    Failed(String),
    /// A signal or an exit ended the child in the middle of the test.
    Crashed(String),
    /// It was killed.
    TimedOut(String),
}

impl Verdict {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned(_) => "warned",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
            Self::Crashed(_) => "crashed",
            Self::TimedOut(_) => "timed out",
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Warned(reason)
            | Self::Skipped(reason)
            | Self::Failed(reason)
            | Self::Crashed(reason)
            | Self::TimedOut(reason) => Some(reason),
        }
    }

    /// Whether the library does not conform.
    pub fn is_fault(&self) -> bool {
        match self {
            Self::Passed | Self::Warned(_) | Self::Skipped(_) => false,
            Self::Failed(_) | Self::Crashed(_) | Self::TimedOut(_) => true,
        }
    }
}

impl From<Checked> for Verdict {
    fn from(checked: Checked) -> Self {
        match checked {
            Ok(()) => Self::Passed,
            Err(Finding::Failed(reason)) => Self::Failed(reason),
            Err(Finding::Warned(reason)) => Self::Warned(reason),
            Err(Finding::Skipped(reason)) => Self::Skipped(reason),
        }
    }
}

impl Finding {
    /// Says what was being done.
    pub fn during(self, what: &str) -> Self {
        match self {
            Self::Failed(reason) => Self::Failed(format!("{what}: {reason}")),
            Self::Warned(reason) => Self::Warned(format!("{what}: {reason}")),
            Self::Skipped(reason) => Self::Skipped(reason),
        }
    }
}

/// Fails with a reason.
pub fn fail<T>(reason: impl Into<String>) -> Checked<T> {
    Err(Finding::Failed(reason.into()))
}

pub fn skip<T>(reason: impl Into<String>) -> Checked<T> {
    Err(Finding::Skipped(reason.into()))
}

/// Fails unless `holds`.
pub fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Checked {
    if holds {
        Ok(())
    } else {
        fail(reason())
    }
}

/// The words for an error of a plugin.
pub fn words(error: &PluginError) -> String {
    match (error.kind, &error.location) {
        (ErrorKind::Panicked, Some(place)) => format!("it panicked: {error} (at {place})"),
        (ErrorKind::Panicked, None) => format!("it panicked: {error}"),
        _ => error.to_string(),
    }
}

impl From<PluginError> for Finding {
    fn from(error: PluginError) -> Self {
        Self::Failed(words(&error))
    }
}

impl From<tch::TchError> for Finding {
    fn from(error: tch::TchError) -> Self {
        Self::from(PluginError::from(error))
    }
}

impl From<ArtifactError> for Finding {
    fn from(error: ArtifactError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<std::io::Error> for Finding {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(format!("the suite itself: {error}"))
    }
}

/// Adds what was being done to whatever goes wrong.
pub trait During<T> {
    fn during(self, what: &str) -> Checked<T>;
}

impl<T, E: Into<Finding>> During<T> for Result<T, E> {
    fn during(self, what: &str) -> Checked<T> {
        self.map_err(|error| error.into().during(what))
    }
}

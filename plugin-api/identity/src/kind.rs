//! [`ComponentKind`]: the kinds of component that a plugin can export. The list may grow; none is ever removed.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComponentKind {
    DataLoader,
    Model,
    Loss,
    Trainer,
    Evaluator,
}

impl ComponentKind {
    pub const ALL: [ComponentKind; 5] = [Self::DataLoader, Self::Model, Self::Loss, Self::Trainer, Self::Evaluator];

    /// As it stands in notes, in `export_plugin!` and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DataLoader => "data_loader",
            Self::Model => "model",
            Self::Loss => "loss",
            Self::Trainer => "trainer",
            Self::Evaluator => "evaluator",
        }
    }

    /// `None` for a kind that this version does not know.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for ComponentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

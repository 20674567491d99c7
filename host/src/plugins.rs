//! From `module: library:Constructor` to a checked constructor: discover, identify, open, check.
//!
//! [`identity`] reads who a file says it is without running any of its code, [`search`] finds it, [`library`] opens it (the
//! host's only `unsafe`), [`registry`] ties them together, [`parameters`] checks `params` against the constructor's
//! schema, [`schema`] puts that schema into words, [`config_schema`] makes one of whole configs of it.

pub mod config_schema;
pub mod identity;
pub mod library;
pub mod parameters;
pub mod registry;
pub mod schema;
pub mod search;

pub use identity::{Identity, Refusal};
pub use registry::{Constructor, Registry};
pub use search::SearchPath;

use plugin_api::ComponentKind;

use crate::config::Section;

/// What a section of the config wants.
pub fn kind(section: Section) -> ComponentKind {
    match section {
        Section::Data => ComponentKind::DataLoader,
        Section::Model => ComponentKind::Model,
        Section::Loss => ComponentKind::Loss,
        Section::Trainer => ComponentKind::Trainer,
        Section::Evaluator => ComponentKind::Evaluator,
    }
}

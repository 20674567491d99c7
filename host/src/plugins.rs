//! From `module: library:Constructor` to a checked constructor: discover, identify, admit, open, check.
//!
//! [`identity`] reads who a file says it is without running any of its code (with [`elf`]; [`refusal`] says why not), [`search`] finds
//! it, [`admission`] decides whether it may be opened: by its [`permissions`], by the [`lock`], by a first look in a child process
//! ([`probe`]), as far as [`policy`] asks for them; [`library`] opens it (the host's only `unsafe`), [`registry`] ties them together,
//! [`parameters`] checks `params` against the constructor's schema, [`schema`] puts that schema into words, [`config_schema`] makes one of
//! whole configs of it. [`scan_cache`] remembers by [`content`] what was seen, [`roots`]
//! are the places that a config may name.

pub mod admission;
pub mod config_schema;
pub mod content;
pub mod elf;
pub mod identity;
pub mod library;
pub mod lock;
pub mod parameters;
pub mod permissions;
pub mod policy;
pub mod probe;
pub mod refusal;
pub mod registry;
pub mod roots;
pub mod scan_cache;
pub mod schema;
pub mod search;

pub use identity::Identity;
pub use refusal::Refusal;
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

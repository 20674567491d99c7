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
pub mod library;
pub mod lock;
pub mod parameters;
pub mod probe;
pub mod registry;
pub mod roots;
pub mod schema;

pub use front::plugins::{
    content, elf, identity, permissions, policy, refusal, scan_cache, search, Identity, Refusal, SearchPath,
};
pub use registry::{Constructor, Registry};

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

//! Plugins as files: where they are, who they say they are, and whether they may be opened. No code of theirs runs.
//!
//! [`identity`] reads the note of a file (with [`elf`]; [`refusal`] says why not), [`search`] finds it, if its [`permissions`] allow;
//! [`scan_cache`] remembers by [`content`] what was seen; [`policy`] is how far libraries are trusted.

pub mod content;
pub mod elf;
pub mod identity;
pub mod permissions;
pub mod policy;
pub mod refusal;
pub mod scan_cache;
pub mod search;

pub use identity::Identity;
pub use refusal::Refusal;
pub use search::SearchPath;

//! The defaults list: which config files a config is composed of, in which order, below which package.
//!
//! `files` knows the config folder, `entry` reads one list into typed entries, `placement` computes groups and packages,
//! `expand` follows the lists from the primary config down. Leaves out: merging what they hold (`merge`).

mod choices;
mod entry;
pub(crate) mod expand;
pub(crate) mod files;
mod placement;

//! From `module: library:Constructor` to a checked constructor: discover, identify, open, check.
//!
//! [`identity`] reads who a file says it is without running any of its code, [`search`] finds it, [`library`] opens it (the
//! host's only `unsafe`), [`registry`] ties them together, [`parameters`] checks `params` against the constructor's schema.

pub mod identity;
pub mod library;
pub mod parameters;
pub mod registry;
pub mod search;

pub use identity::{Identity, Refusal};
pub use registry::{Constructor, Registry};
pub use search::SearchPath;

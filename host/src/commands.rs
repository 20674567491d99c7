//! The commands, a file each: a few lines over [`crate::experiment`].

pub mod check;
pub mod completions;
pub mod evaluate;
pub mod job;
pub mod load;
pub mod plugins;
pub mod recommend;
pub mod train;
pub mod tune;

pub(crate) use front::output::print;

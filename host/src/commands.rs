//! The commands, a file each: a few lines over [`crate::experiment`].

pub mod check;
pub mod evaluate;
pub mod load;
pub mod plugins;
pub mod recommend;
pub mod train;

pub(crate) use front::output::print;

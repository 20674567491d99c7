//! The commands that are answered without libtorch, a file each.

pub mod config;
pub mod doctor;
pub mod list;

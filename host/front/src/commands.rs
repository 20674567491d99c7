//! The commands that are answered without libtorch, a file each.

pub mod doctor;
pub mod list;

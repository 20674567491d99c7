//! The commands, a file each: a few lines over [`crate::experiment`].

pub mod check;
pub mod completions;
pub mod config;
pub mod evaluate;
pub mod job;
pub mod load;
pub mod plugins;
pub mod recommend;
pub mod train;

use std::io::Write;

/// Standard output is for programs; a reader that closed it has what it wanted.
pub(crate) fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

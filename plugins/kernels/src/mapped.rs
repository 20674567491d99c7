//! Files as memory.

use std::fs::File;
use std::io;
use std::path::Path;

pub use memmap2::MmapMut;

/// Maps a file whole and privately: what is written into the memory never reaches the file, and what is replaced by renaming
/// leaves the memory as it was.
///
/// The project writes files beside their place and renames them. Someone who shortens a file in place while it is mapped makes
/// reading the lost part a fault of the process, as with every mapping.
///
/// # Errors
/// If the file cannot be opened or mapped.
pub fn private(path: &Path) -> io::Result<MmapMut> {
    let file = File::open(path)?;
    // SAFETY: the mapping is private, and the files it is used on (the graph cache, exported graphs) are only ever replaced by
    // renaming, never written to in place, so that nobody changes the bytes under it.
    unsafe { memmap2::MmapOptions::new().map_copy(&file) }
}

//! The fingerprint of a release on disk.
//! Leaves out MD5, which only guards downloads.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::archive::Store;
use crate::contents::Contents;
use crate::download::checksum::hex;
use crate::error::{io_error, Error};
use crate::events::Events;
use crate::release::Release;

/// Progress is told every this many bytes.
const STEP: usize = 1 << 20;

/// SHA-256 that changes when the ratings or titles of `path` may have: of a zip all its bytes; of a folder the names,
/// sizes and bytes of the two files that are read.
///
/// # Errors
/// Unreadable, an unsafe or damaged zip, or the user stopped.
pub fn fingerprint(path: &Path, release: &Release, events: &dyn Events) -> Result<String, Error> {
    let what = format!("hashing {}", release.name);
    if !path.is_dir() {
        let file = File::open(path).map_err(io_error("open", path))?;
        let size = file.metadata().map_err(io_error("read", path))?.len();
        return hash(file, size, path, &what, events);
    }
    let mut store = Store::open(path)?;
    let mut digest = Sha256::new();
    let contents = Contents::find(&store, release);
    for member in contents.iter().flat_map(Contents::members) {
        digest.update(format!("{}\n{}\n", member.name, member.size));
        digest.update(hash(store.reader(member)?, member.size, path, &what, events)?);
    }
    Ok(hex(&digest.finalize()))
}

fn hash<R: Read>(mut reader: R, size: u64, path: &Path, what: &str, events: &dyn Events) -> Result<String, Error> {
    let (mut digest, mut chunk, mut done) = (Sha256::new(), vec![0; STEP], 0);
    loop {
        if events.cancelled() {
            return Err(Error::Cancelled);
        }
        let n_read = reader.read(&mut chunk).map_err(io_error("read", path))?;
        if n_read == 0 {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(&chunk[..n_read]);
        done += n_read as u64;
        events.progress(done, Some(size), what);
    }
}

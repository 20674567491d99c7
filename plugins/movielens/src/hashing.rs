//! A reader that hashes, reports progress and hears the user's stop; and the fingerprint of a release on disk.
//! Leaves out MD5, which only guards downloads.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::archive::Store;
use crate::contents::Contents;
use crate::download::checksum::hex;
use crate::error::{io_error, Error};
use crate::events::Events;
use crate::release::Release;

/// Progress is told every this many bytes.
const PROGRESS_STEP: u64 = 1 << 20;

/// Passes bytes on, hashing and counting them.
pub struct Watched<'a, R> {
    inner: R,
    digest: Sha256,
    done: u64,
    total: u64,
    told: u64,
    what: &'a str,
    events: &'a dyn Events,
}

impl<'a, R: Read> Watched<'a, R> {
    /// `total` bytes are expected; `what` names the work in progress reports.
    pub fn new(inner: R, total: u64, what: &'a str, events: &'a dyn Events) -> Self {
        Self { inner, digest: Sha256::new(), done: 0, total, told: 0, what, events }
    }

    /// SHA-256 of the bytes read, lower-case hex.
    pub fn sha256(self) -> String {
        hex(&self.digest.finalize())
    }
}

impl<R: Read> Read for Watched<'_, R> {
    /// Fails when the user stopped: callers that see an error ask `events.cancelled()`.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.events.cancelled() {
            return Err(io::Error::other("interrupted"));
        }
        let n_read = self.inner.read(buffer)?;
        self.digest.update(&buffer[..n_read]);
        self.done += n_read as u64;
        if self.done - self.told >= PROGRESS_STEP || (n_read == 0 && self.told < self.done) {
            self.told = self.done;
            self.events.progress(self.done, Some(self.total), self.what);
        }
        Ok(n_read)
    }
}

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

fn hash<R: Read>(reader: R, size: u64, path: &Path, what: &str, events: &dyn Events) -> Result<String, Error> {
    let mut watched = Watched::new(reader, size, what, events);
    let mut chunk = vec![0; 1 << 18];
    loop {
        match watched.read(&mut chunk) {
            Ok(0) => return Ok(watched.sha256()),
            Ok(_) => {}
            Err(_) if events.cancelled() => return Err(Error::Cancelled),
            Err(cause) => return Err(io_error("read", path)(cause)),
        }
    }
}

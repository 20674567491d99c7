//! The part file of a download and the note beside it that says what it is the beginning of.
//! Leaves out the network.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::DownloadError;

/// `TARGET.part`, locked against a second process, with `TARGET.part.json` beside it.
pub struct PartFile {
    path: PathBuf,
    file: File,
    len: u64,
    note: Option<Note>,
}

/// Which version of which file the part begins.
#[derive(Serialize, Deserialize)]
struct Note {
    url: String,
    /// Value for `If-Range`.
    validator: Option<String>,
}

impl PartFile {
    /// Opens or creates the part file of `target`.
    pub fn open(target: &Path) -> Result<Self, DownloadError> {
        let path = with_suffix(target, ".part");
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|cause| io_error("create", &path, cause))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(DownloadError::Busy(path)),
            // A file system without locks: then the checksum is what protects.
            Err(fs::TryLockError::Error(_)) => {}
        }
        // Between our open and our lock another process may have finished and renamed this very file.
        if !path.exists() {
            return Err(DownloadError::Busy(path));
        }
        let len = file.seek(SeekFrom::End(0)).map_err(|cause| io_error("read", &path, cause))?;
        let note = fs::read(with_suffix(&path, ".json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(Self { path, file, len, note })
    }

    /// Bytes there so far.
    pub fn size(&self) -> u64 {
        self.len
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The mark of the version begun.
    pub fn validator(&self) -> Option<&str> {
        self.note.as_ref().and_then(|note| note.validator.as_deref())
    }

    /// Whether going on is safe: it began the same file, and either the server or a checksum will tell a changed one.
    pub fn may_resume(&self, url: &str, has_checksum: bool) -> bool {
        self.note.as_ref().is_some_and(|note| note.url == url && (note.validator.is_some() || has_checksum))
    }

    /// Writes down what the bytes that follow are the beginning of.
    pub fn begin(&mut self, url: &str, validator: Option<String>) -> Result<(), DownloadError> {
        let note = Note { url: url.to_string(), validator };
        let path = with_suffix(&self.path, ".json");
        let bytes = serde_json::to_vec(&note).map_err(|cause| io_error("write", &path, cause.into()))?;
        fs::write(&path, bytes).map_err(|cause| io_error("write", &path, cause))?;
        self.note = Some(note);
        Ok(())
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        self.file.write_all(bytes).map_err(|cause| io_error("write", &self.path, cause))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Empties the part file and forgets what it began.
    pub fn discard_content(&mut self) -> Result<(), DownloadError> {
        self.note = None;
        // May well not be there.
        let _ = fs::remove_file(with_suffix(&self.path, ".json"));
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|cause| io_error("empty", &self.path, cause))?;
        self.len = 0;
        Ok(())
    }

    /// Brings the bytes to the disk; the note is no longer needed.
    pub fn finish(&mut self) -> Result<(), DownloadError> {
        self.file.sync_all().map_err(|cause| io_error("write", &self.path, cause))?;
        let _ = fs::remove_file(with_suffix(&self.path, ".json"));
        Ok(())
    }
}

impl Drop for PartFile {
    /// Nothing worth resuming is left lying about.
    fn drop(&mut self) {
        if self.len == 0 {
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_file(with_suffix(&self.path, ".json"));
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

fn io_error(action: &'static str, path: &Path, cause: std::io::Error) -> DownloadError {
    DownloadError::Io { action, path: path.to_path_buf(), cause }
}

//! The run directory: what a run leaves. [`run_directory`] writes it, [`weights`] is the format of models, [`run_info`] and
//! [`result`] are its JSON files.

pub mod result;
pub mod run_directory;
pub mod run_info;
pub mod weights;

pub use run_directory::RunDirectory;

use std::path::{Path, PathBuf};

/// A file that could not be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", path.display())]
pub struct ArtifactError {
    pub path: PathBuf,
    pub cause: String,
}

impl ArtifactError {
    pub fn new(path: &Path, cause: impl ToString) -> Self {
        Self { path: path.to_owned(), cause: cause.to_string() }
    }
}

/// Writes a file whole or not at all: `write` is given a path beside its place, which is then renamed.
pub fn write_whole<E: ToString>(path: &Path, write: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), ArtifactError> {
    let failed = |error: std::io::Error| ArtifactError::new(path, error);
    let folder = path.parent().unwrap_or(Path::new("."));
    let staged = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    write(staged.path()).map_err(|error| ArtifactError::new(path, error.to_string()))?;
    // A temporary file is private; the others of a run follow the umask.
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666 & !umask());
    std::fs::set_permissions(staged.path(), permissions).map_err(failed)?;
    staged.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Read from /proc, since asking the system sets it.
fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|text| u32::from_str_radix(text.trim(), 8).ok()).unwrap_or(0o022)
}

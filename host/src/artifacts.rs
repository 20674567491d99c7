//! The run directory: what a run leaves. [`run_directory`] writes it, [`weights`] is the format of models, [`run_info`] and
//! [`result`] are its JSON files, [`profile`] what `train --profile` adds.

pub mod profile;
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

/// Writes a value as JSON, whole or not at all.
pub fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), ArtifactError> {
    write_whole(path, |staged| {
        let text = serde_json::to_string_pretty(value)?;
        std::fs::write(staged, text + "\n")
    })
}

/// Writes a file whole or not at all: `write` is given a path beside its place, which is then renamed.
pub fn write_whole<E: ToString>(path: &Path, write: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), ArtifactError> {
    let failed = |error: std::io::Error| ArtifactError::new(path, error);
    let folder = path.parent().unwrap_or(Path::new("."));
    // Not private, as temporary files are by default: these follow the umask.
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let staged = tempfile::Builder::new().permissions(readable).tempfile_in(folder).map_err(failed)?;
    write(staged.path()).map_err(|error| ArtifactError::new(path, error.to_string()))?;
    staged.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

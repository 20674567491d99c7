//! What this host has seen of plugin files before: their notes, what survived being opened, what did not.
//!
//! One JSON file in the user's cache folder for each version of host, API and libtorch (and of glibc: the folder may be shared by
//! machines). It only spares work: a cache that is lost, damaged or forbidden means that files are looked at again.

mod store;

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::plugins::content::{is_settled, sha256, stamp};
use crate::plugins::Identity;

/// How much of a hash is shown.
const SHOWN: usize = 12;

/// A snapshot of the cache, and what is to be added to it.
pub struct ScanCache {
    place: Option<PathBuf>,
    content: Content,
    changes: Vec<Change>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Content {
    /// By absolute path: what a file in this state holds.
    files: BTreeMap<String, Seen>,
    /// By SHA-256: when a child process opened it and lived.
    opened: BTreeMap<String, i64>,
    /// By SHA-256.
    quarantined: BTreeMap<String, Quarantine>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Seen {
    stamp: String,
    note: Option<String>,
    sha256: Option<String>,
    at: i64,
}

/// A library that ended the child process which opened it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Quarantine {
    pub sha256: String,
    pub path: PathBuf,
    pub size: u64,
    /// `ended the process by SIGSEGV`.
    pub how: String,
    /// The last lines that it wrote.
    pub output: Vec<String>,
    pub when: String,
    pub at: i64,
}

impl Quarantine {
    pub fn reason(&self) -> String {
        let output = match self.output.as_slice() {
            [] => "it wrote nothing".to_owned(),
            lines => format!("its last output: {}", lines.join(" | ")),
        };
        format!("quarantined: opening it in a child process {} ({}); {output}", self.how, self.when)
    }

    pub fn cure(&self) -> String {
        let hash = &self.sha256[..SHOWN.min(self.sha256.len())];
        format!(
            "mend it and build it again; `recsys-host plugins doctor --forget {hash}` lifts the quarantine of this build"
        )
    }
}

enum Change {
    File { path: String, seen: Seen },
    Opened(String),
    Quarantined(Box<Quarantine>),
    Forgotten(String),
}

impl Content {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::File { path, seen } => {
                let known = self.files.entry(path.clone()).or_default();
                // What the other half is known of the same state stays.
                let former = if known.stamp == seen.stamp { std::mem::take(known) } else { Seen::default() };
                let Seen { stamp, note, sha256, at } = seen.clone();
                *known = Seen { stamp, note: note.or(former.note), sha256: sha256.or(former.sha256), at };
            }
            Change::Opened(sha256) => _ = self.opened.insert(sha256.clone(), now()),
            Change::Quarantined(quarantine) => {
                self.quarantined.insert(quarantine.sha256.clone(), Quarantine::clone(quarantine));
            }
            Change::Forgotten(sha256) => _ = self.quarantined.remove(sha256),
        }
    }
}

impl ScanCache {
    /// As it is now; empty where there is none.
    pub fn load() -> Self {
        let place = store::place();
        let content = place.as_deref().map(store::read).unwrap_or_default();
        Self { place, content, changes: Vec::new() }
    }

    /// The identity of a file that is in the state in which it was read last; else `read` is asked.
    pub fn identity<E>(
        &mut self,
        path: &Path,
        metadata: &Metadata,
        read: impl FnOnce() -> Result<Identity, E>,
    ) -> Result<Identity, E> {
        let known = self.seen(path, metadata).and_then(|seen| Identity::parse(seen.note.as_deref()?).ok());
        if let Some(identity) = known {
            return Ok(identity);
        }
        let identity = read()?;
        self.remember(path, metadata, Some(identity.note.clone()), None);
        Ok(identity)
    }

    /// The hash of a file, without reading it if it is in the state in which it was hashed last. Not for trust: see [`stamp`].
    pub fn sha256(&mut self, path: &Path, file: &File, metadata: &Metadata) -> io::Result<String> {
        if let Some(known) = self.known_sha256(path, metadata) {
            return Ok(known);
        }
        let hash = sha256(file)?;
        self.remember_sha256(path, metadata, &hash);
        Ok(hash)
    }

    pub fn known_sha256(&self, path: &Path, metadata: &Metadata) -> Option<String> {
        self.seen(path, metadata)?.sha256.clone()
    }

    pub fn remember_sha256(&mut self, path: &Path, metadata: &Metadata, sha256: &str) {
        self.remember(path, metadata, None, Some(sha256.to_owned()));
    }

    /// Whether a child process has opened this content and lived.
    pub fn was_opened(&self, sha256: &str) -> bool {
        self.content.opened.contains_key(sha256)
    }

    pub fn quarantine_of(&self, sha256: &str) -> Option<&Quarantine> {
        self.content.quarantined.get(sha256)
    }

    /// Whether the content of a file is quarantined. Only files as large as one that is are read for it.
    pub fn quarantine_of_file(&mut self, path: &Path, metadata: &Metadata) -> io::Result<Option<Quarantine>> {
        if self.content.quarantined.values().all(|quarantine| quarantine.size != metadata.len()) {
            return Ok(None);
        }
        let hash = self.sha256(path, &File::open(path)?, metadata)?;
        Ok(self.quarantine_of(&hash).cloned())
    }

    pub fn quarantined(&self) -> impl Iterator<Item = &Quarantine> {
        self.content.quarantined.values()
    }

    pub fn opened(&mut self, sha256: &str) {
        self.change(Change::Opened(sha256.to_owned()));
    }

    pub fn quarantine(&mut self, quarantine: Quarantine) {
        self.change(Change::Quarantined(Box::new(quarantine)));
    }

    pub fn forget(&mut self, sha256: &str) {
        self.change(Change::Forgotten(sha256.to_owned()));
    }

    /// Adds what is new to the file, beside what other processes added meanwhile. A cache that cannot be written is none.
    pub fn save(self) {
        let Some(place) = self.place.filter(|_| !self.changes.is_empty()) else { return };
        let saved = store::update(&place, |content| self.changes.iter().for_each(|change| content.apply(change)));
        if let Err(error) = saved {
            log::debug!("{} cannot be written: {error}", place.display());
        }
    }

    fn seen(&self, path: &Path, metadata: &Metadata) -> Option<&Seen> {
        self.content.files.get(&key(path)?).filter(|seen| seen.stamp == stamp(metadata))
    }

    fn remember(&mut self, path: &Path, metadata: &Metadata, note: Option<String>, sha256: Option<String>) {
        let Some(path) = key(path).filter(|_| is_settled(metadata)) else { return };
        self.change(Change::File { path, seen: Seen { stamp: stamp(metadata), note, sha256, at: now() } });
    }

    fn change(&mut self, change: Change) {
        self.content.apply(&change);
        self.changes.push(change);
    }
}

/// Paths that are no text are not remembered.
fn key(path: &Path) -> Option<String> {
    std::path::absolute(path).ok()?.into_os_string().into_string().ok()
}

/// Seconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

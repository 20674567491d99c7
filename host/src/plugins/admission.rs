//! [`admit`]: from a file that looks like a plugin to one that may be opened.
//!
//! What is judged is what is opened: the file is opened for reading once, its note, permissions and content are read through that
//! handle, and the loader is given the handle's name (`/proc/self/fd/N`), so that a file put in its place meanwhile is never
//! opened. Who may write to the file itself could still change it afterwards: that is the user, or root.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::thread;

use object::ReadCache;

use crate::plugins::content::sha256;
use crate::plugins::elf::Elf;
use crate::plugins::lock::{InForce, LockError};
use crate::plugins::policy::Policy;
use crate::plugins::probe::{self, Death, Outcome, Subject};
use crate::plugins::scan_cache::{now, Quarantine, ScanCache};
use crate::plugins::{permissions, Identity, Refusal};

/// A library: where it is, who it says it is, and what it holds.
#[derive(Debug, Clone)]
pub struct LibraryFile {
    pub path: PathBuf,
    pub identity: Identity,
    pub sha256: String,
}

/// A library that may be opened.
#[derive(Debug)]
pub struct Admitted {
    pub file: LibraryFile,
    handle: File,
    metadata: Metadata,
    /// It looks for others beside itself, and a handle is beside nothing.
    by_path: bool,
}

/// Why a library that was found is not opened.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    #[error("{}: {refusal}", path.display())]
    Refused { path: PathBuf, refusal: Refusal },
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(
        "{}: opened together with {} in a child process it {}, though each by itself does no harm; leave one of them out{}",
        path.display(), others.join(", "), death.how, told(death)
    )]
    Clash { path: PathBuf, others: Vec<String>, death: Death },
    #[error("{}: it was replaced while it was looked at; try again", .0.display())]
    Replaced(PathBuf),
}

fn told(death: &Death) -> String {
    death.output.iter().map(|line| format!("\n    {line}")).collect()
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl Rejection {
    pub fn is_quarantine(&self) -> bool {
        matches!(self, Self::Refused { refusal: Refusal::Quarantined(_), .. })
    }
}

impl Admitted {
    /// Opens a file for reading and looks at what does not take its content.
    fn look(path: &Path, library: &str) -> Result<Self, Refusal> {
        let handle = File::open(path)?;
        let metadata = handle.metadata()?;
        if let Some(exposure) = permissions::of_open_file(path, &metadata)? {
            return Err(Refusal::Exposed(exposure));
        }
        let identity = Identity::of(&handle)?.named(library)?;
        let by_path = Elf::parse(&ReadCache::new(&handle))?.searches_beside_itself()?;
        let file = LibraryFile { path: path.to_owned(), identity, sha256: String::new() };
        Ok(Self { file, handle, metadata, by_path })
    }

    /// Where another process finds this very file, as long as this lives.
    pub fn place_for_others(&self) -> PathBuf {
        self.place(&std::process::id().to_string())
    }

    /// By the handle, as `self` or the process of this id finds it.
    fn place(&self, process: &str) -> PathBuf {
        let handle = PathBuf::from(format!("/proc/{process}/fd/{}", self.handle.as_raw_fd()));
        if self.by_path || !handle.exists() {
            return absolute(&self.file.path);
        }
        handle
    }

    /// What the loader is to open. The handle must stay open as long as the library does: the loader knows it by this name.
    pub fn into_place(self) -> Result<(PathBuf, File), Rejection> {
        let place = self.place("self");
        let is_same = |now: Metadata| super::content::stamp(&now) == super::content::stamp(&self.metadata);
        if !place.metadata().is_ok_and(is_same) {
            return Err(Rejection::Replaced(self.file.path));
        }
        Ok((place, self.handle))
    }
}

/// Looks at files that are to be opened as the libraries of these names: their permissions and notes, then the lock, then, of those
/// whose content was never opened by this host, whether a child process survives it. A result a file.
pub fn admit(files: &[(PathBuf, String)]) -> Vec<Result<Admitted, Rejection>> {
    let policy = Policy::current();
    let mut cache = ScanCache::load();
    let lock = InForce::find(&policy);
    let looked = files.iter().map(|(path, library)| {
        let looked = Admitted::look(path, library);
        looked.map_err(|refusal| Rejection::Refused { path: path.clone(), refusal })
    });
    let mut results: Vec<_> = looked.collect();
    let has_lock = !matches!(lock, Ok(None));
    hash(&mut results, has_lock, &mut cache);
    for result in &mut results {
        check(result, |admitted| {
            if let Some(quarantine) = cache.quarantine_of(&admitted.file.sha256) {
                return Err(refused(admitted, quarantine.clone()));
            }
            match &lock {
                Ok(Some(lock)) => Ok(lock.check(&admitted.file)?),
                Ok(None) => Ok(()),
                Err(error) => Err(error.clone().into()),
            }
        });
    }
    if policy.probes() {
        try_unknown(&mut results, &mut cache);
    }
    cache.save();
    results
}

/// Turns an admission into a rejection if the check fails.
fn check(result: &mut Result<Admitted, Rejection>, check: impl FnOnce(&Admitted) -> Result<(), Rejection>) {
    if let Some(rejection) = result.as_ref().ok().and_then(|admitted| check(admitted).err()) {
        *result = Err(rejection);
    }
}

fn refused(admitted: &Admitted, quarantine: Quarantine) -> Rejection {
    Rejection::Refused { path: admitted.file.path.clone(), refusal: Refusal::Quarantined(Box::new(quarantine)) }
}

/// Fills in the hashes; files are read side by side. For the lock every byte is read, else a file that is as it was is not.
fn hash(results: &mut [Result<Admitted, Rejection>], read_all: bool, cache: &mut ScanCache) {
    let known = |admitted: &Admitted| cache.known_sha256(&admitted.file.path, &admitted.metadata).filter(|_| !read_all);
    let jobs: Vec<(&mut Result<Admitted, Rejection>, Option<String>)> = results
        .iter_mut()
        .map(|result| {
            let known = result.as_ref().ok().and_then(known);
            (result, known)
        })
        .collect();
    let hashed: Vec<(&mut Result<Admitted, Rejection>, io::Result<String>)> = thread::scope(|scope| {
        let begun = jobs.into_iter().map(|(result, known)| {
            scope.spawn(move || {
                let hash = match (&result, known) {
                    (_, Some(known)) => Ok(known),
                    (Ok(admitted), None) => sha256(&admitted.handle),
                    (Err(_), None) => Ok(String::new()),
                };
                (result, hash)
            })
        });
        let begun: Vec<_> = begun.collect();
        begun.into_iter().filter_map(|job| job.join().ok()).collect()
    });
    for (result, hash) in hashed {
        match (&mut *result, hash) {
            (Ok(admitted), Ok(hash)) => {
                cache.remember_sha256(&admitted.file.path, &admitted.metadata, &hash);
                admitted.file.sha256 = hash;
            }
            (Ok(admitted), Err(error)) => {
                *result = Err(Rejection::Refused { path: admitted.file.path.clone(), refusal: error.into() });
            }
            (Err(_), _) => {}
        }
    }
}

/// Has child processes open what was never opened before, and remembers how they fared.
fn try_unknown(results: &mut [Result<Admitted, Rejection>], cache: &mut ScanCache) {
    let is_unknown = |admitted: &&Admitted| !cache.was_opened(&admitted.file.sha256);
    let subject =
        |admitted: &Admitted| Subject { path: admitted.file.path.clone(), place: admitted.place_for_others() };
    let subjects: Vec<Subject> = results.iter().flatten().filter(is_unknown).map(subject).collect();
    if subjects.is_empty() {
        return;
    }
    let paths: Vec<String> = subjects.iter().map(|subject| subject.path.display().to_string()).collect();
    log::debug!("first look at {}, in a child process", paths.join(", "));
    let mut outcomes = probe::probe(&subjects).into_iter();
    let unknown: Vec<_> = results
        .iter_mut()
        .filter(|result| result.as_ref().is_ok_and(|admitted| !cache.was_opened(&admitted.file.sha256)))
        .collect();
    for result in unknown {
        let Some(outcome) = outcomes.next() else { return };
        check(result, |admitted| judge(admitted, outcome, &paths, cache));
    }
}

fn judge(admitted: &Admitted, outcome: Outcome, paths: &[String], cache: &mut ScanCache) -> Result<(), Rejection> {
    match outcome {
        Outcome::Opened => {
            cache.opened(&admitted.file.sha256);
            Ok(())
        }
        Outcome::Failed => Ok(()),
        Outcome::Died(Death { how, output }) => {
            let quarantine = Quarantine {
                sha256: admitted.file.sha256.clone(),
                path: absolute(&admitted.file.path),
                size: admitted.metadata.len(),
                how,
                output,
                when: jiff::Zoned::now().strftime("%Y-%m-%d %H:%M").to_string(),
                at: now(),
            };
            cache.quarantine(quarantine.clone());
            Err(refused(admitted, quarantine))
        }
        Outcome::Clashed(death) => {
            let others = paths.iter().filter(|path| Path::new(path) != admitted.file.path).cloned().collect();
            Err(Rejection::Clash { path: admitted.file.path.clone(), others, death })
        }
    }
}

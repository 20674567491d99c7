//! Where plugins are looked for, and what is told when one is not found.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::nearest;
use crate::plugins::scan_cache::ScanCache;
use crate::plugins::{permissions, Identity, Refusal};

/// The folders searched, in order.
#[derive(Debug, Clone)]
pub struct SearchPath {
    folders: Vec<(PathBuf, &'static str)>,
}

/// A file named `lib*.so` in one of the folders, with what its note says. Of two good files of one library, the first is used.
#[derive(Debug)]
pub struct Candidate {
    pub library: String,
    pub path: PathBuf,
    /// What made the host look there.
    pub origin: &'static str,
    pub identity: Result<Identity, Refusal>,
}

const CONFIG: &str = "plugin_path in the config";
const BUILD: &str = "the build";

impl SearchPath {
    /// `--plugin-dir`, `RECSYS_PLUGIN_PATH`, (here those of the config,) the build's `target/<profile>`, the install's
    /// `lib/recsys-host/plugins`.
    pub fn new(arguments: &[PathBuf]) -> Self {
        let variable = std::env::var_os("RECSYS_PLUGIN_PATH").unwrap_or_default();
        let from = |paths: Vec<PathBuf>, origin| paths.into_iter().map(move |path| (path, origin));
        let mut folders: Vec<_> = from(arguments.to_vec(), "--plugin-dir").collect();
        folders.extend(from(std::env::split_paths(&variable).collect(), "RECSYS_PLUGIN_PATH"));
        folders.push((build_folder(), BUILD));
        folders.extend(from(install_folder().into_iter().collect(), "the install"));
        folders.retain(|(path, _)| !path.as_os_str().is_empty());
        Self { folders }
    }

    /// Adds the folders of a config in their place, before the build's. Which ones it may name is decided elsewhere (`roots`).
    pub fn add_from_config(&mut self, folders: Vec<PathBuf>) {
        let at = self.folders.iter().position(|(_, origin)| *origin == BUILD).unwrap_or(self.folders.len());
        self.folders.splice(at..at, folders.into_iter().map(|folder| (folder, CONFIG)));
    }

    /// Every plugin file on the path that a run could use, and those refused before it; in order of search, by name within a folder.
    pub fn candidates(&self) -> Vec<Candidate> {
        let mut usable = std::collections::HashSet::new();
        let mut candidates = self.files();
        candidates.retain(|found| match &found.identity {
            Ok(_) => usable.insert(found.library.clone()),
            Err(_) => !usable.contains(&found.library),
        });
        candidates
    }

    /// Every plugin file on the path, also those behind one of the same name.
    pub fn files(&self) -> Vec<Candidate> {
        let mut cache = ScanCache::load();
        let mut files = Vec::new();
        for (folder, origin) in &self.folders {
            let mut paths: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().collect();
            paths.sort_by_key(std::fs::DirEntry::file_name);
            for path in paths.into_iter().map(|entry| entry.path()) {
                let Some(library) = library_name(&path) else { continue };
                let identity = identify(&path, &library, &mut cache);
                files.push(Candidate { library, path, origin, identity });
            }
        }
        cache.save();
        files
    }

    /// The first good plugin of this name.
    pub fn find(&self, library: &str) -> Result<(PathBuf, Identity), NotFound> {
        let file = format!("lib{library}.so");
        let (mut looked, mut refused, mut cache) = (Vec::new(), Vec::new(), ScanCache::load());
        for (folder, origin) in &self.folders {
            let path = folder.join(&file);
            let found = if !folder.is_dir() {
                "no such folder".to_owned()
            } else if !path.exists() {
                format!("no {file}")
            } else {
                match identify(&path, library, &mut cache) {
                    Ok(identity) => {
                        // Whoever put a file there meant it to be used.
                        refused.iter().for_each(|told| log::warn!("{told}; using {}", path.display()));
                        cache.save();
                        return Ok((path, identity));
                    }
                    Err(refusal) => {
                        refused.push(format!("{}: {refusal}", path.display()));
                        format!("{file}: {refusal}")
                    }
                }
            };
            looked.push((folder.clone(), *origin, found));
        }
        cache.save();
        let usable = self.candidates().into_iter().filter(|candidate| candidate.identity.is_ok());
        let names: Vec<_> = usable.map(|candidate| candidate.library).collect();
        Err(NotFound {
            library: library.to_owned(),
            looked,
            nearest: nearest(library, names.iter().map(String::as_str)).map(str::to_owned),
            names,
        })
    }
}

/// The identity of a file that is to be the plugin `library`; from the cache if it is as it was when it was read last.
fn identify(path: &Path, library: &str, cache: &mut ScanCache) -> Result<Identity, Refusal> {
    let metadata = path.metadata()?;
    if !metadata.is_file() {
        return Err(Refusal::NotElf("it is no regular file".to_owned()));
    }
    if let Some(exposure) = permissions::exposure(path)? {
        return Err(Refusal::Exposed(exposure));
    }
    let identity = cache.identity(path, &metadata, || Identity::read(path))?.named(library)?;
    match cache.quarantine_of_file(path, &metadata)? {
        Some(quarantine) => Err(Refusal::Quarantined(Box::new(quarantine))),
        None => Ok(identity),
    }
}

/// `target/<profile>`: where this binary lies if it lies in one, else where it was built.
fn build_folder() -> PathBuf {
    let built = Path::new(env!("RECSYS_BUILD_DIR"));
    match std::env::current_exe().ok().as_deref().and_then(Path::parent) {
        Some(folder) if folder.join(".cargo-lock").exists() => folder.to_owned(),
        // Test binaries lie one level below.
        Some(folder) if folder.parent().is_some_and(|parent| parent.join(".cargo-lock").exists()) => {
            folder.parent().unwrap_or(built).to_owned()
        }
        Some(_) | None => built.to_owned(),
    }
}

fn install_folder() -> Option<PathBuf> {
    let binary = std::env::current_exe().ok()?;
    Some(binary.parent()?.parent()?.join("lib/recsys-host/plugins"))
}

fn library_name(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_str()?.strip_prefix("lib")?.strip_suffix(".so")?.to_owned())
}

/// Every place looked at, what was there, and the nearest names.
#[derive(Debug)]
pub struct NotFound {
    library: String,
    looked: Vec<(PathBuf, &'static str, String)>,
    nearest: Option<String>,
    names: Vec<String>,
}

impl std::error::Error for NotFound {}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no usable plugin library `{}`", self.library)?;
        if let Some(nearest) = &self.nearest {
            write!(f, "; did you mean `{nearest}`?")?;
        }
        write!(f, "\n  looked in:")?;
        for (folder, origin, found) in &self.looked {
            write!(f, "\n    {} ({origin}): {found}", folder.display())?;
        }
        if self.names.is_empty() {
            write!(
                f,
                "\n  there are no plugins; build them with `make plugins`, or name their folder with --plugin-dir"
            )
        } else {
            write!(f, "\n  there are: {}", self.names.join(", "))
        }
    }
}

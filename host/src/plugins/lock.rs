//! `plugins.lock`: the libraries that the host may open, by their SHA-256. JSON, so that its changes can be read.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::plugins::admission::LibraryFile;
use crate::plugins::permissions;
use crate::plugins::policy::Policy;

/// The lock file of a working folder.
pub const LOCK_FILE: &str = "plugins.lock";
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    version: u32,
    pub plugins: Vec<Locked>,
}

/// A library that may be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    pub name: String,
    pub version: String,
    /// Where it was, relative to the lock file where it lies below; for the reader, not for the host.
    pub path: String,
    pub sha256: String,
    pub api: String,
    pub libtorch: String,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum LockError {
    #[error("--locked: there is no {}; write it with `recsys-host plugins lock CONFIG`", .0.display())]
    Missing(PathBuf),
    #[error("{}: {why}; write it anew with `recsys-host plugins lock`", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("{}: {why}, so it vouches for nothing; {cure}", path.display())]
    Exposed { path: PathBuf, why: String, cure: String },
    #[error(transparent)]
    Mismatch(#[from] Box<Mismatch>),
}

/// A library that the lock does not list.
#[derive(Debug, Clone)]
pub struct Mismatch {
    file: LibraryFile,
    lock: PathBuf,
    /// What the lock lists under its name.
    expected: Option<String>,
    there: Vec<String>,
}

impl std::error::Error for Mismatch {}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, lock, found) = (self.file.path.display(), self.lock.display(), &self.file.sha256);
        let name = &self.file.identity.name;
        match &self.expected {
            Some(expected) => write!(
                f,
                "{path} is not the library `{name}` that {lock} lists\n  in the lock: sha256 {expected}\n  this file:   sha256 {found}\n  \
                cure: if the change is meant, `recsys-host plugins lock`; if not, put the former file back"
            ),
            None => write!(
                f,
                "{path} does not stand in {lock}\n  in the lock: {}\n  this file:   `{name}`, sha256 {found}\n  \
                cure: if you trust it, `recsys-host plugins lock`",
                if self.there.is_empty() { "nothing".to_owned() } else { self.there.join(", ") }
            ),
        }
    }
}

/// The lock that counts in this process, with its place.
pub struct InForce {
    path: PathBuf,
    lock: Lock,
}

impl InForce {
    /// `None` if there is none and none is asked for.
    pub fn find(policy: &Policy) -> Result<Option<Self>, LockError> {
        let path = path(policy);
        match Lock::read(&path)? {
            Some(lock) => Ok(Some(Self { path, lock })),
            None if policy.locked || policy.lock_file.is_some() => Err(LockError::Missing(path)),
            None => Ok(None),
        }
    }

    /// Whether a library with this content may be opened.
    pub fn check(&self, file: &LibraryFile) -> Result<(), LockError> {
        if self.lock.plugins.iter().any(|locked| locked.sha256 == file.sha256) {
            return Ok(());
        }
        let plugins = &self.lock.plugins;
        let expected = plugins.iter().find(|locked| locked.name == file.identity.name);
        Err(LockError::Mismatch(Box::new(Mismatch {
            file: file.clone(),
            lock: self.path.clone(),
            expected: expected.map(|locked| locked.sha256.clone()),
            there: plugins.iter().map(|locked| locked.name.clone()).collect(),
        })))
    }
}

/// Where the lock file is, or would be.
pub fn path(policy: &Policy) -> PathBuf {
    policy.lock_file.clone().unwrap_or_else(|| PathBuf::from(LOCK_FILE))
}

impl Lock {
    pub fn new(mut plugins: Vec<Locked>) -> Self {
        plugins.sort_by(|left, right| (&left.name, &left.path).cmp(&(&right.name, &right.path)));
        Self { version: VERSION, plugins }
    }

    /// `None` if there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>, LockError> {
        let unreadable = |why: String| LockError::Unreadable { path: path.to_owned(), why };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        if let Some(exposure) = permissions::exposure(path).map_err(|error| unreadable(error.to_string()))? {
            let (why, cure) = (exposure.reason(), exposure.cure());
            return Err(LockError::Exposed { path: path.to_owned(), why, cure });
        }
        let lock: Self = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if lock.version != VERSION {
            return Err(unreadable(format!("it is of version {}, this host knows {VERSION}", lock.version)));
        }
        Ok(Some(lock))
    }

    /// Beside its place, then renamed.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Not private, as temporary files are by default: it is meant to be committed.
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        let mut staged = tempfile::Builder::new().permissions(readable).tempfile_in(folder)?;
        serde_json::to_writer_pretty(&mut staged, self)?;
        writeln!(staged)?;
        staged.persist(path)?;
        Ok(())
    }
}

impl Locked {
    pub fn new(file: &LibraryFile, lock: &Path) -> Self {
        let LibraryFile { path, identity, sha256 } = file;
        Self {
            name: identity.name.clone(),
            version: identity.version.clone(),
            path: relative(path, lock).display().to_string(),
            sha256: sha256.clone(),
            api: identity.api.to_string(),
            libtorch: identity.libtorch.clone(),
        }
    }
}

fn relative(file: &Path, lock: &Path) -> PathBuf {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (file, lock) = (absolute(file), absolute(lock));
    let below = lock.parent().and_then(|folder| file.strip_prefix(folder).ok());
    below.map_or(file.clone(), Path::to_owned)
}

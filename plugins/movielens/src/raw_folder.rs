//! The folder `data/raw/`: what of a release is there, where it came from, and how fetched material gets in.
//! Leaves out fetching and reading.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{io_error, Error};
use crate::release::Release;
use crate::sources::Source;

/// `data/raw/`, looked at for one release.
pub struct RawFolder {
    pub path: PathBuf,
    pub release: &'static Release,
}

/// Kept as `NAME.zip.origin.json` beside what a mirror gave, so that the next run knows it need not fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub source: Source,
    /// As [`crate::hashing::fingerprint`] gives it: tells a file that the user exchanged since.
    pub fingerprint: String,
}

impl RawFolder {
    pub fn new(data_dir: &Path, release: &'static Release) -> Self {
        Self { path: data_dir.join("raw"), release }
    }

    /// `data/raw/NAME.zip`.
    pub fn zip(&self) -> PathBuf {
        self.path.join(self.release.zip_name())
    }

    /// `data/raw/NAME`.
    pub fn folder(&self) -> PathBuf {
        self.path.join(self.release.name)
    }

    /// What is there of the release: the zip, the folder `NAME/`, the folder as it is called inside the zip.
    pub fn candidates(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.folder(), self.path.join(self.release.zip_folder)];
        folders.dedup();
        folders.retain(|folder| folder.is_dir());
        std::iter::once(self.zip()).filter(|zip| zip.is_file()).chain(folders).collect()
    }

    /// Where a mirror's material lies once fetched.
    pub fn target(&self, source: &Source) -> Option<PathBuf> {
        match source {
            Source::Raw => None,
            Source::Web { .. } => Some(self.zip()),
            Source::Pip(_) => Some(self.folder()),
        }
    }

    /// Who put `path` there, if a mirror did.
    pub fn origin(&self, path: &Path) -> Option<Origin> {
        let bytes = fs::read(origin_path(path)).ok()?;
        serde_json::from_slice(&bytes).ok().filter(|_| path.exists())
    }

    /// Moves finished material to `target` in one step and notes its origin. What a mirror gave before is replaced; what
    /// the user put there is kept under a name with `.bak`, which is returned.
    ///
    /// # Errors
    /// The folder cannot be written; then what was there is there still.
    pub fn install(&self, staged: &Path, target: &Path, origin: &Origin) -> Result<Option<PathBuf>, Error> {
        let is_ours = self.origin(target).is_some();
        let aside = free_name(target);
        let must_move = target.exists() && !(is_ours && target.is_file());
        if must_move {
            fs::rename(target, &aside).map_err(io_error("move aside", target))?;
        }
        if let Err(cause) = fs::rename(staged, target) {
            if must_move {
                fs::rename(&aside, target).map_err(io_error("move back", target))?;
            }
            return Err(io_error("move into place", target)(cause));
        }
        let note = origin_path(target);
        let bytes = serde_json::to_vec_pretty(origin).map_err(|cause| io_error("write", &note)(cause.into()))?;
        fs::write(&note, bytes).map_err(io_error("write", &note))?;
        if must_move && is_ours {
            fs::remove_dir_all(&aside).map_err(io_error("remove", &aside))?;
        }
        Ok((must_move && !is_ours).then_some(aside))
    }
}

fn origin_path(path: &Path) -> PathBuf {
    with_suffix(path, ".origin.json")
}

/// `TARGET.bak`, or with a number if that is taken.
fn free_name(target: &Path) -> PathBuf {
    let numbered = (1..).map(|number| with_suffix(target, &format!(".bak-{number}")));
    let mut names = std::iter::once(with_suffix(target, ".bak")).chain(numbered);
    names.find(|name| !name.exists()).unwrap_or_else(|| with_suffix(target, ".bak"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Env;

    fn origin() -> Origin {
        Origin { source: Source::Web { url: "http://a/b.zip".into() }, fingerprint: "f".into() }
    }

    #[test]
    fn the_zip_comes_before_the_folders() {
        let data = tempfile::tempdir().unwrap();
        let raw = RawFolder::new(data.path(), Env::TenM.release());
        assert_eq!(raw.candidates(), [] as [PathBuf; 0]);
        fs::create_dir_all(raw.path.join("ml-10M100K")).unwrap();
        assert_eq!(raw.candidates(), [raw.path.join("ml-10M100K")]);
        fs::create_dir(raw.folder()).unwrap();
        assert_eq!(raw.candidates()[0], raw.folder());
        fs::write(raw.zip(), "x").unwrap();
        assert_eq!(raw.candidates(), [raw.zip(), raw.folder(), raw.path.join("ml-10M100K")]);
    }

    #[test]
    fn the_users_own_file_is_kept_and_ours_is_replaced() {
        let data = tempfile::tempdir().unwrap();
        let raw = RawFolder::new(data.path(), Env::Dev.release());
        fs::create_dir_all(&raw.path).unwrap();
        fs::write(raw.zip(), "the user's").unwrap();
        let staged = raw.path.join("staged");
        fs::write(&staged, "first").unwrap();
        let kept = raw.install(&staged, &raw.zip(), &origin()).unwrap().unwrap();
        assert_eq!(fs::read_to_string(kept).unwrap(), "the user's");
        assert_eq!(raw.origin(&raw.zip()), Some(origin()));
        fs::write(&staged, "second").unwrap();
        assert_eq!(raw.install(&staged, &raw.zip(), &origin()).unwrap(), None);
        assert_eq!(fs::read_to_string(raw.zip()).unwrap(), "second");
    }

    #[test]
    fn folders_are_replaced_and_survive_a_failure() {
        let data = tempfile::tempdir().unwrap();
        let raw = RawFolder::new(data.path(), Env::Dev.release());
        for text in ["first", "second"] {
            let staged = raw.path.join("staged");
            fs::create_dir_all(&staged).unwrap();
            fs::write(staged.join("u.data"), text).unwrap();
            assert_eq!(raw.install(&staged, &raw.folder(), &origin()).unwrap(), None);
        }
        assert!(raw.install(&raw.path.join("missing"), &raw.folder(), &origin()).is_err());
        assert_eq!(fs::read_to_string(raw.folder().join("u.data")).unwrap(), "second");
        assert_eq!(fs::read_dir(&raw.path).unwrap().count(), 2);
    }
}

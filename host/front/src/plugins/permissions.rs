//! Whether others than the user (and root) could change what is opened, by the file's permissions and those of its folders.
//!
//! Leaves out: groups, which many systems share with nobody, and access control lists.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Who else could change a file, and through what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// Everybody may write to it: the file, its folder, or a folder further up that lets them replace the one below.
    WorldWritable(PathBuf),
    /// Everybody may put files into the folder, though not replace those of others (`/tmp`).
    Shared(PathBuf),
    /// It belongs to another user, who may do with it as they like.
    Foreign { path: PathBuf, owner: u32 },
}

const WRITABLE_BY_ALL: u32 = 0o002;
const STICKY: u32 = 0o1000;
const ROOT: u32 = 0;

impl Exposure {
    pub fn reason(&self) -> String {
        match self {
            Self::WorldWritable(path) => format!("everybody on this machine may write to {}", path.display()),
            Self::Shared(path) => format!("{} is a folder into which everybody may put files", path.display()),
            Self::Foreign { path, owner } => {
                format!("{} belongs to another user (id {owner}), who may change it at any time", path.display())
            }
        }
    }

    pub fn cure(&self) -> String {
        match self {
            Self::WorldWritable(path) => format!("check who wrote there last, then `chmod o-w {}`", path.display()),
            Self::Shared(_) => "move it to a folder of your own".to_owned(),
            Self::Foreign { .. } => "copy it into a folder of your own, if you trust what it is now".to_owned(),
        }
    }
}

/// Looks at a file, its folder, and every folder above; of a link also at what it leads to.
///
/// # Errors
/// If something of it cannot be looked at.
pub fn exposure(path: &Path) -> io::Result<Option<Exposure>> {
    let user = user()?;
    let path = std::path::absolute(path)?;
    let real = path.canonicalize()?;
    let mut found = of_file(&real, &real.metadata()?, user);
    let mut folders = vec![real.parent().map(Path::to_owned)];
    if path.is_symlink() {
        // Whoever may replace the link chooses what is opened.
        folders.push(path.parent().map(Path::canonicalize).transpose()?);
    }
    for folder in folders.into_iter().flatten() {
        found = match found {
            Some(found) => Some(found),
            None => of_folders(&folder, user)?,
        };
    }
    Ok(found)
}

/// Of an open file, whose folders have been looked at.
pub fn of_open_file(path: &Path, metadata: &Metadata) -> io::Result<Option<Exposure>> {
    Ok(of_file(path, metadata, user()?))
}

fn of_file(path: &Path, metadata: &Metadata, user: u32) -> Option<Exposure> {
    judge(path, metadata.mode() & !STICKY, metadata.uid(), user)
}

fn of_folders(folder: &Path, user: u32) -> io::Result<Option<Exposure>> {
    let metadata = folder.metadata()?;
    if let Some(exposure) = judge(folder, metadata.mode(), metadata.uid(), user) {
        return Ok(Some(exposure));
    }
    for above in folder.ancestors().skip(1) {
        let mode = above.metadata()?.mode();
        // In a sticky folder only its owner may rename what belongs to them.
        if mode & WRITABLE_BY_ALL != 0 && mode & STICKY == 0 {
            return Ok(Some(Exposure::WorldWritable(above.to_owned())));
        }
    }
    Ok(None)
}

fn judge(path: &Path, mode: u32, owner: u32, user: u32) -> Option<Exposure> {
    if owner != user && owner != ROOT {
        return Some(Exposure::Foreign { path: path.to_owned(), owner });
    }
    match (mode & WRITABLE_BY_ALL != 0, mode & STICKY != 0) {
        (false, _) => None,
        (true, false) => Some(Exposure::WorldWritable(path.to_owned())),
        (true, true) => Some(Exposure::Shared(path.to_owned())),
    }
}

/// The effective user: the owner of this process's entry in /proc.
fn user() -> io::Result<u32> {
    Ok(Path::new("/proc/self").metadata()?.uid())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn who_may_change_a_file_by_its_modes_and_those_of_its_folders() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().canonicalize().unwrap().join("above/plugins");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("libgat.so");
        fs::write(&file, "").unwrap();
        let found = || exposure(&file).unwrap();
        // The temporary folder of the system is open to everybody, and sticky.
        assert_eq!(found(), None);
        chmod(&file, 0o664);
        assert_eq!(found(), None);
        chmod(&file, 0o666);
        assert_eq!(found(), Some(Exposure::WorldWritable(file.clone())));
        chmod(&file, 0o644);
        chmod(&folder, 0o777);
        assert_eq!(found(), Some(Exposure::WorldWritable(folder.clone())));
        chmod(&folder, 0o1777);
        assert_eq!(found(), Some(Exposure::Shared(folder.clone())));
        chmod(&folder, 0o755);
        let above = folder.parent().unwrap();
        chmod(above, 0o777);
        assert_eq!(found(), Some(Exposure::WorldWritable(above.to_owned())));
        let link = top.path().join("link.so");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(exposure(&link).unwrap(), Some(Exposure::WorldWritable(above.to_owned())));
        chmod(above, 0o1777);
        assert_eq!((found(), exposure(&link).unwrap()), (None, None));
        chmod(top.path(), 0o777);
        assert!(exposure(&link).unwrap().is_some());
        chmod(top.path(), 0o700);
    }

    #[test]
    fn files_of_others_are_theirs_and_those_of_root_are_not() {
        let path = Path::new("libgat.so");
        assert_eq!(judge(path, 0o644, 1001, 1000), Some(Exposure::Foreign { path: path.into(), owner: 1001 }));
        assert_eq!(judge(path, 0o644, 1000, ROOT), Some(Exposure::Foreign { path: path.into(), owner: 1000 }));
        assert_eq!(judge(path, 0o644, ROOT, 1000), None);
        assert_eq!(judge(path, 0o644, 1000, 1000), None);
    }
}

//! One interface to a release on disk, zipped or unpacked: find a file by name, read it as a stream.
//!
//! A zip is read in place; nothing is unpacked. Unsafe zips (paths that leave the folder, links, sizes that deflate
//! cannot reach) are refused as a whole when opened. Leaves out what the files mean.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use zip::result::ZipError;
use zip::ZipArchive;

/// Deflate's best ratio is 1032 to 1; a member that declares more is lying.
const MAX_RATIO: u64 = 1040;
/// Largest member read, in bytes: eight times the ratings of MovieLens 32M.
const MAX_MEMBER: u64 = 8 << 30;
/// Folders are searched this deep: `ml-100k/ml-100k/u.data` is what some unpackers leave.
const MAX_DEPTH: usize = 2;

/// Why a zip or folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("cannot read {path}: {cause}")]
    Io { path: PathBuf, cause: io::Error },
    #[error("{path} is cut short: it begins as a zip of which the end is missing ({size} bytes are there); delete it and fetch it again")]
    Truncated { path: PathBuf, size: u64 },
    #[error(
        "{path} is no zip file: it begins with {start:?}; put the zip as GroupLens publishes it there, or delete it"
    )]
    NotAZip { path: PathBuf, start: String },
    #[error("{path} is a damaged zip: {cause}; delete it and fetch it again")]
    Damaged { path: PathBuf, cause: String },
    #[error("{path} is refused: its member {member:?} {reason}; a MovieLens zip has no such member, so fetch it from a source you trust")]
    Unsafe { path: PathBuf, member: String, reason: String },
}

/// An opened release.
pub struct Store {
    path: PathBuf,
    kind: Kind,
    members: Vec<Member>,
}

enum Kind {
    Zip(Box<ZipArchive<BufReader<File>>>),
    Folder,
}

/// A file in a [`Store`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Path inside the store, with `/`.
    pub name: String,
    /// Uncompressed size in bytes, as declared.
    pub size: u64,
}

impl Store {
    /// Opens a folder, or a zip and checks every member's name, kind and size.
    ///
    /// # Errors
    /// Unreadable, cut short, no zip, damaged, or unsafe.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        if path.is_dir() {
            let mut members = Vec::new();
            list_folder(path, "", 0, &mut members).map_err(|cause| io_error(path, cause))?;
            return Ok(Self { path: path.to_path_buf(), kind: Kind::Folder, members });
        }
        let mut archive = open_zip(path)?;
        let members = checked_members(path, &mut archive)?;
        Ok(Self { path: path.to_path_buf(), kind: Kind::Zip(Box::new(archive)), members })
    }

    /// The files inside.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The file `folder/file`, else `file`, else the one nearest to the top that has this name.
    pub fn find(&self, folder: &str, file: &str) -> Option<Member> {
        let named = self.members.iter().filter(|member| member.name.rsplit('/').next() == Some(file));
        let in_folder = format!("{folder}/{file}");
        named.min_by_key(|member| (member.name != in_folder, member.name.matches('/').count(), &member.name)).cloned()
    }

    /// Where a member is, for messages: `data/raw/ml-100k.zip/ml-100k/u.data`.
    pub fn location(&self, member: &Member) -> String {
        self.path.join(&member.name).display().to_string()
    }

    /// A stream of a member's bytes that fails on damage and on more bytes than declared.
    ///
    /// # Errors
    /// The member cannot be opened; reading fails with an `io::Error` of kind `InvalidData` if it is damaged.
    pub fn reader(&mut self, member: &Member) -> Result<Box<dyn Read + Send + '_>, ArchiveError> {
        match &mut self.kind {
            Kind::Folder => {
                let path = self.path.join(&member.name);
                let file = File::open(&path).map_err(|cause| io_error(&path, cause))?;
                Ok(Box::new(file))
            }
            Kind::Zip(archive) => {
                let inner = archive.by_name(&member.name).map_err(|cause| zip_error(&self.path, cause))?;
                Ok(Box::new(Declared { inner, left: member.size }))
            }
        }
    }
}

/// Fails once a member is longer than it declared: a bomb, or damage.
struct Declared<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Declared<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.inner.read(buffer).map_err(|cause| match cause.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(io::ErrorKind::InvalidData, "the zip is cut short here"),
            _ => cause,
        })?;
        let longer = || io::Error::new(io::ErrorKind::InvalidData, "a zip member is longer than it declares");
        self.left = self.left.checked_sub(n_read as u64).ok_or_else(longer)?;
        if n_read == 0 && !buffer.is_empty() && self.left > 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a zip member is shorter than it declares"));
        }
        Ok(n_read)
    }
}

fn io_error(path: &Path, cause: io::Error) -> ArchiveError {
    ArchiveError::Io { path: path.to_path_buf(), cause }
}

fn zip_error(path: &Path, cause: ZipError) -> ArchiveError {
    ArchiveError::Damaged { path: path.to_path_buf(), cause: cause.to_string() }
}

fn list_folder(root: &Path, prefix: &str, depth: usize, members: &mut Vec<Member>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(prefix))? {
        let entry = entry?;
        // A name that is no UTF-8 is none of the names we look for.
        let Ok(file_name) = entry.file_name().into_string() else { continue };
        let name = if prefix.is_empty() { file_name } else { format!("{prefix}/{file_name}") };
        // Follows links: what a user links into the own folder is meant to be read.
        let Ok(metadata) = fs::metadata(entry.path()) else { continue };
        if metadata.is_dir() && depth + 1 < MAX_DEPTH {
            list_folder(root, &name, depth + 1, members)?;
        } else if metadata.is_file() {
            members.push(Member { name, size: metadata.len() });
        }
    }
    Ok(())
}

/// Opens a zip, telling one that is cut short from a file that never was a zip.
fn open_zip(path: &Path) -> Result<ZipArchive<BufReader<File>>, ArchiveError> {
    let mut file = File::open(path).map_err(|cause| io_error(path, cause))?;
    let size = file.metadata().map_err(|cause| io_error(path, cause))?.len();
    let mut start = Vec::new();
    file.by_ref().take(24).read_to_end(&mut start).map_err(|cause| io_error(path, cause))?;
    let whole = path.to_path_buf();
    if !start.starts_with(b"PK") {
        return Err(ArchiveError::NotAZip { path: whole, start: String::from_utf8_lossy(&start).into_owned() });
    }
    ZipArchive::new(BufReader::new(file)).map_err(|cause| match cause {
        ZipError::Io(cause) if cause.kind() != io::ErrorKind::UnexpectedEof => io_error(path, cause),
        // Without its last record a zip has no directory at all: the crate finds nothing.
        _ if start.starts_with(b"PK\x03\x04") && !has_end_record(path) => ArchiveError::Truncated { path: whole, size },
        cause => zip_error(path, cause),
    })
}

/// Whether the last 64 KiB hold the signature of a zip's end record.
fn has_end_record(path: &Path) -> bool {
    let tail = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        io::Seek::seek(&mut file, io::SeekFrom::Start(size.saturating_sub(66_000)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        Ok(tail)
    };
    tail().is_ok_and(|tail| tail.windows(4).any(|window| window == b"PK\x05\x06"))
}

/// Every file of a zip, or the first thing about it that is not safe.
fn checked_members(path: &Path, archive: &mut ZipArchive<BufReader<File>>) -> Result<Vec<Member>, ArchiveError> {
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|cause| zip_error(path, cause))?;
        let name = entry.name().map_err(|cause| zip_error(path, cause))?.into_owned();
        let unsafe_member =
            |reason: String| ArchiveError::Unsafe { path: path.to_path_buf(), member: name.clone(), reason };
        if let Some(reason) = bad_name(&name) {
            return Err(unsafe_member(reason.to_string()));
        }
        if entry.is_symlink() {
            return Err(unsafe_member("is a link".to_string()));
        }
        let (size, compressed) = (entry.size(), entry.compressed_size());
        if size > MAX_MEMBER || size > compressed.saturating_mul(MAX_RATIO).saturating_add(1024) {
            return Err(unsafe_member(format!("declares {size} bytes, packed into {compressed}")));
        }
        if entry.is_file() {
            members.push(Member { name, size });
        }
    }
    Ok(members)
}

/// Why a member's name may not be used as a path, if so.
fn bad_name(name: &str) -> Option<&'static str> {
    if name.starts_with(['/', '\\']) || name.get(1..2) == Some(":") {
        return Some("has an absolute path");
    }
    if name.split(['/', '\\']).any(|part| part == "..") {
        return Some("leads out of the folder with `..`");
    }
    name.contains('\0').then_some("has a NUL in its name")
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;
    use zip::ZipWriter;

    /// A zip of the given files in memory.
    pub fn zip_bytes(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ml.zip");
        fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn open_error(bytes: &[u8]) -> String {
        let (_folder, path) = written(bytes);
        Store::open(&path).err().unwrap().to_string()
    }

    fn read(store: &mut Store, member: &Member) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        store.reader(member).unwrap().read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn zip_and_folder_read_alike() {
        let (_folder, path) = written(&zip_bytes(&[("ml/u.data", b"1\t2"), ("other/u.data", b"no"), ("u.item", b"x")]));
        let mut store = Store::open(&path).unwrap();
        let member = store.find("ml", "u.data").unwrap();
        assert_eq!(member, Member { name: "ml/u.data".into(), size: 3 });
        assert_eq!(read(&mut store, &member).unwrap(), b"1\t2");
        assert!(store.location(&member).ends_with("ml.zip/ml/u.data"));
        assert_eq!(store.find("ml", "u.item").unwrap().name, "u.item");
        assert!(store.find("ml", "data").is_none());

        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("ml")).unwrap();
        fs::write(folder.path().join("ml/u.data"), b"1\t2").unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let member = store.find("ml", "u.data").unwrap();
        assert_eq!(read(&mut store, &member).unwrap(), b"1\t2");
    }

    #[test]
    fn unsafe_names_are_refused() {
        for name in ["../evil", "ml/../../evil", "/etc/passwd", "ml\\..\\evil", "C:/evil"] {
            let message = open_error(&zip_bytes(&[("ml/u.data", b"1"), (name, b"2")]));
            assert!(message.contains("is refused"), "{name}: {message}");
        }
    }

    #[test]
    fn links_are_refused() {
        let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
        writer.add_symlink("ml/u.data", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        let message = open_error(&writer.finish().unwrap().into_inner());
        assert!(message.contains("is a link"), "{message}");
    }

    #[test]
    fn a_truncated_zip_says_so_at_every_length() {
        let bytes = zip_bytes(&[("ml/u.data", &[7; 5000]), ("ml/u.item", b"1|a")]);
        for length in [5, 40, bytes.len() / 2, bytes.len() - 22, bytes.len() - 1] {
            let message = open_error(&bytes[..length]);
            assert!(message.contains("cut short") || message.contains("damaged"), "{length}: {message}");
        }
        assert!(open_error(&bytes[..bytes.len() / 2]).contains("cut short"));
    }

    #[test]
    fn other_files_are_no_zip() {
        assert!(open_error(b"<html>login</html>").contains("no zip file: it begins with \"<html>login"));
        assert!(open_error(b"").contains("no zip file"));
    }

    #[test]
    fn damage_inside_a_member_is_found() {
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
        writer.start_file("u.data", stored).unwrap();
        writer.write_all(b"1\t2\t3\t4").unwrap();
        let mut bytes = writer.finish().unwrap().into_inner();
        let at = bytes.windows(7).position(|window| window == b"1\t2\t3\t4").unwrap();
        bytes[at] = b'9';
        let (_folder, path) = written(&bytes);
        let mut store = Store::open(&path).unwrap();
        let member = store.members()[0].clone();
        assert!(read(&mut store, &member).is_err());
    }

    #[test]
    fn a_bomb_is_refused_by_its_declared_size() {
        let mut bytes = zip_bytes(&[("ml/u.data", b"12345678")]);
        // The uncompressed size stands 24 bytes into the entry of the central directory.
        let at = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap() + 24;
        bytes[at..at + 4].copy_from_slice(&0x7000_0000u32.to_le_bytes());
        assert!(open_error(&bytes).contains("declares 1879048192 bytes"));
    }

    #[test]
    fn a_member_longer_than_declared_fails() {
        let mut reader = Declared { inner: &b"12345"[..], left: 3 };
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
        let mut reader = Declared { inner: &b"12"[..], left: 3 };
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
    }
}

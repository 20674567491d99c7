//! What a file holds, by its SHA-256, and how its state on disk is recognised without reading it.

use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

/// A file that changed more recently than this may change again within the same tick of its file system's clock (2 s on FAT).
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// The SHA-256 of an open file, in hex, wherever its position is.
///
/// # Errors
/// If it cannot be read.
pub fn sha256(file: &File) -> std::io::Result<String> {
    let (mut hasher, mut buffer, mut at) = (Sha256::new(), vec![0; 1 << 20], 0);
    loop {
        match file.read_at(&mut buffer, at)? {
            0 => break,
            n => {
                hasher.update(&buffer[..n]);
                at += n as u64;
            }
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Size, device, inode and the times of the last change. As with git's index, content that changes and leaves all of them
/// as they were is not noticed: that takes a clock set back, or writing to the device itself, so it is good for sparing work and not
/// for trust.
pub fn stamp(metadata: &Metadata) -> String {
    format!(
        "{}-{}-{}-{}.{:09}-{}.{:09}",
        metadata.size(),
        metadata.dev(),
        metadata.ino(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec()
    )
}

/// Whether the stamp tells this state from every later one.
pub fn is_settled(metadata: &Metadata) -> bool {
    let changed = metadata.mtime().max(metadata.ctime());
    let changed = UNIX_EPOCH + Duration::from_secs(u64::try_from(changed).unwrap_or(0)) + Duration::from_secs(1);
    changed + SETTLED_AFTER <= SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_whole_file_wherever_it_is_read() {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&file).unwrap(), expected);
        file.seek(SeekFrom::Start(1)).unwrap();
        assert_eq!(sha256(&file).unwrap(), expected);
        assert!(!is_settled(&file.metadata().unwrap()), "it has just been written");
    }
}

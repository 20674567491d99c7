//! The MD5 of a file, and the `.md5` file that GroupLens publishes beside each zip. Leaves out pinned checksums (`release`).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use md5::{Digest, Md5};
use reqwest::blocking::Client;

use super::{causes, DownloadError};
use crate::events::Events;

/// Longest companion file looked at, in bytes; a longer one is some other page.
const MAX_COMPANION: u64 = 4096;

/// MD5 of a file as lower-case hex.
///
/// # Errors
/// Unreadable, or the user stopped.
pub fn md5_of_file(path: &Path, events: &dyn Events) -> Result<String, DownloadError> {
    let io_error = |cause| DownloadError::Io { action: "read", path: path.to_path_buf(), cause };
    let mut file = File::open(path).map_err(io_error)?;
    let mut digest = Md5::new();
    let mut chunk = vec![0; 1 << 20];
    loop {
        let n_read = file.read(&mut chunk).map_err(io_error)?;
        if n_read == 0 {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(&chunk[..n_read]);
        if events.cancelled() {
            return Err(DownloadError::Cancelled);
        }
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The checksum published as `URL.md5`, or `None` if there is no such file or it holds none.
///
/// # Errors
/// The site cannot be reached: then the file itself cannot either.
pub fn published_md5(client: &Client, url: &str) -> Result<Option<String>, DownloadError> {
    let response = match client.get(format!("{url}.md5")).send() {
        Ok(response) if response.status().is_success() => response,
        Ok(_) => return Ok(None),
        Err(error) if error.is_connect() => return Err(DownloadError::Unreachable(causes(&error.without_url()))),
        Err(_) => return Ok(None),
    };
    let mut text = String::new();
    match response.take(MAX_COMPANION).read_to_string(&mut text) {
        Ok(_) => Ok(find_md5(&text)),
        Err(_) => Ok(None),
    }
}

/// The one MD5 in `HASH  NAME` or `MD5 (NAME) = HASH`.
fn find_md5(text: &str) -> Option<String> {
    let is_md5 = |word: &&str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split_whitespace().find(is_md5).map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_notations_are_read() {
        let hash = "0e33842e24a9c977be4e0107933c0723";
        for text in [format!("{hash}  ml-100k.zip\n"), format!("MD5 (ml-100k.zip) = {}\r\n", hash.to_uppercase())] {
            assert_eq!(find_md5(&text).as_deref(), Some(hash));
        }
        assert_eq!(find_md5("<html>404</html>"), None);
    }
}

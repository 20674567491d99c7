//! Fetches a file over http(s) into a part file: resumed, retried, checked by size and MD5.
//!
//! The part file stays for the next run when the connection is lost or the user stops, and is discarded when its content
//! proves wrong. Leaves out renaming the finished part into place: the caller does it once the content has been looked at.

pub mod checksum;
mod part;
#[cfg(test)]
pub mod test_server;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::header::{CONTENT_RANGE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use reqwest::StatusCode;

use crate::events::Events;
pub use part::PartFile;

/// How long to wait and how often to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For reaching the site at all; short, because the next source is waiting.
    pub connect: Duration,
    /// For the answer to begin, and between two chunks of it: longer silence is a stalled connection.
    pub read: Duration,
    /// Attempts without any progress before giving up; an attempt that got bytes starts the count again.
    pub attempts: u32,
    /// Wait before the second attempt; doubles with each further one.
    pub backoff: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let (connect, read) = (Duration::from_secs(10), Duration::from_secs(30));
        Self { connect, read, attempts: 4, backoff: Duration::from_millis(500) }
    }
}

/// A file to fetch and what is known about it beforehand.
#[derive(Debug, Clone)]
pub struct Download<'a> {
    pub url: &'a str,
    /// Where the finished file will go; the part file is this name with `.part`.
    pub target: &'a Path,
    /// Size in bytes.
    pub size: Option<u64>,
    /// MD5, lower-case hex.
    pub md5: Option<String>,
}

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    #[error("interrupted")]
    Cancelled,
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    #[error("the server says {0}: there is no such file")]
    NotFound(StatusCode),
    #[error("the server says {0}")]
    Refused(StatusCode),
    #[error("wrong size: expected {expected} bytes, got {got}; the partial file was discarded")]
    WrongSize { expected: u64, got: u64 },
    #[error("wrong md5: expected {expected}, got {got}; the partial file was discarded")]
    WrongMd5 { expected: String, got: String },
    #[error("gave up after {attempts} attempts without progress ({cause}); the partial file stays for resuming")]
    GaveUp { attempts: u32, cause: String },
    #[error("another process is fetching into {0}; wait for it")]
    Busy(PathBuf),
    #[error("cannot {action} {path}: {cause}")]
    Io { action: &'static str, path: PathBuf, cause: std::io::Error },
}

/// What ends an attempt early.
enum Stop {
    /// Worth another attempt: the connection dropped, stalled, or the server is busy.
    Lost(String),
    Final(DownloadError),
}

impl From<DownloadError> for Stop {
    fn from(error: DownloadError) -> Self {
        Stop::Final(error)
    }
}

/// An http client for `url`: short connect timeout, no silent downgrade from https.
///
/// # Errors
/// TLS cannot be set up on this machine.
pub fn client(url: &str, timeouts: &Timeouts) -> Result<Client, DownloadError> {
    let policy = reqwest::redirect::Policy::custom(|attempt| {
        let was_secure = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
        if was_secure && attempt.url().scheme() != "https" {
            attempt.error("the server redirects from https to http")
        } else if attempt.previous().len() > 10 {
            attempt.error("the server redirects more than 10 times")
        } else {
            attempt.follow()
        }
    });
    let mut builder = Client::builder()
        .user_agent(concat!("recsys-host/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeouts.connect)
        // In reqwest's blocking client this bounds each wait (for the answer, for each chunk), not the whole transfer.
        .timeout(timeouts.read)
        .redirect(policy);
    // A proxy cannot see this machine's own loopback.
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_string));
    if host.is_some_and(|host| host == "localhost" || host.starts_with("127.")) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| DownloadError::Unreachable(causes(&error)))
}

impl Download<'_> {
    /// Fetches the file and returns the part file, whole, checked and still locked.
    ///
    /// # Errors
    /// See [`DownloadError`]. A site that cannot be reached is not tried again.
    pub fn fetch(&self, client: &Client, timeouts: &Timeouts, events: &dyn Events) -> Result<PartFile, DownloadError> {
        let mut part = PartFile::open(self.target)?;
        if !part.may_resume(self.url, self.md5.is_some()) {
            part.discard_content()?;
        }
        let mut failures = 0;
        while let Err(stop) = self.attempt(&mut part, client, events, &mut failures) {
            let cause = match stop {
                Stop::Final(error) => return Err(error),
                Stop::Lost(cause) => cause,
            };
            failures += 1;
            if failures >= timeouts.attempts {
                return Err(DownloadError::GaveUp { attempts: failures, cause });
            }
            events.info(&format!("{}: {cause}; trying again from byte {}", self.url, part.size()));
            wait(timeouts.backoff * 2u32.saturating_pow(failures - 1), events)?;
        }
        self.check(part, events)
    }

    /// One request, from where the part file ends to the end of the file.
    fn attempt(
        &self,
        part: &mut PartFile,
        client: &Client,
        events: &dyn Events,
        failures: &mut u32,
    ) -> Result<(), Stop> {
        if self.size.is_some_and(|size| size == part.size()) {
            return Ok(());
        }
        let Some(mut response) = self.request(part, client)? else { return Ok(()) };
        let total = response.content_length().map(|rest| part.size() + rest);
        if let (Some(expected), Some(got)) = (self.size, total) {
            self.refuse_size(part, expected, got)?;
        }
        let mut chunk = vec![0; 1 << 16];
        loop {
            if events.cancelled() {
                return Err(DownloadError::Cancelled.into());
            }
            let n_read = response.read(&mut chunk).map_err(|error| Stop::Lost(causes(&error)))?;
            if n_read == 0 {
                break;
            }
            part.append(&chunk[..n_read])?;
            *failures = 0;
            events.progress(part.size(), total.or(self.size), self.url);
        }
        match total.or(self.size) {
            Some(total) if part.size() < total => {
                Err(Stop::Lost(format!("it ended after {} of {total} bytes", part.size())))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Asks for the rest of the file. `None`: the part file already holds everything.
    fn request(&self, part: &mut PartFile, client: &Client) -> Result<Option<Response>, Stop> {
        let mut request = client.get(self.url);
        if part.size() > 0 {
            request = request.header(RANGE, format!("bytes={}-", part.size()));
            if let Some(validator) = part.validator() {
                request = request.header(IF_RANGE, validator);
            }
        }
        let response = request.send().map_err(lost_or_unreachable)?;
        let (start, total) = content_range(&response);
        match response.status() {
            StatusCode::PARTIAL_CONTENT if part.size() > 0 && start == Some(part.size()) => Ok(Some(response)),
            StatusCode::RANGE_NOT_SATISFIABLE if total == Some(part.size()) => Ok(None),
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                part.discard_content()?;
                Err(Stop::Lost("the server has another file now than the one begun".to_string()))
            }
            // The whole file: nothing was there, the file changed, or the server knows no Range.
            StatusCode::OK => {
                part.discard_content()?;
                part.begin(self.url, validator(&response))?;
                Ok(Some(response))
            }
            status @ (StatusCode::NOT_FOUND | StatusCode::GONE) => Err(DownloadError::NotFound(status).into()),
            status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) => {
                Err(Stop::Lost(status.to_string()))
            }
            status if status.is_server_error() => Err(Stop::Lost(format!("the server says {status}"))),
            status => Err(DownloadError::Refused(status).into()),
        }
    }

    fn refuse_size(&self, part: &mut PartFile, expected: u64, got: u64) -> Result<(), DownloadError> {
        if expected == got {
            return Ok(());
        }
        part.discard_content()?;
        Err(DownloadError::WrongSize { expected, got })
    }

    /// Compares the finished part with what is known, and discards it if it is something else.
    fn check(&self, mut part: PartFile, events: &dyn Events) -> Result<PartFile, DownloadError> {
        if let Some(expected) = self.size {
            let got = part.size();
            self.refuse_size(&mut part, expected, got)?;
        }
        if let Some(expected) = &self.md5 {
            let got = checksum::md5_of_file(part.path(), events)?;
            if !got.eq_ignore_ascii_case(expected) {
                part.discard_content()?;
                return Err(DownloadError::WrongMd5 { expected: expected.clone(), got });
            }
        }
        part.finish()?;
        Ok(part)
    }
}

/// The server's mark of this version of the file that may stand in `If-Range`: a strong ETag, else the date.
fn validator(response: &Response) -> Option<String> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_string);
    header(ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| header(LAST_MODIFIED))
}

/// Start and total of `Content-Range: bytes START-END/TOTAL` or `bytes */TOTAL`.
fn content_range(response: &Response) -> (Option<u64>, Option<u64>) {
    let text = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (range, total) = text.trim_start_matches("bytes ").split_once('/').unwrap_or_default();
    (range.split('-').next().and_then(|start| start.parse().ok()), total.parse().ok())
}

fn lost_or_unreachable(error: reqwest::Error) -> Stop {
    // The caller names the source already.
    let error = error.without_url();
    // An unknown name, a refused or timed-out connection, a redirect that is refused: trying again would not help.
    if error.is_connect() || error.is_builder() || error.is_redirect() {
        return Stop::Final(DownloadError::Unreachable(causes(&error)));
    }
    Stop::Lost(causes(&error))
}

/// The chain of causes in one line, because reqwest's own text hides them.
fn causes(error: &dyn std::error::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !texts.iter().any(|earlier| earlier.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}

/// Sleeps in slices, so that the user's stop is heard.
fn wait(duration: Duration, events: &dyn Events) -> Result<(), DownloadError> {
    let until = std::time::Instant::now() + duration.min(Duration::from_secs(30));
    while std::time::Instant::now() < until {
        if events.cancelled() {
            return Err(DownloadError::Cancelled);
        }
        std::thread::sleep(Duration::from_millis(20).min(duration));
    }
    Ok(())
}

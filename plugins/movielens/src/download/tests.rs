//! The download against a server that behaves well and badly.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::test_server::{Reply, Request, TestServer, Then};
use super::*;
use crate::events::Recorded;

const FILE_LEN: usize = 300_000;

/// Bytes without a period that a shifted resume could hide in.
fn file() -> Vec<u8> {
    (0..FILE_LEN as u64).map(|index| (index.wrapping_mul(index) >> 7) as u8 ^ index as u8).collect()
}

fn md5_of(bytes: &[u8]) -> String {
    use md5::Digest;
    checksum::hex(&md5::Md5::digest(bytes))
}

/// Generous with attempts, so that a slow machine's stray timeout changes nothing.
fn patient() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(20),
        read: Duration::from_secs(20),
        attempts: 8,
        backoff: Duration::from_millis(1),
    }
}

struct Case {
    server: TestServer,
    folder: tempfile::TempDir,
    size: Option<u64>,
    md5: Option<String>,
    timeouts: Timeouts,
    events: Recorded,
}

impl Case {
    fn new(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let (server, folder) = (TestServer::start(answer), tempfile::tempdir().unwrap());
        Self { server, folder, size: None, md5: None, timeouts: patient(), events: Recorded::default() }
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("ml.zip.part")
    }

    fn fetch(&self) -> Result<Vec<u8>, DownloadError> {
        let (url, target) = (self.server.url("ml.zip"), self.folder.path().join("ml.zip"));
        let download = Download { url: &url, target: &target, size: self.size, md5: self.md5.clone() };
        let part = download.fetch(&client(&url, &self.timeouts).unwrap(), &self.timeouts, &self.events)?;
        assert!(!target.exists(), "renaming is the caller's");
        Ok(fs::read(part.path()).unwrap())
    }

    fn ranges(&self) -> Vec<Option<usize>> {
        self.server.requests().iter().map(Request::range_start).collect()
    }

    /// Leaves the first bytes of a file as an interrupted run would.
    fn leave_part(&self, bytes: &[u8], validator: Option<&str>) {
        let mut part = PartFile::open(&self.folder.path().join("ml.zip")).unwrap();
        part.begin(&self.server.url("ml.zip"), validator.map(str::to_string)).unwrap();
        part.append(bytes).unwrap();
    }
}

#[test]
fn a_whole_file_arrives_with_progress() {
    let mut case = Case::new(|_, request| Reply::ranged(request, &file(), "\"1\""));
    case.size = Some(FILE_LEN as u64);
    case.md5 = Some(md5_of(&file()));
    assert!(case.fetch().unwrap() == file());
    assert_eq!(case.events.bytes_done.into_inner(), FILE_LEN as u64);
}

#[test]
fn a_dropped_connection_is_resumed_in_the_middle() {
    let case = Case::new(|number, request| {
        let reply = Reply::ranged(request, &file(), "\"1\"");
        if number < 3 {
            reply.cut(70_000, Then::Close)
        } else {
            reply
        }
    });
    assert!(case.fetch().unwrap() == file());
    assert_eq!(case.ranges(), [None, Some(70_000), Some(140_000), Some(210_000)]);
    assert_eq!(case.server.requests()[1].header("if-range"), Some("\"1\""));
}

#[test]
fn a_stalled_connection_is_left_and_resumed() {
    let mut case = Case::new(|number, request| {
        let reply = Reply::ranged(request, &file(), "\"1\"");
        if number == 0 {
            reply.cut(70_000, Then::Stall)
        } else {
            reply
        }
    });
    case.timeouts.read = Duration::from_millis(300);
    assert!(case.fetch().unwrap() == file());
    assert!(case.ranges().contains(&Some(70_000)));
}

#[test]
fn a_later_run_resumes_what_an_earlier_one_left() {
    let case = Case::new(|_, request| Reply::ranged(request, &file(), "\"1\""));
    case.leave_part(&file()[..100_000], Some("\"1\""));
    assert!(case.fetch().unwrap() == file());
    assert_eq!(case.ranges(), [Some(100_000)]);
}

#[test]
fn a_changed_file_is_not_glued_together() {
    let case = Case::new(|_, request| Reply::ranged(request, &file(), "\"2\""));
    case.leave_part(&[1; 100_000], Some("\"1\""));
    assert!(case.fetch().unwrap() == file());
    assert_eq!(case.ranges(), [Some(100_000)]);
}

#[test]
fn a_part_of_unknown_origin_is_not_used() {
    let case = Case::new(|_, request| Reply::ranged(request, &file(), "\"1\""));
    fs::write(case.part(), [1; 100_000]).unwrap();
    assert!(case.fetch().unwrap() == file());
    assert_eq!(case.ranges(), [None]);
}

#[test]
fn a_finished_part_needs_no_bytes() {
    let case = Case::new(|_, request| Reply::ranged(request, &file(), "\"1\""));
    case.leave_part(&file(), Some("\"1\""));
    assert!(case.fetch().unwrap() == file());
    assert_eq!(case.ranges(), [Some(FILE_LEN)]);
}

#[test]
fn a_part_longer_than_the_file_starts_over() {
    let case = Case::new(|_, request| Reply::ranged(request, &file(), "\"1\""));
    case.leave_part(&[1; FILE_LEN + 9], Some("\"1\""));
    assert!(case.fetch().unwrap() == file());
    assert_eq!(case.ranges(), [Some(FILE_LEN + 9), None]);
}

#[test]
fn a_server_without_range_starts_over() {
    let case = Case::new(|number, _| {
        let reply = Reply::new("200 OK", &file()).header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT");
        if number == 0 {
            reply.cut(70_000, Then::Close)
        } else {
            reply
        }
    });
    assert!(case.fetch().unwrap() == file());
    assert_eq!(case.ranges(), [None, Some(70_000)]);
    assert_eq!(case.server.requests()[1].header("if-range"), Some("Mon, 01 Jan 2024 00:00:00 GMT"));
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    let case = Case::new(|number, request| match number {
        0 => Reply::new("503 Service Unavailable", b""),
        1 => Reply::new("429 Too Many Requests", b""),
        _ => Reply::ranged(request, &file(), "\"1\""),
    });
    assert!(case.fetch().unwrap() == file());
}

#[test]
fn wrong_size_is_refused_before_the_bytes_come() {
    let mut case = Case::new(|_, request| Reply::ranged(request, &file(), "\"1\""));
    case.size = Some(7);
    let message = case.fetch().map(|_| ()).unwrap_err().to_string();
    assert_eq!(message, "wrong size: expected 7 bytes, got 300000; the partial file was discarded");
    assert!(!case.part().exists());
}

#[test]
fn wrong_md5_discards_the_part() {
    let mut case = Case::new(|_, request| Reply::ranged(request, &file(), "\"1\""));
    case.md5 = Some(md5_of(b"another file"));
    let message = case.fetch().map(|_| ()).unwrap_err().to_string();
    let (expected, got) = (md5_of(b"another file"), md5_of(&file()));
    assert_eq!(message, format!("wrong md5: expected {expected}, got {got}; the partial file was discarded"));
    assert_eq!(fs::read_dir(case.folder.path()).unwrap().count(), 0);
}

#[test]
fn a_missing_file_is_said_at_once() {
    let case = Case::new(|_, _| Reply::new("404 Not Found", b"<html>"));
    let message = case.fetch().map(|_| ()).unwrap_err().to_string();
    assert_eq!(message, "the server says 404 Not Found: there is no such file");
    assert_eq!(case.server.requests().len(), 1);
    assert_eq!(fs::read_dir(case.folder.path()).unwrap().count(), 0);
}

#[test]
fn redirects_are_followed_with_the_range() {
    let case = Case::new(|_, request| match request.path.as_str() {
        "/ml.zip" => Reply::new("302 Found", b"").header("Location", "/elsewhere/ml.zip"),
        _ => Reply::ranged(request, &file(), "\"1\""),
    });
    case.leave_part(&file()[..100_000], Some("\"1\""));
    assert!(case.fetch().unwrap() == file());
    assert_eq!(case.ranges(), [Some(100_000), Some(100_000)]);
}

#[test]
fn endless_redirects_end() {
    let case = Case::new(|_, _| Reply::new("302 Found", b"").header("Location", "/ml.zip"));
    let message = case.fetch().map(|_| ()).unwrap_err().to_string();
    assert!(message.contains("redirects more than 10 times"), "{message}");
}

#[test]
fn it_gives_up_in_the_end_and_keeps_the_part() {
    let mut case = Case::new(|number, request| {
        let reply = Reply::ranged(request, &file(), "\"1\"");
        reply.cut(if number == 0 { 70_000 } else { 0 }, Then::Close)
    });
    case.timeouts.attempts = 3;
    let message = case.fetch().map(|_| ()).unwrap_err().to_string();
    assert!(message.starts_with("gave up after 3 attempts without progress ("), "{message}");
    assert_eq!(fs::metadata(case.part()).unwrap().len(), 70_000);
}

#[test]
fn a_refused_connection_is_not_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ml.zip", listener.local_addr().unwrap());
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let download = Download { url: &url, target: &folder.path().join("ml.zip"), size: None, md5: None };
    let events = Recorded::default();
    let error = download.fetch(&client(&url, &patient()).unwrap(), &patient(), &events).map(|_| ()).unwrap_err();
    assert!(matches!(error, DownloadError::Unreachable(_)), "{error}");
    assert!(events.texts.lock().unwrap().is_empty());
}

#[test]
fn the_users_stop_keeps_the_part_for_the_next_run() {
    let mut case = Case::new(|_, request| Reply::ranged(request, &file(), "\"1\""));
    case.events.cancel_after = Some(100_000);
    assert!(matches!(case.fetch().map(|_| ()), Err(DownloadError::Cancelled)));
    case.events.cancel_after = None;
    assert!(case.fetch().unwrap() == file());
    assert!(case.ranges()[1] >= Some(100_000));
}

#[test]
fn a_second_process_is_told_to_wait() {
    let case = Case::new(|_, request| Reply::ranged(request, &file(), "\"1\""));
    let _lock = PartFile::open(&case.folder.path().join("ml.zip")).unwrap();
    assert!(matches!(case.fetch().map(|_| ()), Err(DownloadError::Busy(_))));
}

#[test]
fn the_published_checksum_is_found() {
    let case = Case::new(|_, request| match request.path.as_str() {
        "/ml.zip.md5" => Reply::new("200 OK", b"MD5 (ml.zip) = 0e33842e24a9c977be4e0107933c0723\n"),
        _ => Reply::new("404 Not Found", b""),
    });
    let client = client(&case.server.url(""), &patient()).unwrap();
    let found = checksum::published_md5(&client, &case.server.url("ml.zip")).unwrap();
    assert_eq!(found.as_deref(), Some("0e33842e24a9c977be4e0107933c0723"));
    assert_eq!(checksum::published_md5(&client, &case.server.url("other.zip")).unwrap(), None);
}

//! Fetches a folder out of a wheel with `pip download`: the way to real data where only package registries are reached.
//! Leaves out where the folder goes in the end.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::archive::{ArchiveError, Member, Store};
use crate::events::Events;
use crate::sources::PipFolder;

/// Why a wheel's folder could not be had.
#[derive(Debug, thiserror::Error)]
pub enum PipError {
    #[error("interrupted")]
    Cancelled,
    #[error("cannot run {python}: {cause}; pip sources need Python 3 with pip (Debian: apt install python3-pip)")]
    NoPython { python: String, cause: io::Error },
    #[error("`{command}` failed: {output}")]
    Failed { command: String, output: String },
    #[error("`{command}` brought no wheel")]
    NoWheel { command: String },
    #[error("the wheel {wheel} has no folder {path}")]
    NoFolder { wheel: String, path: String },
    #[error(transparent)]
    Wheel(#[from] ArchiveError),
    #[error("cannot {action} {path}: {cause}")]
    Io { action: &'static str, path: PathBuf, cause: io::Error },
}

/// Fetches the wheel and unpacks the folder alone; returns where, inside `staging`.
///
/// # Errors
/// No Python, no pip, no network, no such wheel or folder, an unsafe wheel, a full disk, the user's stop.
pub fn fetch_folder(
    folder: &PipFolder,
    python: &str,
    staging: &Path,
    events: &dyn Events,
) -> Result<PathBuf, PipError> {
    let wheel = download_wheel(folder, python, &staging.join("wheel"), events)?;
    let unpacked = staging.join("unpacked");
    let mut store = Store::open(&wheel)?;
    let prefix = format!("{}/", folder.path);
    let members: Vec<Member> =
        store.members().iter().filter(|member| member.name.starts_with(&prefix)).cloned().collect();
    if members.is_empty() {
        let wheel = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Err(PipError::NoFolder { wheel, path: folder.path.clone() });
    }
    for member in &members {
        let target = unpacked.join(&member.name[prefix.len()..]);
        unpack(&mut store, member, &target, events)?;
    }
    Ok(unpacked)
}

/// Runs pip into an empty folder and returns the wheel that appeared there.
fn download_wheel(folder: &PipFolder, python: &str, into: &Path, events: &dyn Events) -> Result<PathBuf, PipError> {
    fs::create_dir_all(into).map_err(io_error("create", into))?;
    let requirement = format!("{}=={}", folder.package, folder.version);
    let command = format!("{python} -m pip download --no-deps {requirement}");
    let log = into.join("pip.log");
    let log_file = File::create(&log).map_err(io_error("create", &log))?;
    // A site that cannot be reached must not hold up the next source for pip's default of minutes.
    let mut child = Command::new(python)
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--progress-bar=off"])
        .args(["--disable-pip-version-check", "--retries=2", "--timeout=15", "--dest"])
        .arg(into)
        .arg(&requirement)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log_file)
        .spawn()
        .map_err(|cause| PipError::NoPython { python: python.to_string(), cause })?;
    let status = loop {
        if events.cancelled() {
            // It may have ended by itself: the user's Ctrl-C reaches it too.
            let _ = child.kill();
            let _ = child.wait();
            return Err(PipError::Cancelled);
        }
        match child.try_wait().map_err(io_error("wait for pip in", into))? {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    if !status.success() {
        return Err(PipError::Failed { command, output: last_lines(&log) });
    }
    let entries = fs::read_dir(into).map_err(io_error("read", into))?;
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "whl");
    entries.flatten().map(|entry| entry.path()).find(is_wheel).ok_or(PipError::NoWheel { command })
}

fn unpack(store: &mut Store, member: &Member, target: &Path, events: &dyn Events) -> Result<(), PipError> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(io_error("create", parent))?;
    }
    let mut reader = store.reader(member)?;
    let mut file = File::create(target).map_err(io_error("create", target))?;
    let mut chunk = vec![0; 1 << 18];
    let mut done = 0;
    loop {
        if events.cancelled() {
            return Err(PipError::Cancelled);
        }
        let n_read = reader.read(&mut chunk).map_err(io_error("unpack", target))?;
        if n_read == 0 {
            return file.sync_all().map_err(io_error("write", target));
        }
        file.write_all(&chunk[..n_read]).map_err(io_error("write", target))?;
        done += n_read as u64;
        events.progress(done, Some(member.size), &member.name);
    }
}

/// The end of pip's complaints, in one line.
fn last_lines(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return "it said nothing".to_string();
    }
    lines[lines.len().saturating_sub(3)..].join(" / ")
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> PipError + 'a {
    move |cause| PipError::Io { action, path: path.to_path_buf(), cause }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::archive::tests::zip_bytes;
    use crate::events::Recorded;

    /// A stand-in for Python whose `pip download` copies `wheel` or fails, in `folder`.
    pub fn stub_python(folder: &Path, wheel: Option<&[u8]>) -> String {
        let body = match wheel {
            Some(bytes) => {
                fs::write(folder.join("stub.whl"), bytes).unwrap();
                // The destination is the word after `--dest`.
                "while [ \"$1\" != --dest ]; do shift; done; cp \"$(dirname \"$0\")/stub.whl\" \"$2/\"".to_string()
            }
            None => "echo 'ERROR: No matching distribution found' >&2; exit 1".to_string(),
        };
        let script = folder.join("python-stub");
        // Written by a child: were it open for writing here while another test forks, running it could fail as busy.
        let write = "printf '%s' \"$1\" > \"$0\" && chmod 755 \"$0\"";
        let text = format!("#!/bin/sh\n{body}\n");
        assert!(Command::new("sh").args(["-c", write]).arg(&script).arg(text).status().unwrap().success());
        script.display().to_string()
    }

    fn folder(path: &str) -> PipFolder {
        PipFolder { package: "recbole".into(), version: "1.2.1".into(), path: path.into() }
    }

    fn fetch(wheel: Option<&[u8]>, path: &str) -> (tempfile::TempDir, Result<PathBuf, PipError>) {
        let place = tempfile::tempdir().unwrap();
        let python = stub_python(place.path(), wheel);
        let result = fetch_folder(&folder(path), &python, &place.path().join("staging"), &Recorded::default());
        (place, result)
    }

    #[test]
    fn only_the_folder_is_unpacked() {
        let wheel = zip_bytes(&[("a/b/x.inter", b"1"), ("a/b/sub/y", b"2"), ("a/bc/z", b"3"), ("setup.py", b"4")]);
        let (_place, result) = fetch(Some(&wheel), "a/b");
        let unpacked = result.unwrap();
        assert_eq!(fs::read(unpacked.join("x.inter")).unwrap(), b"1");
        assert_eq!(fs::read(unpacked.join("sub/y")).unwrap(), b"2");
        assert_eq!(fs::read_dir(&unpacked).unwrap().count(), 2);
    }

    #[test]
    fn failures_say_what_pip_said() {
        let message = fetch(None, "a").1.unwrap_err().to_string();
        assert!(message.contains("pip download --no-deps recbole==1.2.1` failed: ERROR: No matching"), "{message}");
        let message = fetch(Some(&zip_bytes(&[("a/b", b"1")])), "c").1.unwrap_err().to_string();
        assert_eq!(message, "the wheel stub.whl has no folder c");
        let message = fetch(Some(&zip_bytes(&[("a/b", b"1"), ("../c", b"2")])), "a").1.unwrap_err().to_string();
        assert!(message.contains("is refused"), "{message}");
        let place = tempfile::tempdir().unwrap();
        let error = fetch_folder(&folder("a"), "no-such-python", place.path(), &Recorded::default()).unwrap_err();
        assert!(matches!(error, PipError::NoPython { .. }), "{error}");
    }
}

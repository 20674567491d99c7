//! This binary once more, in a process of its own: what opens a library nobody vouches for yet.
//!
//! A child that crashes, hangs, forks or talks too much does no harm here: it has a process group of its own, which is
//! killed when its time is over, and it dies with this process.

use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{kill, killpg, Signal};
use nix::unistd::{getppid, Pid};

/// What is kept of each stream: its end, where the reason stands.
const KEPT: u64 = 256 * 1024;
const SHORTEST_NAP: Duration = Duration::from_millis(1);
const LONGEST_NAP: Duration = Duration::from_millis(20);

/// How a child ended.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    /// It was killed because it took longer than it was given.
    pub timed_out: bool,
    pub duration: Duration,
    /// The last 256 KiB.
    pub stdout: String,
    /// The last 256 KiB.
    pub stderr: String,
}

impl Finished {
    pub fn success(&self) -> bool {
        self.status.success() && !self.timed_out
    }

    /// `SIGSEGV`, if a signal ended it.
    pub fn signal(&self) -> Option<&'static str> {
        self.status.signal().and_then(|number| Signal::try_from(number).ok()).map(Signal::as_str)
    }

    /// The last lines that it wrote to standard error.
    pub fn last_lines(&self, n: usize) -> String {
        let lines: Vec<_> = self.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(n)..].join("\n")
    }
}

/// This program: the file that runs, also where it was replaced by a newer one since.
pub fn this_program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

/// Runs `command` to its end or for `limit`, then kills whatever it started.
///
/// # Errors
/// If it cannot be started.
pub fn run(command: &mut Command, limit: Duration) -> io::Result<Finished> {
    let started = Instant::now();
    run_until(command, || started.elapsed() >= limit)
}

/// The same, until `is_over`, which is asked at least every 20 ms.
///
/// # Errors
/// If it cannot be started.
pub fn run_until(command: &mut Command, mut is_over: impl FnMut() -> bool) -> io::Result<Finished> {
    follow(command.stdin(Stdio::null()), || if is_over() { Then::Kill } else { Then::Wait })
}

/// What is to be done with a child that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Wait,
    /// As Ctrl-C does: it is asked to end, and waited for. The terminal does not, for it is in a process group of its own.
    Interrupt,
    /// With all that it started.
    Kill,
}

/// The same, with the standard input of `command` and asking at least every 20 ms what is to be done.
///
/// # Errors
/// If it cannot be started.
pub fn follow(command: &mut Command, mut next: impl FnMut() -> Then) -> io::Result<Finished> {
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let started = Instant::now();
    // Files and no pipes: whatever the child leaves behind may hold a pipe open for ever.
    command.stdout(stdout.try_clone()?).stderr(stderr.try_clone()?).process_group(0);
    let mut child = command.spawn()?;
    let group = Pid::from_raw(child.id().cast_signed());
    let mut nap = SHORTEST_NAP;
    let ended = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        match next() {
            Then::Wait => {}
            // It may have ended meanwhile.
            Then::Interrupt => drop(kill(group, Signal::SIGINT)),
            Then::Kill => break None,
        }
        thread::sleep(nap);
        nap = (nap * 2).min(LONGEST_NAP);
    };
    // Also after a good end: nothing that it started stays. No such group is no fault.
    let _ = killpg(group, Signal::SIGKILL);
    let status = ended.map_or_else(|| child.wait(), Ok)?;
    Ok(Finished {
        status,
        timed_out: ended.is_none(),
        duration: started.elapsed(),
        stdout: end_of(&mut stdout)?,
        stderr: end_of(&mut stderr)?,
    })
}

/// To be called by the child first of all: it is killed when its parent ends, however that happens.
pub fn die_with_parent() {
    if let Err(error) = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL) {
        log::debug!("this process will outlive its parent: {error}");
    }
}

/// The same, for a child that knows its parent's number: it ends at once if the parent was gone before that.
pub fn die_with(parent: i32) {
    die_with_parent();
    if getppid().as_raw() != parent {
        std::process::exit(1);
    }
}

/// What is kept of a stream.
pub fn end_of(file: &mut std::fs::File) -> io::Result<String> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(KEPT)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Finished {
        run(Command::new("sh").args(["-c", script]), limit).unwrap()
    }

    #[test]
    fn a_child_tells_how_it_ended() {
        let fine = shell("echo out; echo one >&2; echo two >&2", Duration::from_secs(60));
        assert!(fine.success() && fine.stdout == "out\n" && fine.last_lines(1) == "two");
        let crashed = shell("kill -SEGV $$", Duration::from_secs(60));
        assert!(!crashed.success() && crashed.signal() == Some("SIGSEGV") && !crashed.timed_out);
    }

    #[test]
    fn a_child_that_hangs_is_killed_with_all_that_it_started() {
        let finished = shell("sleep 1000 & echo $!; wait", Duration::from_millis(300));
        assert!(finished.timed_out && finished.signal() == Some("SIGKILL"));
        let orphan = finished.stdout.trim();
        let gone = || !std::fs::read_to_string(format!("/proc/{orphan}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
        let deadline = Instant::now() + Duration::from_secs(10);
        while !gone() {
            assert!(Instant::now() < deadline, "process {orphan} is still there");
            thread::sleep(LONGEST_NAP);
        }
    }
}

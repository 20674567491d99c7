//! The first look at a library: a child process opens it before this one does, so that what crashes or hangs there is a message here.
//!
//! One child opens all the libraries of a config; only if it does not survive are they opened singly, to find out which it was.

use std::path::{Path, PathBuf};
use std::process::Command;

use plugin_api::abi::logger::LogSink;

use crate::child::{self, Finished};
use crate::plugins::library;
use crate::plugins::policy::probe_timeout;

/// Lines of output kept of a child that died.
const LINES: usize = 5;
/// The longest of them.
const LINE: usize = 300;

/// What the child says on standard output; plugins may write there, too.
const BEGUN: &str = "recsys-probe: begun";
const OPENED: &str = "recsys-probe: opened";

/// How the child ends that came to its end. Not 0, which a plugin may end it with; and not by what it says, which a full disk loses.
pub const FINISHED: u8 = 86;

/// A library to be tried.
pub struct Subject {
    /// As the user knows it.
    pub path: PathBuf,
    /// Where another process finds exactly this file.
    pub place: PathBuf,
}

/// What became of the process that opened a library.
#[derive(Debug, Clone)]
pub enum Outcome {
    Opened,
    /// It lived; what was wrong the host will find itself.
    Failed,
    /// It died.
    Died(Death),
    /// It lives by itself, and died together with the others.
    Clashed(Death),
}

#[derive(Debug, Clone)]
pub struct Death {
    /// Continues "opening it in a child process".
    pub how: String,
    pub output: Vec<String>,
}

/// Opens libraries in child processes; an outcome a library.
pub fn probe(subjects: &[Subject]) -> Vec<Outcome> {
    let all: Vec<&Subject> = subjects.iter().collect();
    let (death, at) = match attempt(&all) {
        Ok(outcomes) => return outcomes,
        Err(died) => died,
    };
    if let [_] = subjects {
        return vec![Outcome::Died(death)];
    }
    let alone = |subject: &Subject| match attempt(&[subject]) {
        Ok(mut outcomes) => outcomes.pop().unwrap_or(Outcome::Failed),
        Err((death, _)) => Outcome::Died(death),
    };
    let mut outcomes: Vec<Outcome> = subjects.iter().map(alone).collect();
    let is_found = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Died(_)));
    match outcomes.get_mut(at) {
        Some(last) if !is_found => *last = Outcome::Clashed(death),
        Some(_) | None => {}
    }
    outcomes
}

/// One child for all of them. If it dies: how, and at which one.
fn attempt(subjects: &[&Subject]) -> Result<Vec<Outcome>, (Death, usize)> {
    let mut command = Command::new(child::this_program());
    command.args(["plugins", "probe"]).args(subjects.iter().map(|subject| &subject.place));
    let finished = match child::run(&mut command, probe_timeout()) {
        Ok(finished) => finished,
        Err(error) => {
            log::warn!("no child process can be started to try new plugins in, so they are opened at once: {error}");
            return Ok(subjects.iter().map(|_| Outcome::Failed).collect());
        }
    };
    let said = |line: &str| finished.stdout.lines().any(|said| said == line);
    if !finished.timed_out && finished.status.code() == Some(i32::from(FINISHED)) {
        let outcome = |index| if said(&format!("{OPENED} {index}")) { Outcome::Opened } else { Outcome::Failed };
        return Ok((0..subjects.len()).map(outcome).collect());
    }
    let at = (0..subjects.len()).rev().find(|index| said(&format!("{BEGUN} {index}"))).unwrap_or(0);
    Err((death(&finished, subjects), at))
}

fn death(finished: &Finished, subjects: &[&Subject]) -> Death {
    let how = match (finished.timed_out, finished.signal(), finished.status.code()) {
        (true, _, _) => format!("did not come to an end within {} s", probe_timeout().as_secs_f64()),
        (false, Some(signal), _) => format!("ended it by {signal}"),
        (false, None, Some(code)) => format!("ended it with exit code {code}"),
        (false, None, None) => format!("ended it ({})", finished.status),
    };
    let mut text = finished.last_lines(LINES);
    for subject in subjects {
        text = text.replace(&subject.place.display().to_string(), &subject.path.display().to_string());
    }
    let output = text.lines().map(|line| line.chars().filter(|letter| !letter.is_control()).take(LINE).collect());
    Death { how, output: output.collect() }
}

/// The child's side: opens one library after the other, and says so. It is to end with [`FINISHED`].
pub fn open_all(libraries: &[PathBuf], sink: LogSink) {
    let say = |what: &str| crate::commands::print(what);
    for (index, library) in libraries.iter().enumerate() {
        say(&format!("{BEGUN} {index}"));
        match open(library, sink) {
            Ok(()) => say(&format!("{OPENED} {index}")),
            Err(error) => log::warn!("{}: {error}", library.display()),
        }
    }
}

/// All of the library's code that runs in the host before anything is constructed.
fn open(library: &Path, sink: LogSink) -> Result<(), String> {
    let library = library::open(library, sink).map_err(|error| error.to_string())?;
    library.describe().map(drop).map_err(|error| error.to_string())
}

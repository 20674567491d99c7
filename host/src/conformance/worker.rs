//! The child: opens the library, runs the tests that its assignment names, writes a line of results each.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use plugin_api::ComponentKind;

use super::plan::{Assignment, Line};
use super::subject::Subject;
use super::suite::{self, Scope, Test};
use super::verdict::{fail, Checked, Verdict};

/// One thread: the suite's tensors are small, and the parent runs several children.
const THREADS: i32 = 1;

/// Does what the assignment says.
///
/// # Errors
/// If there is no whole assignment, or the results cannot be written. What the library does is a result and no error.
pub fn run(file: &Path) -> anyhow::Result<()> {
    crate::child::die_with_parent();
    let text = std::fs::read(file).with_context(|| file.display().to_string())?;
    let assignment: Assignment = serde_json::from_slice(&text).with_context(|| file.display().to_string())?;
    let mut results = File::create(&assignment.results)?;
    tch::set_num_threads(THREADS);
    let kind = assignment.constructor.as_ref().and_then(|(kind, _)| ComponentKind::from_name(kind));
    let subject = kind.map(|kind| Subject::open(&assignment, kind));
    for name in &assignment.tests {
        let test = suite::find(name, kind).with_context(|| format!("there is no test `{name}`"))?;
        let started = Instant::now();
        let verdict = Verdict::from(run_test(test, &assignment.library, subject.as_ref()));
        let line = Line { test: name.clone(), verdict, seconds: started.elapsed().as_secs_f64() };
        // In one piece: the parent may kill this process at any time.
        results.write_all(format!("{}\n", serde_json::to_string(&line)?).as_bytes())?;
        tch::set_num_threads(THREADS);
    }
    Ok(())
}

fn run_test(test: &Test, library: &Path, subject: Option<&Checked<Subject>>) -> Checked {
    match (&test.scope, subject) {
        (Scope::Library(run), _) => run(library),
        (Scope::Constructor(_, run) | Scope::Outside(_, run), Some(Ok(subject))) => run(subject),
        (Scope::Constructor(..) | Scope::Outside(..), Some(Err(finding))) => Err(finding.clone()),
        (Scope::Constructor(..) | Scope::Outside(..), None) => fail("it is a test of constructors, and none is named"),
    }
}

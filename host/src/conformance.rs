//! The conformance suite: what `recsys-host plugins check` asks of a plugin library.
//!
//! The library never runs in this process. [`runner`] hands its tests to children, a constructor a child; a test that does not pass
//! there is run once more in a child of its own, and one that crashes or hangs takes no other with it.
//!
//! # Code map, in the order in which data flows
//!
//! | module | what it defines |
//! |---|---|
//! | [`suite`] | THE TABLE: every test, what it asks and of which kinds |
//! | [`plan`] | which tests of which constructors are run; the file that tells a child |
//! | [`stage`] | the folders and the environment of a child, and what it may not leave there |
//! | [`runner`] | the children: started, watched, killed, their results put together |
//! | [`worker`] | the child: opens the library, runs the tests, writes a line each |
//! | [`subject`] | a constructor under test: makes components and uses them |
//! | [`host`] | the host that components under test see |
//! | [`params`] | parameters made from a schema: plausible, wrong, random |
//! | [`board`], [`reference`] | small graphs, the checkerboard above all; built-in parts that go with the one under test |
//! | [`training`] | the suite's own training loop, and whether the withheld edges come first |
//! | [`process`] | memory, descriptors, threads and time of this process |
//! | [`library`], [`parameters`], [`footprint`] | tests of libraries, of parameters, of what a process is left with |
//! | [`model`], [`loss`], [`evaluator`], [`trainer`], [`data_loader`] | tests of a kind |
//! | [`verdict`], [`report`] | results, and how they are told |
//!
//! Leaves out what only a machine can decide: values that a schema allows and no memory holds are not tried.

pub mod board;
pub mod data_loader;
pub mod evaluator;
pub mod footprint;
pub mod host;
pub mod library;
pub mod loss;
pub mod model;
pub mod parameters;
pub mod params;
pub mod plan;
pub mod process;
pub mod reference;
pub mod report;
pub mod runner;
pub mod stage;
pub mod subject;
pub mod suite;
pub mod trainer;
pub mod training;
pub mod verdict;
pub mod worker;

use plan::{Batch, Request, Target};
use report::Report;
use runner::TestResult;
use verdict::Verdict;

use crate::cli::{Interrupted, Usage};
use crate::config::nearest;
use crate::plugins::Identity;

/// Runs the suite: the library first, its constructors if it can be opened.
///
/// # Errors
/// If a name in the request does not exist, a child cannot be started, or the user interrupts. What the library does wrong is in the
/// report.
pub fn check(request: &Request) -> anyhow::Result<Report> {
    let all: Vec<_> = suite::TESTS.iter().map(|test| test.name).collect();
    known("test", &request.tests, &all)?;
    let identity = Identity::read(&request.library).ok();
    let targets = targets(request, identity.as_ref())?;
    let mut results = runner::run(request, vec![request.batch(Target(None))])?;
    told_once(&mut results);
    let batches: Vec<Batch> = targets.into_iter().map(|target| request.batch(target)).collect();
    let stops = |verdict: &Verdict| verdict.is_fault() || matches!(verdict, Verdict::Skipped(_));
    if results.iter().any(|result| result.test.name == "describe" && stops(&result.verdict)) {
        results.extend(batches.iter().flat_map(skipped));
    } else {
        results.extend(runner::run(request, batches)?);
    }
    if crate::services::is_cancelled() {
        return Err(Interrupted.into());
    }
    Ok(Report { request: request.clone(), identity, results })
}

/// What ends the process when it is opened cannot be asked anything more.
fn told_once(results: &mut [TestResult]) {
    let ended = |verdict: &Verdict| matches!(verdict, Verdict::Crashed(_) | Verdict::TimedOut(_));
    if results.iter().any(|result| result.test.name == "open" && ended(&result.verdict)) {
        let rest = results.iter_mut().filter(|result| result.test.name == "describe");
        rest.for_each(|result| result.verdict = Verdict::Skipped("it cannot be opened; see the test `open`".into()));
    }
}

fn skipped(batch: &Batch) -> impl Iterator<Item = TestResult> + use<'_> {
    let reason = "the library cannot be opened, or does not know its constructors; see the test `describe`";
    batch.tests.iter().map(move |test| TestResult {
        target: batch.target.clone(),
        test,
        verdict: Verdict::Skipped(reason.into()),
        seconds: 0.0,
    })
}

/// The constructors that the note lists, or those of them that were asked for.
fn targets(request: &Request, identity: Option<&Identity>) -> Result<Vec<Target>, Usage> {
    let there = identity.map(|identity| identity.constructors.clone()).unwrap_or_default();
    let names: Vec<_> = there.iter().map(|(_, name)| name.as_str()).collect();
    known("constructor", &request.constructors, &names)?;
    let wanted = |name: &String| request.constructors.is_empty() || request.constructors.contains(name);
    let targets: Vec<_> = there.into_iter().filter(|(_, name)| wanted(name)).map(|found| Target(Some(found))).collect();
    if targets.len() > 1 && request.params.is_some() {
        return Err(Usage("--params are those of one constructor; choose it with --constructor".into()));
    }
    Ok(targets)
}

fn known(what: &str, wanted: &[String], there: &[&str]) -> Result<(), Usage> {
    let Some(wrong) = wanted.iter().find(|wanted| !there.contains(&wanted.as_str())) else { return Ok(()) };
    let hint =
        nearest(wrong, there.iter().copied()).map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    let mut there = there.to_vec();
    there.dedup();
    Err(Usage(format!("there is no {what} `{wrong}`{hint} (there are: {})", there.join(", "))))
}

//! The parent: hands batches of tests to children, watches them, and puts the results together.
//!
//! Opening libtorch takes longer than most tests, so that the tests of a constructor share a child as long as all is well. What does
//! not pass in company is run again alone, and what it does there counts. A crash or a hang ends its child; the tests after it go on
//! in the next one.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::plan::{Assignment, Batch, Line, Request, Target};
use super::stage::Stage;
use super::suite::{Test, Watched};
use super::verdict::Verdict;
use crate::child::{self, Finished};

/// A test of a target, as it ended.
pub struct TestResult {
    pub target: Target,
    pub test: &'static Test,
    pub verdict: Verdict,
    pub seconds: f64,
}

/// Runs the batches, `jobs` at a time. Results are in the order of the batches.
///
/// # Errors
/// If a child cannot be started.
pub fn run(request: &Request, batches: Vec<Batch>) -> std::io::Result<Vec<TestResult>> {
    let waiting = Mutex::new(batches.into_iter().enumerate());
    let done = Mutex::new(Vec::new());
    let work = || loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
        let Some((index, batch)) = next else { return };
        let results = run_batch(request, &batch);
        done.lock().unwrap_or_else(PoisonError::into_inner).push((index, results));
    };
    std::thread::scope(|scope| {
        (0..request.jobs.max(1)).for_each(|_| _ = scope.spawn(work));
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    let results: std::io::Result<Vec<Vec<_>>> = done.into_iter().map(|(_, results)| results).collect();
    Ok(results?.into_iter().flatten().collect())
}

fn run_batch(request: &Request, batch: &Batch) -> std::io::Result<Vec<TestResult>> {
    let mut results = Vec::new();
    let mut tests = batch.tests.as_slice();
    while !tests.is_empty() && !crate::services::is_cancelled() {
        let report = Child::run(request, &batch.target, tests)?;
        let (reached, rest) = tests.split_at(report.n_reached);
        for (test, (verdict, seconds)) in reached.iter().zip(report.results) {
            let (verdict, seconds) = if verdict.is_fault() {
                confirm(request, &batch.target, test, (verdict, seconds), batch.tests.len() > 1)?
            } else {
                (verdict, seconds)
            };
            results.push(TestResult { target: batch.target.clone(), test, verdict, seconds });
        }
        tests = rest;
    }
    Ok(results)
}

/// Looks at a fault again, in children of its own.
fn confirm(
    request: &Request,
    target: &Target,
    test: &'static Test,
    first: (Verdict, f64),
    in_company: bool,
) -> std::io::Result<(Verdict, f64)> {
    // Judged by all that the child did: alone, less is done.
    if test.watched().is_some() && in_company {
        return Ok(first);
    }
    let mut last = first;
    let tries = if in_company { test.tries } else { test.tries - 1 };
    for _ in 0..tries {
        let report = Child::run(request, target, &[test])?;
        let Some(again) = report.results.into_iter().next() else { return Ok(last) };
        if again.0.is_fault() {
            last = again;
            continue;
        }
        let reason = last.0.reason().unwrap_or_default();
        let alone = match (test.tries, &last.0) {
            // A busy machine.
            (2.., _) => again.0,
            (_, Verdict::Crashed(_) | Verdict::TimedOut(_)) => return Ok(last),
            _ => Verdict::Warned(format!("failed after other tests in one process, but not alone: {reason}")),
        };
        return Ok((alone, again.1));
    }
    Ok(last)
}

/// What became of the tests that a child came to.
struct Child {
    n_reached: usize,
    results: Vec<(Verdict, f64)>,
}

impl Child {
    fn run(request: &Request, target: &Target, tests: &[&'static Test]) -> std::io::Result<Self> {
        let stage = Stage::new()?;
        let assignment = Assignment {
            library: request.library.clone(),
            constructor: target.0.as_ref().map(|(kind, name)| (kind.name().to_owned(), name.clone())),
            tests: tests.iter().map(|test| test.name.to_owned()).collect(),
            params: request.params.clone(),
            seed: request.seed,
            reproduce: request.reproduce,
            results: stage.results(),
            folders: stage.folders(),
        };
        let results = stage.results();
        let mut patience = Patience::new(&results, request.limit);
        let finished = child::run_until(&mut stage.command(&assignment)?, || patience.is_over())?;
        let mut child = Self::read(&results, &finished, tests, request.limit);
        child.judge_from_outside(&stage, &finished, tests);
        Ok(child)
    }

    fn read(results: &Path, finished: &Finished, tests: &[&'static Test], limit: Duration) -> Self {
        let text = std::fs::read_to_string(results).unwrap_or_default();
        // A line that the end cut short is none.
        let lines: Vec<Line> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let mut results = Vec::new();
        for test in tests {
            match lines.iter().find(|line| line.test == test.name) {
                Some(line) => results.push((line.verdict.clone(), line.seconds)),
                // It ended in this one, or before the first.
                None => {
                    results.push((ended(finished, limit), finished.duration.as_secs_f64()));
                    break;
                }
            }
        }
        Self { n_reached: results.len(), results }
    }

    /// Standard output, files and the end of the process.
    fn judge_from_outside(&mut self, stage: &Stage, finished: &Finished, tests: &[&'static Test]) {
        let strays = stage.strays();
        let ended_in_a_test =
            self.results.iter().any(|(verdict, _)| matches!(verdict, Verdict::Crashed(_) | Verdict::TimedOut(_)));
        for (test, (verdict, _)) in tests.iter().zip(&mut self.results) {
            let found = match test.watched() {
                Some(Watched::StandardOutput) if !finished.stdout.is_empty() => {
                    Verdict::Failed(format!("it wrote {:?}", shortened(&finished.stdout)))
                }
                Some(Watched::Files) if !strays.is_empty() => Verdict::Failed(format!("it left {}", strays.join(", "))),
                Some(Watched::End) if !finished.success() && !ended_in_a_test => ended(finished, Duration::ZERO),
                Some(Watched::StandardOutput | Watched::Files | Watched::End) | None => continue,
            };
            if !verdict.is_fault() {
                *verdict = found;
            }
        }
    }
}

fn shortened(text: &str) -> String {
    const LENGTH: usize = 80;
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The words for a child that did not come to its end.
fn ended(finished: &Finished, limit: Duration) -> Verdict {
    if finished.timed_out {
        return Verdict::TimedOut(format!("killed after {} s without a result", limit.as_secs_f64()));
    }
    let how = match (finished.signal(), finished.status.code()) {
        (Some(signal), _) => signal.to_owned(),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "an unknown end".to_owned(),
    };
    match finished.last_lines(3) {
        lines if lines.is_empty() => Verdict::Crashed(how),
        lines => Verdict::Crashed(format!("{how}; its last words:\n{lines}")),
    }
}

/// Every test has its own limit, though several share a child: the clock starts anew with every line of results.
struct Patience<'a> {
    results: &'a Path,
    limit: Duration,
    length: u64,
    since: Instant,
}

impl<'a> Patience<'a> {
    fn new(results: &'a Path, limit: Duration) -> Self {
        Self { results, limit, length: 0, since: Instant::now() }
    }

    fn is_over(&mut self) -> bool {
        let length = std::fs::metadata(self.results).map_or(0, |metadata| metadata.len());
        if length != self.length {
            (self.length, self.since) = (length, Instant::now());
        }
        self.since.elapsed() >= self.limit || crate::services::is_cancelled()
    }
}

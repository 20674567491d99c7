//! [`Report`]: the results for people and for programs.

use std::collections::BTreeMap;

use serde_json::{json, Value};

use super::parameters::SEED;
use super::plan::{Request, Target};
use super::runner::TestResult;
use super::suite::TESTS;
use super::verdict::Verdict;
use crate::plugins::Identity;
use crate::terminal::table::table;

/// The width of tables where there is no terminal to tell one.
const WIDTH: u16 = 140;

pub struct Report {
    pub request: Request,
    /// `None` where the note cannot be read.
    pub identity: Option<Identity>,
    pub results: Vec<TestResult>,
}

impl Report {
    pub fn n_faults(&self) -> usize {
        self.results.iter().filter(|result| result.verdict.is_fault()).count()
    }

    /// `4 passed, 1 failed`.
    pub fn summary(&self) -> String {
        let counts = self.counts();
        let told = ["passed", "warned", "skipped", "failed", "crashed", "timed out"].into_iter();
        let told = told.filter_map(|name| counts.get(name).map(|n| format!("{n} {name}")));
        told.collect::<Vec<_>>().join(", ")
    }

    fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        self.results.iter().for_each(|result| *counts.entry(result.verdict.name()).or_insert(0) += 1);
        counts
    }

    fn name_of(&self, target: &Target) -> String {
        let library = self.identity.as_ref().map_or("the file", |identity| identity.name.as_str());
        target.constructor().map_or_else(|| library.to_owned(), |name| format!("{library}:{name}"))
    }

    /// A table a constructor, then what went wrong with the command that shows it again.
    pub fn text(&self, is_terminal: bool) -> String {
        let mut text = match &self.identity {
            Some(identity) => format!("{} {}  ", identity.name, identity.version),
            None => String::new(),
        };
        text += &format!("{}  --seed {}\n", self.request.library.display(), self.request.seed);
        for results in self.results.chunk_by(|left, right| left.target == right.target) {
            let target = &results[0].target;
            let kind = target.kind().map_or("library", plugin_api::ComponentKind::name);
            text += &format!("\n{} ({kind})\n{}\n", self.name_of(target), rows(results, is_terminal));
        }
        text += &format!("\n{}\n", self.summary());
        for result in self.results.iter().filter(|result| result.verdict.is_fault()) {
            let reason = result.verdict.reason().unwrap_or_default();
            text += &format!("\n{} {}: {}\n", self.name_of(&result.target), result.test.name, result.verdict.name());
            text += &format!("  asked   {}\n  found   {}\n", result.test.asks, reason.replace('\n', "\n          "));
            text += &format!("  again   {}\n", self.again(result));
        }
        text.trim_end().to_owned()
    }

    /// The command that runs this test alone.
    fn again(&self, result: &TestResult) -> String {
        let mut command = format!("recsys-host plugins check {}", self.request.library.display());
        if let Some(name) = result.target.constructor() {
            command += &format!(" --constructor {name}");
        }
        if let Some(params) = &self.request.params {
            command += &format!(" --params '{}'", params.to_string().replace('\'', "'\\''"));
        }
        match seed_of_case(&result.verdict) {
            Some(seed) if result.test.name == "fuzz" => command + &format!(" --reproduce {seed}"),
            Some(_) | None => command + &format!(" --test {} --seed {}", result.test.name, self.request.seed),
        }
    }

    pub fn value(&self) -> Value {
        let result = |result: &TestResult| {
            json!({
                "subject": self.name_of(&result.target), "kind": result.target.kind().map(plugin_api::ComponentKind::name),
                "test": result.test.name, "asks": result.test.asks,
                "result": result.verdict.name(), "reason": result.verdict.reason(), "seconds": result.seconds,
                "again": result.verdict.is_fault().then(|| self.again(result)),
            })
        };
        json!({
            "path": self.request.library.display().to_string(),
            "library": self.identity.as_ref().map(|identity| &identity.name),
            "version": self.identity.as_ref().map(|identity| &identity.version),
            "host": env!("CARGO_PKG_VERSION"), "api": plugin_api::API_VERSION.to_string(),
            "seed": self.request.seed, "conforms": self.n_faults() == 0, "counts": self.counts(),
            "tests": self.results.iter().map(result).collect::<Vec<_>>(),
        })
    }
}

fn rows(results: &[TestResult], is_terminal: bool) -> String {
    let mut rows = table(&["test", "result", "seconds", ""]);
    if !is_terminal {
        rows.set_width(WIDTH);
    }
    for result in results {
        let what = result.verdict.reason().unwrap_or(result.test.asks);
        let seconds = format!("{:.2}", result.seconds);
        rows.add_row([result.test.name, result.verdict.name(), seconds.as_str(), what]);
    }
    rows.to_string()
}

/// The last one named: of a child that crashed, the case that it was at.
fn seed_of_case(verdict: &Verdict) -> Option<u64> {
    let (_, after) = verdict.reason()?.rsplit_once(SEED)?;
    after.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// Every test with what it asks: `plugins check --list`.
pub fn list() -> String {
    let mut rows = table(&["test", "of", "asks that"]);
    rows.set_width(WIDTH);
    for test in TESTS {
        let kinds: Vec<_> =
            plugin_api::ComponentKind::ALL.into_iter().filter(|kind| test.applies_to(Some(*kind))).collect();
        let of = match kinds.as_slice() {
            [] => "library".to_owned(),
            [one] => one.to_string(),
            [_, _, ..] => "every constructor".to_owned(),
        };
        rows.add_row([test.name, &of, test.asks]);
    }
    rows.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_of_a_case_is_found() {
        let verdict = Verdict::Failed(format!("{SEED}17, parameters {{\"dim\": 3}}: it panicked"));
        assert_eq!(seed_of_case(&verdict), Some(17));
        let verdict = Verdict::Crashed(format!("SIGSEGV; its last words:\n{SEED}1, ...\n{SEED}22, ..."));
        assert_eq!(seed_of_case(&verdict), Some(22));
        assert_eq!(seed_of_case(&Verdict::Failed("it panicked".into())), None);
    }
}

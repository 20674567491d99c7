//! `plugins check`: every shipped plugin conforms, and every deliberately bad constructor fails the test meant for it and no other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::broken::plugin_fixture;
use crate::support::{host_binary, plugin_dir, Said, Sandbox};

/// What is random is the same in every run of these tests.
const SEED: &str = "7";

/// Runs `plugins check --json`.
fn check(sandbox: &Sandbox, arguments: &[&str]) -> (Said, Value) {
    let said = sandbox.host(&[&["plugins", "check", "--json", "--seed", SEED], arguments].concat());
    let report = serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {}", said.stderr));
    (said, report)
}

/// The tests of every constructor (or library) that ended with one of these results: `NAME: result`.
fn with_result(report: &Value, results: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for test in report["tests"].as_array().unwrap() {
        let subject = test["subject"].as_str().unwrap().split(':').next_back().unwrap();
        let tests = found.entry(subject.to_owned()).or_default();
        if results.contains(&test["result"].as_str().unwrap()) {
            tests.insert(format!("{}: {}", test["test"].as_str().unwrap(), test["result"].as_str().unwrap()));
        }
    }
    found
}

const FAULTS: [&str; 3] = ["failed", "crashed", "timed out"];

/// A shipped plugin passes all, but for the tests that it has no matter for.
#[track_caller]
fn conforms(library: &str, skipped: &[(&str, &[&str])]) {
    host_binary();
    let sandbox = Sandbox::new();
    let path = plugin_dir().join(format!("lib{library}.so"));
    let (said, report) = check(&sandbox, &[path.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{}\n{report:#}", said.stderr);
    assert!(report["conforms"].as_bool().unwrap() && report["counts"]["passed"].as_u64().unwrap() > 10, "{report:#}");
    assert!(
        with_result(&report, &["warned", "failed", "crashed", "timed out"]).values().all(BTreeSet::is_empty),
        "{report:#}"
    );
    let told: BTreeMap<_, _> =
        with_result(&report, &["skipped"]).into_iter().filter(|(_, tests)| !tests.is_empty()).collect();
    let expected = skipped.iter().map(|(subject, tests)| {
        ((*subject).to_owned(), tests.iter().map(|test| format!("{test}: skipped")).collect::<BTreeSet<_>>())
    });
    assert_eq!(told, expected.collect(), "{report:#}");
}

#[test]
fn two_tower_conforms() {
    conforms("two_tower", &[("TwoTower", &["missing"])]);
}

#[test]
fn gat_conforms() {
    conforms("gat", &[("GAT", &["missing"])]);
}

#[test]
fn light_gcn_conforms() {
    conforms("light_gcn", &[("LightGCN", &["missing"])]);
}

#[test]
fn popularity_conforms_and_has_nothing_to_learn() {
    conforms("popularity", &[("Popularity", &["missing", "range", "fuzz", "gradients", "learns", "weights"])]);
}

#[test]
fn losses_conform() {
    let without_parameters: &[&str] = &["missing", "range", "fuzz"];
    conforms("losses", &[("BCEWithLogitsLoss", without_parameters), ("BPRLoss", without_parameters)]);
}

#[test]
fn trainers_conform() {
    conforms("trainers", &[("SimpleTrainer", &["missing"]), ("GATTrainer", &["missing"])]);
}

#[test]
fn evaluators_conform() {
    conforms("evaluators", &[("RankingEvaluator", &["missing"])]);
}

#[test]
fn movielens_conforms() {
    conforms("movielens", &[("MovielensDataLoader", &["missing"])]);
}

#[test]
fn graph_file_conforms() {
    conforms("graph_file", &[("GraphFileLoader", &["range", "catalog"])]);
}

/// The constructors of `nonconforming` with the one test that each fails; the `Good` ones fail none.
const BAD: &[(&str, &str)] = &[
    ("AbortsAtExit", "exit: crashed"),
    ("ClimbsUp", "learns: failed"),
    ("CountsCalls", "same-seed: failed"),
    ("CountsEvaluations", "same-seed: failed"),
    ("CountsInstances", "same-seed: failed"),
    ("DefaultOutsideItsRange", "schema: failed"),
    ("Detached", "gradients: failed"),
    ("DividesByDegree", "isolated-nodes: failed"),
    ("DividesByDeviation", "ties: failed"),
    ("DividesByEdges", "no-edges: failed"),
    ("DividesByUsers", "no-held-out: failed"),
    ("GivesDouble", "shapes: failed"),
    ("GoesOn", "cancel: failed"),
    ("HangsWithoutEdges", "no-edges: timed out"),
    ("HasAnUnusedWeight", "gradients: failed"),
    ("KeepsStateToItself", "weights: failed"),
    ("LeaksDescriptors", "cycles: failed"),
    ("LeaksHeldOutEdges", "splits: failed"),
    ("LeaksMemory", "cycles: failed"),
    ("LeaksThreads", "cycles: failed"),
    ("LeavesAFile", "files: failed"),
    ("LosesEdges", "whole-graph: failed"),
    ("MeanOfNothing", "empty-batch: failed"),
    ("Miscounts", "report: failed"),
    ("MoreThanOne", "metrics: failed"),
    ("NeverTheSame", "same-seed: failed"),
    ("NoisyInEvalMode", "eval-mode: failed"),
    ("NumbersItsWeights", "weights: failed"),
    ("OverflowsOnLargeFeatures", "finite: failed"),
    ("OverflowsOnLargeScores", "finite: failed"),
    ("PanicsOnOddNumbers", "fuzz: failed"),
    ("PanicsOnText", "garbage: failed"),
    ("PanicsOutsideItsRange", "range: failed"),
    ("PanicsWithoutParameter", "missing: failed"),
    ("PrintsToStandardOutput", "stdout: failed"),
    ("RanksKnownItems", "known-edges: failed"),
    ("RefusesDuplicates", "duplicate-edges: failed"),
    ("RefusesItsDefault", "defaults: failed"),
    ("RewardsMistakes", "learns: failed"),
    ("SeedsTheGenerator", "global-seed: failed"),
    ("SegfaultsOnOneNode", "one-node: crashed"),
    ("SetsTheDefaultType", "default-dtype: failed"),
    ("SetsTheThreads", "thread-counts: failed"),
    ("ShortCatalog", "catalog: failed"),
    ("ShufflesAnew", "same-seed: failed"),
    ("SleepsOn", "cancel: failed"),
    ("StandardisesNodes", "one-node: failed"),
    ("SwapsUsersAndItems", "shapes: failed"),
    ("TakesAllUsersForOne", "learns: failed"),
    ("TakesAnything", "unknown: failed"),
    ("TooFewNegatives", "negatives: failed"),
    ("TrainsOnNaN", "failing-parts: failed"),
    ("TwoFormulas", "forward-edges: failed"),
    ("UpsideDown", "ordering: failed"),
    ("WithholdsTheGraph", "passes-graph: failed"),
];

#[test]
fn every_bad_constructor_fails_its_test_and_no_other() {
    let sandbox = Sandbox::new().with_plugin("nonconforming");
    // Three children at a time: one of them waits for the end of a hang.
    let (said, report) = check(&sandbox, &["plugins/libnonconforming.so", "-j", "3", "--timeout", "20"]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let mut wrong = Vec::new();
    for (constructor, tests) in with_result(&report, &FAULTS) {
        let expected = BAD.iter().filter(|(bad, _)| *bad == constructor).map(|(_, test)| (*test).to_owned());
        let is_good = constructor.starts_with("Good") || constructor == "nonconforming";
        let expected: BTreeSet<_> = expected.collect();
        if expected != tests || expected.is_empty() != is_good {
            wrong.push(format!("{constructor}: expected {expected:?}, got {tests:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{report:#}", wrong.join("\n"));
    let names: Vec<_> = with_result(&report, &FAULTS).into_keys().collect();
    assert!(BAD.iter().all(|(name, _)| names.iter().any(|told| told == name)), "{names:?}");
}

#[test]
fn every_test_has_a_bad_constructor() {
    let (_, report) = check(&Sandbox::new(), &["losses", "--test", "note"]);
    assert_eq!(report["tests"].as_array().unwrap().len(), 1);
    let list = Sandbox::new().host(&["plugins", "check", "--list"]).stdout;
    let of_libraries = ["note", "open", "describe"];
    for name in list.lines().skip(2).filter_map(|line| line.split_whitespace().next()) {
        let has_one = BAD.iter().any(|(_, test)| test.split(':').next() == Some(name));
        assert!(has_one || of_libraries.contains(&name), "no bad constructor for `{name}`");
    }
}

/// A library of `tests/broken-plugins` that is bad as a whole: the faults of the library itself, and the report.
fn check_library(fixture: &str) -> (BTreeSet<String>, Value) {
    let sandbox = Sandbox::new();
    let name = if fixture == "aborting" { "aborting" } else { "nonconforming" };
    let file = sandbox.write(&format!("plugins/lib{name}.so"), std::fs::read(plugin_fixture(fixture)).unwrap());
    let (said, report) = check(&sandbox, &[file.to_str().unwrap()]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let mut faults = with_result(&report, &FAULTS);
    let of_library = faults.remove(name).unwrap();
    assert!(faults.values().all(BTreeSet::is_empty), "{report:#}");
    (of_library, report)
}

#[test]
fn a_library_that_takes_its_time_to_open() {
    let (faults, report) = check_library("slow_to_open");
    assert_eq!(faults, ["open: failed".to_owned()].into());
    // It works all the same, and is tested further.
    assert!(report["counts"]["passed"].as_u64().unwrap() > 10, "{report:#}");
}

#[test]
fn a_library_that_starts_a_thread_when_opened() {
    assert_eq!(check_library("starts_a_thread").0, ["open: failed".to_owned()].into());
}

#[test]
fn a_library_that_ends_the_process_when_opened() {
    let (faults, report) = check_library("aborting");
    assert_eq!(faults, ["open: crashed".to_owned()].into());
    assert!(report.to_string().contains("SIGABRT"), "{report:#}");
}

#[test]
fn a_refused_note_and_one_that_lies() {
    for (from, to, fault) in
        [("api=1.", "api=2.", "note: failed"), ("model=PanicsInEncode", "model=PanicsInEncoed", "describe: failed")]
    {
        let sandbox = Sandbox::new().with_note(from, to);
        let (said, report) = check(&sandbox, &["plugins/libfaulty.so"]);
        assert_eq!(said.code, Some(1), "{}", said.stderr);
        let faults: BTreeSet<_> = with_result(&report, &FAULTS).into_values().flatten().collect();
        assert_eq!(faults, [fault.to_owned()].into(), "{report:#}");
    }
}

#[test]
fn the_table_names_the_fault_and_the_command_that_shows_it_again() {
    let sandbox = Sandbox::new().with_plugin("nonconforming");
    let test =
        ["plugins", "check", "plugins/libnonconforming.so", "--constructor", "HasAnUnusedWeight", "--seed", SEED];
    let said = sandbox.host(&[&test[..], &["--test", "gradients"]].concat());
    said.is_error(1, &["libnonconforming.so does not conform: 1 failed"]);
    for part in
        ["nonconforming:HasAnUnusedWeight gradients: failed", "no gradient: unused", "--test gradients --seed 7"]
    {
        assert!(said.stdout.contains(part), "`{part}` is not in:\n{}", said.stdout);
    }
}

#[test]
fn a_case_of_fuzz_is_reproduced_by_its_seed() {
    let sandbox = Sandbox::new().with_plugin("nonconforming");
    let constructor = ["plugins/libnonconforming.so", "--constructor", "PanicsOnOddNumbers"];
    let (_, report) = check(&sandbox, &[&constructor[..], &["--test", "fuzz"]].concat());
    let failed = &report["tests"][0];
    let seed = failed["again"].as_str().unwrap().rsplit(' ').next().unwrap();
    assert!(failed["again"].as_str().unwrap().ends_with(&format!("--reproduce {seed}")), "{failed}");
    let (said, again) = check(&sandbox, &[&constructor[..], &["--reproduce", seed]].concat());
    assert_eq!(said.code, Some(1));
    assert_eq!(again["tests"].as_array().unwrap().len(), 1);
    assert_eq!(again["tests"][0]["reason"], failed["reason"]);
}

#[test]
fn parameters_from_the_author() {
    let sandbox = Sandbox::new();
    let wide = ["two_tower", "--test", "defaults", "--params"];
    let (said, _) = check(&sandbox, &[&wide[..], &[r#"{"hidden_dim": 3}"#]].concat());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let (said, report) = check(&sandbox, &[&wide[..], &[r#"{"hidden_dim": "wide"}"#]].concat());
    assert_eq!(said.code, Some(1), "{report:#}");
    sandbox.host(&["plugins", "check", "two_tower", "--params", "[]"]).is_error(2, &["--params", "a JSON object"]);
    sandbox.host(&["plugins", "check", "losses", "--params", "{}"]).is_error(2, &["choose it with --constructor"]);
}

#[test]
fn what_is_not_there() {
    let sandbox = Sandbox::new();
    sandbox.host(&["plugins", "check", "plugins/libgone.so"]).is_error(2, &["there is no file plugins/libgone.so"]);
    sandbox.host(&["plugins", "check", "gatt"]).is_error(2, &["did you mean `gat`?"]);
    let parts = ["there is no test `learn`; did you mean `learns`?", "one-node"];
    sandbox.host(&["plugins", "check", "gat", "--test", "learn"]).is_error(2, &parts);
    let parts = ["there is no constructor `GATT`; did you mean `GAT`?"];
    sandbox.host(&["plugins", "check", "gat", "--constructor", "GATT"]).is_error(2, &parts);
}

//! What `train --profile` adds to a run, and that it changes nothing else.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{has, ratings, result, GAT, TINY, TWO_TOWER};
use crate::support::Sandbox;

const PHASES: [&str; 7] = ["load", "forward", "loss", "backward", "step", "validate", "evaluate"];

/// Trains the tiny model with a profile; gives the run and what was said on standard error.
fn profiled(sandbox: &Sandbox, config: &str, more: &[&str]) -> (String, String) {
    let said = sandbox.host(&[&["train", "--profile", config], &TINY[..], more].concat());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    (said.stdout.trim_end().to_owned(), said.stderr)
}

/// The spans of a run's trace by thread, the outer before the inner.
fn spans(sandbox: &Sandbox, run: &str) -> BTreeMap<u64, Vec<Value>> {
    let mut spans = BTreeMap::<_, Vec<_>>::new();
    for event in sandbox.json(&format!("{run}/trace.json"))["traceEvents"].as_array().unwrap() {
        has(event, &["name", "ph", "pid", "tid"]);
        if event["ph"] == "X" {
            has(event, &["cat", "ts", "dur"]);
            spans.entry(event["tid"].as_u64().unwrap()).or_default().push(event.clone());
        }
    }
    spans
}

/// The names of the spans around every span, joined with `/`, and how often each path occurs. Panics where spans overlap.
fn paths(spans: &[Value]) -> BTreeMap<String, u64> {
    // Microseconds with three decimals: floating-point sums may differ by less than a nanosecond.
    let nanoseconds = |value: &Value| (value.as_f64().unwrap() * 1e3).round() as u64;
    let (mut around, mut paths) = (Vec::<(String, u64)>::new(), BTreeMap::new());
    for span in spans {
        let begin = nanoseconds(&span["ts"]);
        let end = begin + nanoseconds(&span["dur"]);
        while around.last().is_some_and(|(_, outer_end)| *outer_end <= begin) {
            around.pop();
        }
        let outer = around.last().map_or(String::new(), |(path, outer_end)| {
            assert!(end <= *outer_end, "{span} ends after {path}");
            format!("{path}/")
        });
        around.push((format!("{outer}{}", span["name"].as_str().unwrap()), end));
        *paths.entry(around.last().unwrap().0.clone()).or_default() += 1;
    }
    paths
}

fn sum(phases: &Value, what: &str) -> f64 {
    phases.as_object().unwrap().values().map(|phase| phase[what].as_f64().unwrap()).sum()
}

#[test]
fn a_profile_tells_the_phases_and_leaves_a_trace() {
    let sandbox = ratings();
    let (run, stderr) = profiled(&sandbox, GAT, &[]);
    let result = result(&sandbox, &run);
    let (profile, timing) = (&result["profile"], &result["timing"]);
    has(&profile["phases"], &PHASES);
    let seconds = |phase: &str| profile["phases"][phase]["total_s"].as_f64().unwrap();
    assert!(PHASES.iter().all(|phase| seconds(phase) > 0.0), "{profile:#}");
    assert!(sum(&profile["phases"], "self_s") <= timing["total_s"].as_f64().unwrap(), "{result:#}");
    assert!(seconds("load") <= timing["load_s"].as_f64().unwrap(), "{result:#}");
    assert!(seconds("evaluate") <= timing["evaluate_s"].as_f64().unwrap(), "{result:#}");

    let spans = spans(&sandbox, &run);
    assert_eq!(spans.keys().collect::<Vec<_>>(), [&1], "one thread trains");
    let paths = paths(&spans[&1]);
    for (path, n) in [
        ("load", 1),
        ("fit/epoch", 3),
        ("fit/epoch/forward", 3),
        ("fit/epoch/loss", 3),
        ("fit/epoch/backward", 3),
        ("fit/epoch/step", 3),
        ("fit/epoch/validate/forward", 3),
        ("evaluate/forward", 1),
    ] {
        assert_eq!(paths.get(path), Some(&n), "{path} in {paths:#?}");
    }
    assert_eq!(profile["trace"]["events"].as_u64().unwrap(), paths.values().sum::<u64>());
    assert_eq!(sum(&profile["phases"], "calls") as u64, paths.values().sum::<u64>());
    for part in [" phase ", "ms a call", "   validate"] {
        assert!(stderr.contains(part), "{stderr}");
    }
}

#[test]
fn the_tree_of_phases_adds_up() {
    let sandbox = ratings();
    let (run, _) = profiled(&sandbox, TWO_TOWER, &[]);
    let profile = &result(&sandbox, &run)["profile"];
    let seconds = |value: &Value| value.as_f64().unwrap();
    let mut phases: Vec<&Value> = profile["tree"].as_array().unwrap().iter().collect();
    let mut by_library = BTreeMap::<_, Vec<_>>::new();
    while let Some(phase) = phases.pop() {
        by_library.entry(phase["library"].as_str().unwrap()).or_default().push(phase["name"].as_str().unwrap());
        let Some(inside) = phase.get("inside") else { continue };
        let inside = inside.as_array().unwrap();
        let children: f64 = inside.iter().map(|phase| seconds(&phase["total_s"])).sum();
        let off = (seconds(&phase["total_s"]) - children - seconds(&phase["self_s"])).abs();
        assert!(off < 1e-6, "{off} in {phase:#}");
        phases.extend(inside);
    }
    assert!(by_library["host"].contains(&"fit") && by_library["trainers"].contains(&"epoch"), "{by_library:?}");
}

#[test]
fn without_the_flag_nothing_is_recorded_and_with_it_no_number_changes() {
    let sandbox = ratings();
    let plain = super::train(&sandbox, GAT, &[]);
    assert!(!sandbox.path(&plain).join("trace.json").exists());
    assert!(result(&sandbox, &plain).get("profile").is_none());
    let (profiled, _) = profiled(&sandbox, GAT, &[]);
    let weights = |run: &str| std::fs::read(sandbox.path(run).join("model.safetensors")).unwrap();
    assert_eq!(weights(&plain), weights(&profiled));
    assert_eq!(result(&sandbox, &plain)["metrics"], result(&sandbox, &profiled)["metrics"]);
}

/// Other authors' spans, from their threads too; what they forget to end ends with the span around it.
#[test]
fn spans_of_any_plugin_are_in_the_profile() {
    let sandbox = ratings().with_plugin("faulty");
    let settings = ["--plugin-dir", "plugins", "model.module=faulty:SpansAstray", "~model.params"];
    let said = sandbox.host(
        &[&["train", "--profile", TWO_TOWER, "trainer.params.num_epochs=2", "run_dir=run"], &settings[..]].concat(),
    );
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let result = result(&sandbox, "run");
    let phases = &result["profile"]["phases"];
    // Two epochs with a validation each, and the test.
    for name in ["rows", "forgotten", "late", "worker"] {
        assert_eq!(phases[name]["calls"], 5, "{name} in {phases:#}");
    }
    let endless = phases["endless"]["calls"].as_u64().unwrap();
    assert!((200..=250).contains(&endless), "{endless}: spans in spans without end are not recorded");
    let spans = spans(&sandbox, "run");
    let main = paths(&spans[&1]);
    assert_eq!(main.get("fit/epoch/forward/rows/forgotten"), Some(&2), "{main:#?}");
    assert_eq!(main.get("evaluate/forward/rows"), Some(&1), "{main:#?}");
    let workers: Vec<_> = spans.iter().filter(|(thread, _)| **thread != 1).flat_map(|(_, spans)| spans).collect();
    assert!(workers.len() == 5 && workers.iter().all(|span| span["cat"] == "faulty"), "{workers:?}");
}

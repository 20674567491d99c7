//! Compositions whose results were taken from Hydra 1.3.8 with OmegaConf 2.3.1 (`compose`, `version_base="1.3"`).
//!
//! One case a line in `hydra_cases.jsonl`: the files (on top of the tree `std` where it says so), the overrides, and the
//! resolved config or "error". Where ours differs from Hydra's, ours is written down and `differs` says why.

use serde_json::Value as Json;

use super::{compose_in, tree};

const CASES: &str = include_str!("hydra_cases.jsonl");

#[test]
fn configs_compose_as_hydra_composes_them() {
    let mut lines = CASES.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let standard = lines.next().unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in lines {
        count += 1;
        let got = compose_case(&standard["files"], &case);
        let expected = case["expected"].to_string();
        if got != expected {
            wrong.push(format!("{}: expected {expected}, got {got}", case["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 60);
}

/// The resolved config as JSON, in which the order of keys counts.
fn compose_case(standard: &Json, case: &Json) -> String {
    let base = if case["tree"] == "std" { standard.as_object() } else { None };
    let files = base.into_iter().chain(case["files"].as_object()).flatten();
    let folder = tree(files.map(|(name, text)| (name.as_str(), text.as_str().unwrap())));
    let overrides: Vec<&str> =
        case["overrides"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    match compose_in(folder.path(), case["config"].as_str().unwrap(), &overrides) {
        Ok(config) => config.root().to_json().to_string(),
        Err(_) => Json::from("error").to_string(),
    }
}

#[test]
fn every_difference_from_hydra_has_its_reason() {
    let reasons = CASES.lines().filter(|line| line.contains("\"differs\"")).count();
    assert!(reasons <= 12, "{reasons} cases differ from Hydra");
}

//! Compositions whose results were taken from Hydra 1.3.8 with OmegaConf 2.3.1 (`compose`, `version_base="1.3"`).
//!
//! One case a line in `hydra_cases.jsonl`: the files (on top of the tree `std` where it says so), the overrides, and the
//! resolved config or "error"; of a `sweep` the list of its jobs' configs. `tests/integration/hydra.rs` composes them with Hydra again. Where ours differs from Hydra's, ours is written down and `differs` says why.

use std::path::Path;

use serde_json::Value as Json;

use super::{compose_in, request, tree};
use crate::config::{compose, sweep, ConfigErrors, Request};

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
    assert!(count >= 450);
}

/// The resolved config as JSON, in which the order of keys counts.
fn compose_case(standard: &Json, case: &Json) -> String {
    let base = if case["tree"] == "std" { standard.as_object() } else { None };
    let files = base.into_iter().chain(case["files"].as_object()).flatten();
    let folder = tree(files.map(|(name, text)| (name.as_str(), text.as_str().unwrap())));
    let overrides: Vec<&str> =
        case["overrides"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let config = case["config"].as_str().unwrap();
    let composed = match case.get("sweep") {
        Some(_) => compose_jobs(folder.path(), config, &overrides),
        None => compose_in(folder.path(), config, &overrides).map(|config| config.root().to_json()),
    };
    composed.unwrap_or_else(|_| Json::from("error")).to_string()
}

/// A list of the jobs' configs.
fn compose_jobs(folder: &Path, config: &str, overrides: &[&str]) -> Result<Json, ConfigErrors> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let jobs = sweep::read(&overrides, folder)?.grid()?;
    let job = |(job_num, overrides): (usize, &Vec<String>)| {
        let overrides: Vec<&str> = overrides.iter().map(String::as_str).collect();
        let request = Request { job_num, ..request(folder, config, &overrides)? };
        compose(&request).map(|config| config.root().to_json())
    };
    jobs.iter().enumerate().map(job).collect::<Result<Vec<_>, _>>().map(Json::Array)
}

#[test]
fn every_difference_from_hydra_has_its_reason() {
    let reasons = CASES.lines().filter(|line| line.contains("\"differs\"")).count();
    assert!(reasons <= 16, "{reasons} cases differ from Hydra");
}

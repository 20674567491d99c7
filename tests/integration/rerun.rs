//! `train --rerun`: a run once more, from its directory alone, and what is told where something is not as it was.

use serde_json::Value;

use crate::support::{Said, Sandbox};

const CONFIG: &str = "configs/config.yaml";
const TINY: [&str; 6] = [
    "model.params.hidden_dim=8",
    "model.params.dropout=0.5",
    "trainer.params.num_epochs=3",
    "data.params.sources=[raw]",
    "threads=1",
    "run_dir=first",
];

/// A run in `first`, and nothing left of its configs.
fn one_run() -> Sandbox {
    let sandbox = Sandbox::new().with_ratings(40, 30);
    sandbox.train(&[&[CONFIG][..], &TINY].concat());
    std::fs::remove_dir_all(sandbox.path("configs")).unwrap();
    sandbox
}

fn rerun(sandbox: &Sandbox, arguments: &[&str]) -> Said {
    sandbox.host(&[&["train", "--rerun"], arguments].concat())
}

fn folder_of(said: &Said) -> String {
    said.is_fine();
    said.stdout.lines().last().unwrap().to_owned()
}

/// metrics.jsonl to the last bit, times aside.
fn numbers(sandbox: &Sandbox, run: &str) -> Vec<Value> {
    let mut epochs = sandbox.metrics(run);
    epochs.iter_mut().for_each(|epoch| drop(epoch.as_object_mut().unwrap().remove("seconds").unwrap()));
    epochs
}

/// Changes what a run says of itself.
fn change(sandbox: &Sandbox, change: impl FnOnce(&mut Value)) {
    let mut info = sandbox.json("first/run.json");
    change(&mut info);
    sandbox.write("first/run.json", info.to_string());
}

#[test]
fn an_untouched_run_is_repeated_to_the_last_bit() {
    let sandbox = one_run();
    let said = rerun(&sandbox, &["first", "--exact"]);
    let again = folder_of(&said);
    assert!(again.starts_with("runs/20"), "{again}");
    assert!(said.stderr.contains("the same as first, to the last digit of 3 epochs"), "{}", said.stderr);
    assert!(!said.stderr.contains("not as in"), "{}", said.stderr);
    assert_eq!(numbers(&sandbox, "first"), numbers(&sandbox, &again));
    let metrics = |run: &str| sandbox.json(&format!("{run}/result.json"))["metrics"].clone();
    assert_eq!(metrics("first"), metrics(&again));
    assert_eq!(sandbox.json(&format!("{again}/run.json"))["rerun_of"], "first");
    // A rerun is a run: it can be repeated, elsewhere, with other threads.
    let third = folder_of(&rerun(&sandbox, &[&again, "--exact", "run_dir=third", "threads=1"]));
    assert_eq!(third, "third");
    assert_eq!(numbers(&sandbox, "first"), numbers(&sandbox, "third"));
}

#[test]
fn overrides_change_a_rerun_but_no_exact_one() {
    let sandbox = one_run();
    let again = folder_of(&rerun(&sandbox, &["first", "seed=8", "trainer.params.num_epochs=2"]));
    assert_eq!(sandbox.metrics(&again).len(), 2);
    assert_eq!(sandbox.json(&format!("{again}/run.json"))["seed"], 8);
    assert_ne!(numbers(&sandbox, "first")[0], numbers(&sandbox, &again)[0]);
    rerun(&sandbox, &["first", "seed=8", "--exact"]).is_error(2, &["--exact repeats the run as it was", "`seed=8`"]);
    rerun(&sandbox, &["first", "trainer.params.num_epohcs=2"]).is_error(2, &["did you mean `num_epochs`"]);
    rerun(&sandbox, &["data"]).is_error(2, &["data is no run directory: it has no config.yaml"]);
    sandbox.host(&["train", "--exact", "first"]).is_error(2, &["--rerun"]);
}

#[test]
fn other_plugins_versions_and_seeds_are_told_and_not_exact() {
    let sandbox = one_run();
    change(&sandbox, |info| {
        info["versions"]["libtorch"] = "2.9.0".into();
        info["seed_meaning"] = 0.into();
        info["plugins"][0]["sha256"] = "0123456789abcdef".into();
        let gone = info["plugins"].as_array_mut().unwrap().pop().unwrap();
        assert_eq!(gone["name"], "two_tower");
    });
    let parts = [
        "libtorch: 2.9.0 then, 2.11.0 now",
        "what a seed means: 0 then, ",
        "the plugin `evaluators`: version 0.1.0 with SHA-256 0123456789ab then, ",
        "the plugin `two_tower`: not used then, ",
    ];
    let said = rerun(&sandbox, &["first"]);
    let again = folder_of(&said);
    let log = sandbox.read(&format!("{again}/train.log"));
    for part in parts {
        assert!(
            said.stderr.contains(&format!("warning: not as in first: {part}")) || said.stderr.contains(part),
            "{part}"
        );
        assert!(log.contains(part), "{log}");
    }
    std::fs::remove_dir_all(sandbox.path("runs")).unwrap();
    let said = rerun(&sandbox, &["first", "--exact"]);
    said.is_error(1, &[&["--exact: this would not be first again"], &parts[..]].concat());
    assert!(!sandbox.path("runs").exists(), "something was begun");
}

#[test]
fn other_data_are_told_and_nothing_is_fitted_to_them_in_an_exact_rerun() {
    let sandbox = one_run();
    let ratings = sandbox.read("data/raw/ml-100k/u.data");
    let (_, fewer) = ratings.split_once('\n').unwrap();
    sandbox.write("data/raw/ml-100k/u.data", fewer);
    let said = rerun(&sandbox, &["first"]);
    said.is_fine();
    assert!(said.stderr.contains("not as in first: the fingerprint of the data: "), "{}", said.stderr);
    let said = rerun(&sandbox, &["first", "--exact", "run_dir=exact"]);
    said.is_error(1, &["the fingerprint of the data: ", "bring back the data of the run"]);
    assert!(sandbox.metrics("exact").is_empty() && !sandbox.path("exact/result.json").exists());
}

#[test]
fn a_run_of_an_older_host_is_read() {
    let sandbox = one_run();
    change(&sandbox, |info| {
        for key in ["kernels", "seed_meaning", "init_from_sha256", "rerun_of"] {
            info.as_object_mut().unwrap().remove(key).unwrap();
        }
    });
    folder_of(&rerun(&sandbox, &["first", "--exact"]));
    // Without any, it is a rerun all the same, only nobody knows of what.
    std::fs::remove_file(sandbox.path("first/run.json")).unwrap();
    rerun(&sandbox, &["first", "--exact"]).is_error(1, &["first/run.json: ", "leave --exact out"]);
    let said = rerun(&sandbox, &["first"]);
    said.is_fine();
    assert!(said.stderr.contains("is not known"), "{}", said.stderr);
}

#[test]
fn numbers_that_are_not_the_same_are_found() {
    let sandbox = one_run();
    let text = sandbox.read("first/metrics.jsonl");
    let (before, after) = text.rsplit_once("\"val_loss\":0.").unwrap();
    sandbox.write("first/metrics.jsonl", format!("{before}\"val_loss\":0.1{after}"));
    rerun(&sandbox, &["first", "--exact"]).is_error(1, &["epoch 3 differs from that of first: val_loss 0.1"]);
}

#[test]
fn a_job_of_a_sweep_is_a_run_that_can_be_repeated() {
    let sandbox = Sandbox::new().with_ratings(40, 30);
    let said = sandbox.host(&[&["train", CONFIG, "-m"], &TINY[..5], &["seed=1,2", "sweep_dir=sweep"]].concat());
    assert_eq!(folder_of(&said), "sweep");
    let again = folder_of(&rerun(&sandbox, &["sweep/1", "--exact"]));
    assert_eq!(numbers(&sandbox, "sweep/1"), numbers(&sandbox, &again));
    assert_ne!(numbers(&sandbox, "sweep/0"), numbers(&sandbox, &again));
}

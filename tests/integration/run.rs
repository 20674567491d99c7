//! A run and what it leaves: the run directory (here), seeds and weights ([`repeatable`]), the trainers' parameters
//! ([`training`]), an interruption ([`interrupted`]), `--profile` ([`profile`]).

mod interrupted;
mod profile;
mod repeatable;
mod training;

use std::collections::BTreeMap;

use host::artifacts::weights;
use serde_json::Value;
use tch::Tensor;

use crate::support::{Said, Sandbox};

/// A tiny model and few epochs.
const TINY: [&str; 3] = ["model.params.hidden_dim=8", "trainer.params.num_epochs=3", "seed=7"];
const TWO_TOWER: &str = "configs/config.yaml";
const GAT: &str = "configs/config_gat.yaml";

fn ratings() -> Sandbox {
    Sandbox::new().with_ratings(40, 30)
}

/// Trains the tiny model of a config.
fn train(sandbox: &Sandbox, config: &str, more: &[&str]) -> String {
    sandbox.train(&[&[config][..], &TINY, more].concat())
}

fn result(sandbox: &Sandbox, run: &str) -> Value {
    sandbox.json(&format!("{run}/result.json"))
}

/// The weights in one of a run's files, by name.
fn weights(sandbox: &Sandbox, run: &str, file: &str) -> BTreeMap<String, Tensor> {
    weights::read(&sandbox.path(run).join(file)).unwrap().into_iter().collect()
}

/// A value of every epoch.
fn column(sandbox: &Sandbox, run: &str, name: &str) -> Vec<f64> {
    sandbox.metrics(run).iter().map(|epoch| epoch[name].as_f64().unwrap_or(f64::NAN)).collect()
}

#[track_caller]
fn has(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value.get(key).is_some(), "no `{key}` in {value:#}");
    }
}

#[test]
fn the_run_directory_is_what_the_design_says() {
    let sandbox = ratings();
    let said = sandbox.host(&[&["train", GAT], &TINY[..], &["++trainer.params.eval_every=2"]].concat());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(said.stdout.lines().count(), 1, "logs and progress go to standard error: {}", said.stdout);
    let run = said.stdout.trim_end();
    let name: Vec<_> = run.split('/').map(|part| part.split('-').map(str::len).collect::<Vec<_>>()).collect();
    assert_eq!(name, [vec![4], vec![4, 2, 2], vec![2, 2, 2]], "{run} is not runs/YYYY-MM-DD/HH-MM-SS");

    let mut files: Vec<_> =
        std::fs::read_dir(sandbox.path(run)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    let expected =
        ["config.yaml", "metrics.jsonl", "model.safetensors", "overrides.yaml", "result.json", "run.json", "train.log"];
    assert_eq!(files, expected);
    config_and_overrides(&sandbox, run);
    run_json(&sandbox, run);
    metrics_jsonl(&sandbox, run);
    result_json(&sandbox, run);
    the_log(&sandbox, run, &said);
}

fn config_and_overrides(sandbox: &Sandbox, run: &str) {
    let config: Value = serde_yaml::from_str(&sandbox.read(&format!("{run}/config.yaml"))).unwrap();
    assert_eq!(config["model"]["module"], "gat:GAT");
    assert_eq!(config["model"]["params"]["hidden_dim"], 8);
    assert_eq!(config["seed"], 7);
    assert_eq!(config["run_dir"], run, "resolved, not `${{now:...}}`");
    let overrides: Vec<String> = serde_yaml::from_str(&sandbox.read(&format!("{run}/overrides.yaml"))).unwrap();
    assert_eq!(overrides, [&TINY[..], &["++trainer.params.eval_every=2"]].concat());
}

fn run_json(sandbox: &Sandbox, run: &str) {
    let info = sandbox.json(&format!("{run}/run.json"));
    has(&info, &["started", "versions", "git", "plugins", "seed", "device", "threads", "data_fingerprint"]);
    has(&info["versions"], &["recsys_host", "plugin_api", "libtorch"]);
    assert_eq!(info["versions"]["libtorch"], plugin_api::LIBTORCH_VERSION);
    assert_eq!(info["seed"], 7);
    assert!(info["data_fingerprint"].is_string(), "{info:#}");
    let plugins = info["plugins"].as_array().unwrap();
    let mut names: Vec<_> = plugins.iter().map(|plugin| plugin["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["evaluators", "gat", "losses", "movielens", "trainers"]);
    for plugin in plugins {
        has(plugin, &["version", "path"]);
        let sha256 = plugin["sha256"].as_str().unwrap();
        assert!(sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit()), "{plugin:#}");
    }
}

fn metrics_jsonl(sandbox: &Sandbox, run: &str) {
    let epochs = sandbox.metrics(run);
    assert_eq!(epochs.len(), 3);
    for (index, epoch) in epochs.iter().enumerate() {
        assert_eq!(epoch["epoch"], index + 1);
        has(epoch, &["train_loss", "val_loss", "seconds", "val.auc", "val.ap"]);
        let keys: Vec<_> = epoch.as_object().unwrap().keys().take(4).collect();
        assert_eq!(keys, ["epoch", "train_loss", "val_loss", "seconds"]);
        // Every second epoch, and after the last.
        assert_eq!(epoch.get("val.ndcg@10").is_some(), index > 0, "{epoch}");
    }
}

fn result_json(sandbox: &Sandbox, run: &str) {
    let result = result(sandbox, run);
    has(&result, &["metrics", "timing", "memory", "best_epoch", "n_epochs", "interrupted"]);
    let metrics = ["test.auc", "test.ap", "test.recall@10", "test.ndcg@10", "test.hit@10", "test.mrr@10"];
    has(&result["metrics"], &metrics);
    has(&result["metrics"], &["test.precision@5", "test.map@20"]);
    for (name, value) in result["metrics"].as_object().unwrap() {
        assert!((0.0..=1.0).contains(&value.as_f64().unwrap()), "{name}: {value}");
    }
    for name in ["load_s", "epoch_s_median", "train_s", "evaluate_s", "total_s"] {
        assert!(result["timing"][name].as_f64().unwrap() > 0.0, "{name}");
    }
    assert!(result["memory"]["peak_rss_bytes"].as_u64().unwrap() > 1 << 20);
    assert_eq!(result["n_epochs"], 3);
    assert_eq!(result["interrupted"], false);
}

fn the_log(sandbox: &Sandbox, run: &str, said: &Said) {
    let log = sandbox.read(&format!("{run}/train.log"));
    for part in ["users", "movies", "gat:GAT", "epoch   3", "train_loss"] {
        assert!(log.contains(part), "{log}");
    }
    // The final table of metrics is for the reader of the terminal.
    for part in ["ndcg", "auc"] {
        assert!(said.stderr.contains(part), "{}", said.stderr);
    }
}

#[test]
fn a_run_directory_that_is_taken_gets_a_suffix() {
    let sandbox = ratings();
    let names = ["runs/taken", "runs/taken-1", "runs/taken-2"];
    for name in names {
        // As completed by a shell: the suffix must not lead into the first run.
        assert_eq!(train(&sandbox, TWO_TOWER, &["run_dir=runs/taken/", "trainer.params.num_epochs=1"]), name);
    }
    for name in names {
        assert_eq!(sandbox.metrics(name).len(), 1);
    }
}

#[test]
fn a_config_by_name_is_the_config_by_file() {
    let sandbox = ratings();
    let by_file = train(&sandbox, GAT, &["run_dir=runs/by_file"]);
    let by_name = sandbox.train(&[&["--config-name", "config_gat", "run_dir=runs/by_name"], &TINY[..]].concat());
    let config = |run: &str| sandbox.read(&format!("{run}/config.yaml")).replace(run, "");
    assert_eq!(config(&by_file), config(&by_name));
    assert_eq!(column(&sandbox, &by_file, "val_loss"), column(&sandbox, &by_name, "val_loss"));
}

#[test]
fn popularity_is_evaluated_without_training() {
    let sandbox = ratings();
    let run = sandbox.train(&["configs/config_popularity.yaml"]);
    assert!(sandbox.metrics(&run).is_empty());
    let result = result(&sandbox, &run);
    assert_eq!((result["n_epochs"].as_u64(), result["best_epoch"].as_u64()), (Some(0), None));
    has(&result["metrics"], &["test.auc", "test.ndcg@10"]);
    assert!(result["timing"]["epoch_s_median"].is_null());
    // Nothing to learn: epochs are refused with the cure.
    let said = sandbox.host(&["train", "configs/config_popularity.yaml", "trainer.params.num_epochs=2"]);
    said.is_error(1, &["no trainable parameters", "num_epochs"]);
}

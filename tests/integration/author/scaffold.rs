//! `plugins new`: every kind is written, built, tested and trained with, by an installed host.

use host::artifacts::weights;
use serde_json::Value;

use super::{authors_cargo, Installed};
use crate::broken::RAW_ONLY;
use crate::support::{plugin_dir, Sandbox};

/// Kind, name, library and constructor of each.
const KINDS: [(&str, &str, &str); 5] = [
    ("model", "my_model", "my_model:MyModel"),
    ("loss", "my_loss", "my_loss:MyLoss"),
    ("trainer", "my_trainer", "my_trainer:MyTrainer"),
    ("data_loader", "my_loader", "my_loader:MyLoader"),
    ("evaluator", "my_evaluator", "my_evaluator:MyEvaluator"),
];
const PLUGINS: &str = "target/debug";

/// All five, sharing a target folder so that the contract is compiled once.
fn scaffolded(host: &Installed) {
    for (kind, name, module) in KINDS {
        let folder = format!("crates/{name}");
        let said = host.does(&["plugins", "new", kind, name, "--path", &folder, "--target-dir", "target"]);
        assert!(said.contains(module), "{said}");
        cargo(host.sandbox, name, &["build"]);
        // Its own tests, and the contract by `plugins check`.
        cargo(host.sandbox, name, &["test"]);
    }
}

fn cargo(sandbox: &Sandbox, name: &str, arguments: &[&str]) {
    let mut cargo = authors_cargo();
    cargo.args(arguments).args(["--offline", "--quiet"]).env("RECSYS_HOST", sandbox.path("bin/recsys-host"));
    let output = cargo.current_dir(sandbox.path(&format!("crates/{name}"))).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "cargo {arguments:?} of {name}: {said}");
    assert!(!said.contains("warning"), "cargo {arguments:?} of {name}: {said}");
}

/// Trains with a crate's config; gives the run directory.
fn train(host: &Installed, name: &str, more: &[&str]) -> String {
    let config = format!("crates/{name}/configs/{name}.yaml");
    let data = match name {
        "my_loader" => "data.params.path=crates/my_loader/example.csv",
        _ => RAW_ONLY,
    };
    let stdout = host.does(&[&["train", &config, data, "--plugin-dir", PLUGINS], more].concat());
    stdout.trim_end().to_owned()
}

#[test]
fn every_kind_builds_passes_its_tests_and_trains() {
    let sandbox = Sandbox::new().with_ratings(60, 50);
    let host = Installed::in_sandbox(&sandbox);
    scaffolded(&host);
    assert!(!plugin_dir().join("libmy_model.so").exists(), "`plugins list` would show it to all users of the checkout");
    for (_, name, module) in KINDS {
        let run = train(&host, name, &["seed=3"]);
        let result = sandbox.json(&format!("{run}/result.json"));
        assert!(result["n_epochs"].as_u64() > Some(0), "{name}: {result}");
        let plugins = sandbox.json(&format!("{run}/run.json"))["plugins"].to_string();
        assert!(plugins.contains(&format!("\"{name}\"")), "{module} took no part: {plugins}");
    }
    the_model_learns_and_is_served(&host);
    what_the_others_do(&host);
    a_misspelt_parameter_is_told(&host);
}

fn the_model_learns_and_is_served(host: &Installed) {
    let sandbox = host.sandbox;
    let run = train(host, "my_model", &["seed=3", "trainer.params.learning_rate=0.05"]);
    let losses: Vec<_> = sandbox.metrics(&run).iter().map(|epoch| epoch["train_loss"].as_f64().unwrap()).collect();
    assert!(losses[losses.len() - 1] < 0.8 * losses[0], "{losses:?}");
    let auc = sandbox.json(&format!("{run}/result.json"))["metrics"]["test.auc"].as_f64().unwrap();
    assert!(auc > 0.65, "test.auc {auc}");
    let saved = weights::read(&sandbox.path(&run).join("model.safetensors")).unwrap();
    let mut shapes: Vec<_> = saved.iter().map(|(name, tensor)| (name.as_str(), tensor.size())).collect();
    shapes.sort_unstable();
    assert_eq!(shapes, [("item_bias", vec![45, 1]), ("items", vec![45, 32]), ("users", vec![54, 32])]);
    let stdout = host.does(&["recommend", &run, "--user", "103", "-k", "4", "--json", "--plugin-dir", PLUGINS]);
    assert_eq!(serde_json::from_str::<Vec<Value>>(&stdout).unwrap().len(), 4);
}

fn what_the_others_do(host: &Installed) {
    let metrics = |run: &str| host.sandbox.json(&format!("{run}/result.json"))["metrics"].clone();
    // The same split: the evaluator agrees with the shipped one.
    let own = metrics(&train(host, "my_evaluator", &["trainer.params.num_epochs=5"]));
    let shipped = train(
        host,
        "my_evaluator",
        &["trainer.params.num_epochs=5", "evaluator.module=evaluators:RankingEvaluator", "evaluator.params.k=[10]"],
    );
    for name in ["test.hit@10", "test.mrr@10"] {
        let [own, shipped] = [&own, &metrics(&shipped)].map(|metrics| metrics[name].as_f64().unwrap());
        assert!((own - shipped).abs() < 1e-9, "{name}: {own}, {shipped}");
    }
    assert_eq!(own.as_object().unwrap().len(), 2);
    // At 0 the focal loss is cross-entropy; the trainer takes the same steps as the shipped one.
    let losses = |run: &str| -> Vec<f64> {
        host.sandbox.metrics(run).iter().map(|epoch| epoch["train_loss"].as_f64().unwrap()).collect()
    };
    let few = "trainer.params.num_epochs=4";
    let entropy = losses(&train(host, "my_loss", &["loss.params.gamma=0", few]));
    let focal = losses(&train(host, "my_loss", &[few]));
    let own_trainer = losses(&train(host, "my_trainer", &[few]));
    assert_eq!((entropy.len(), own_trainer.len()), (4, 4));
    for (one, other) in entropy.iter().zip(&own_trainer) {
        assert!((one - other).abs() < 1e-4, "{entropy:?} {own_trainer:?}");
    }
    assert!(focal[0] < 0.5 * entropy[0], "{focal:?} {entropy:?}");
}

fn a_misspelt_parameter_is_told(host: &Installed) {
    let said =
        host.run(&["train", "crates/my_model/configs/my_model.yaml", "model.params.dims=3", "--plugin-dir", PLUGINS]);
    said.is_error(2, &["my_model:MyModel: unknown parameter `dims`", "did you mean `dim`?"]);
}

#[test]
fn what_cannot_be_written_is_refused_and_nothing_is_left() {
    let sandbox = Sandbox::new();
    let host = Installed::in_sandbox(&sandbox);
    let new = |arguments: &[&str]| host.run(&[&["plugins", "new"], arguments].concat());
    new(&["model", "My-Model"]).is_error(2, &["`My-Model`", "try `my_model`"]);
    new(&["model", "match"]).is_error(2, &["keyword of Rust", "try `my_match`"]);
    new(&["model", "gat"]).is_error(2, &["a crate of recsys-host, or one that it depends on, has this name"]);
    new(&["modle", "mine"]).is_error(2, &["did you mean `model`?", "data_loader"]);
    new(&["model", "mine", "--plugin-api", "nowhere"]).is_error(2, &["nowhere", "neither a version", "plugin-api"]);
    new(&["data_loader", "mine", "--plugin-api", "1.1"]).is_error(2, &["graph_data", "--plugin-api"]);
    assert!(!sandbox.path("mine").exists());
    sandbox.write("mine/kept.txt", "kept");
    new(&["model", "mine"]).is_error(2, &["mine is there already", "--path"]);
    assert_eq!(sandbox.read("mine/kept.txt"), "kept");
    let names: Vec<_> = std::fs::read_dir(sandbox.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().starts_with('.')), "{names:?}");
}

#[test]
fn a_registry_version_stands_in_the_manifest() {
    let sandbox = Sandbox::new();
    let host = Installed::in_sandbox(&sandbox);
    host.does(&["plugins", "new", "loss", "mine", "--plugin-api", "1.1"]);
    assert!(sandbox.read("mine/Cargo.toml").contains("plugin-api = \"1.1\"\n"));
    assert!(!sandbox.path("mine/Cargo.lock").exists(), "those of the checkout need not be those of the registry");
}

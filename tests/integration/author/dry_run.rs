//! `--dry-run`: everything is built, a batch pushed through, memory estimated; nothing is fetched and nothing left.

use serde_json::Value;

use crate::support::Sandbox;

/// Runs it; gives what it tells, and sees that nothing was left.
#[track_caller]
fn dry_run(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let said = sandbox.host(&[&["check"], arguments, &["--dry-run", "--json"]].concat());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    serde_json::from_str::<Value>(&said.stdout).unwrap()["dry_run"].clone()
}

fn n_weights(report: &Value) -> i64 {
    let numel =
        |weight: &Value| -> i64 { weight["shape"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).product() };
    report["weights"].as_array().unwrap().iter().map(numel).sum()
}

fn memory(report: &Value) -> u64 {
    report["memory"].as_object().unwrap().values().map(|bytes| bytes.as_u64().unwrap()).sum()
}

#[test]
fn every_shipped_config() {
    let sandbox = Sandbox::new();
    // Of MovieLens 100K's numbers of users and movies.
    let cases = [
        ("configs/config.yaml", Some(66_048)),
        ("configs/config_gat.yaml", Some(430_336)),
        ("configs/config_light_gcn.yaml", Some((943 + 1682) * 64 + 4)),
        ("configs/config_popularity.yaml", Some(0)),
    ];
    for (config, expected) in cases {
        let report = dry_run(&sandbox, &[config]);
        assert_eq!(Some(n_weights(&report)), expected, "{config}");
        assert_eq!(report["batch"]["share"], 1.0);
        assert!(report["without_gradient"].as_array().unwrap().is_empty(), "{config}: {report:#}");
        assert_eq!(report["loss"].is_null(), config.contains("popularity"), "{config}");
        assert!(memory(&report) > 50 << 20, "{config}: {report:#}");
    }
    assert!(!sandbox.path("runs").exists() && !sandbox.path("data").exists(), "something was left");
}

#[test]
fn what_it_says_to_people() {
    let sandbox = Sandbox::new();
    for command in ["check", "train"] {
        let said = sandbox.host(&[command, "configs/config_gat.yaml", "--dry-run"]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        let parts = [
            "a synthetic graph of 943 users, 1682 movies, 100000 edges",
            "nothing was fetched",
            "embeddings of movie",
            "[1682, 256]",
            "430336 weights",
            "loss 0.6",
            "backward done",
            "Adam's moments",
            "an estimate",
        ];
        for part in parts {
            assert!(said.stdout.contains(part), "`{part}` is not in:\n{}", said.stdout);
        }
    }
    assert!(!sandbox.path("runs").exists());
}

#[test]
fn large_data_are_scaled_down_and_their_weights_are_not() {
    let sandbox = Sandbox::new();
    let report = dry_run(&sandbox, &["configs/config_light_gcn.yaml", "data.params.env=32m"]);
    let share = report["batch"]["share"].as_f64().unwrap();
    assert!(share < 0.02, "{report:#}");
    assert_eq!(n_weights(&report), (200_948 + 84_432) * 64 + 4);
    let small = memory(&dry_run(&sandbox, &["configs/config_light_gcn.yaml", "data.params.env=1m"]));
    // 32 times the edges; the program itself stays as large as it is.
    assert!(memory(&report) > 5 * small, "{} {small}", memory(&report));
}

#[test]
fn a_loader_of_local_files_gives_its_own_data() {
    let sandbox = Sandbox::new().with_ratings(40, 30);
    let said =
        sandbox.host(&["load", "configs/config.yaml", "data.params.sources=[raw]", "--export", "graph.safetensors"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let report =
        dry_run(&sandbox, &["configs/config_gat.yaml", "data=graph_file", "data.params.path=graph.safetensors"]);
    assert!(
        report["batch"]["origin"].as_str().unwrap().contains("the data themselves: graph.safetensors"),
        "{report:#}"
    );
    let shapes = report["shapes"].to_string();
    assert!(shapes.contains("{\"name\":\"features of user\",\"shape\":[36,"), "{shapes}");
    let missing = ["check", "configs/config_gat.yaml", "--dry-run", "data=graph_file", "data.params.path=nowhere"];
    sandbox.host(&missing).is_error(1, &["graph_file:GraphFileLoader", "nowhere"]);
}

/// What only constructors and the batch itself can tell.
#[test]
fn faults_that_no_schema_knows() {
    let sandbox = Sandbox::new();
    let check = |arguments: &[&str]| sandbox.host(&[&["check", "--dry-run"], arguments].concat());
    check(&["configs/config.yaml", "data.params.val_ratio=0.6", "data.params.test_ratio=0.6"]).is_error(
        2,
        &["movielens:MovielensDataLoader", "leave nothing to train on", "key path: data.params.val_ratio"],
    );
    check(&["configs/config_light_gcn.yaml", "model.params.alpha=[1.0]"])
        .is_error(2, &["light_gcn:LightGCN", "layers need 4"]);
}

//! `check`, and `train`, which does the same first: all faults of all stages at once, each with its place and what is allowed.

use serde_json::Value;

use crate::support::Sandbox;

const SHIPPED: [&str; 4] = [
    "configs/config.yaml",
    "configs/config_gat.yaml",
    "configs/config_light_gcn.yaml",
    "configs/config_popularity.yaml",
];

/// A fault in every stage: an override, settings, an interpolation, a module, parameters by name, type and range.
fn faulty() -> Sandbox {
    let sandbox = Sandbox::new();
    let text = "\
defaults: [config, _self_]
sede: 3
seed: -1
model:
  params: {dropout: \"${modle.params.dropout}\", droput: 0.3}
loss: {module: losses:BPRLos}
trainer:
  params:
    learning_rate: fast
    num_epochs: 2.5
    patience: 0
";
    sandbox.write("configs/faulty.yaml", text);
    sandbox
}

const ARGUMENTS: [&str; 3] = ["configs/faulty.yaml", "evaluator.params.k=5", "nothing=1"];

#[test]
fn all_faults_of_all_stages_are_told_at_once() {
    let sandbox = faulty();
    let parts = [
        "10 faults in the config",
        "the config has no key `nothing`",
        "`${modle.params.dropout}` names a key that the config does not have",
        "unknown key `sede`",
        "did you mean `seed`?",
        "`seed` must be an integer from 0 on, this is `-1`",
        "configs/faulty.yaml:3:7",
        "two_tower:TwoTower: unknown parameter `droput`",
        "has no constructor `BPRLos`; did you mean `BPRLoss`?",
        "configs/faulty.yaml:6:",
        "trainers:SimpleTrainer: \"fast\" is no number",
        "allowed: number, at least 0.0; 0.001 by default",
        "2.5 is no integer",
        "allowed: integer, at least 0, in epochs; 100 by default",
        "0 is below the minimum, 1",
        "cure: write 1 or more",
        "evaluators:RankingEvaluator: 5 is no list",
        "key path: evaluator.params.k",
        "cure: write [5]",
    ];
    for command in ["check", "train"] {
        sandbox.host(&[&[command], &ARGUMENTS[..]].concat()).is_error(2, &parts);
        sandbox.host(&[&[command, "--dry-run"], &ARGUMENTS[..]].concat()).is_error(2, &parts);
    }
    assert!(!sandbox.path("runs").exists());
}

#[test]
fn every_fault_has_its_place_as_json() {
    let said = faulty().host(&[&["check", "--json"], &ARGUMENTS[..]].concat());
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 10, "{report:#}");
    for fault in faults {
        assert!(fault["key_path"].is_string() && fault["column"].is_u64() && fault["what"].is_string(), "{fault:#}");
        assert_eq!(fault["file"].is_string(), fault["line"].is_u64(), "of the command line neither: {fault:#}");
        let helps = ["choices", "allowed", "did_you_mean", "cure"].iter().any(|help| !fault[help].is_null());
        assert!(helps, "{fault:#}");
    }
    let learning_rate = faults.iter().find(|fault| fault["key_path"] == "trainer.params.learning_rate").unwrap();
    assert_eq!(
        (learning_rate["file"].as_str(), learning_rate["line"].as_u64()),
        (Some("configs/faulty.yaml"), Some(9))
    );
}

/// What follows from a fault is none: the option that is missing would have brought module and parameters.
#[test]
fn consequences_of_a_fault_are_not_told() {
    let sandbox = Sandbox::new();
    let said = sandbox.host(&["check", "configs/config.yaml", "model=gatt", "trainer.params.learning_rate=fast"]);
    said.is_error(2, &["2 faults in the config", "there is no config `gatt`", "\"fast\" is no number"]);
    let said = sandbox.host(&["check", "configs/config.yaml", "data=graph_file"]);
    said.is_error(2, &["the mandatory value `data.params.path` is missing"]);
    assert!(!said.stderr.contains("2 faults") && !said.stderr.contains("must be given"), "{}", said.stderr);
    let said = sandbox.host(&["check", "configs/config.yaml", "model.params.hidden_dim=${seed", "seed=x"]);
    said.is_error(2, &["2 faults in the config", "never closed with", "`seed` must be"]);
}

#[test]
fn a_config_in_which_nothing_is_wrong() {
    let sandbox = Sandbox::new();
    for config in SHIPPED {
        let said = sandbox.host(&["check", config]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{config}");
        for part in ["nothing wrong", "movielens:MovielensDataLoader", "evaluators:RankingEvaluator", "0.1.0"] {
            assert!(said.stdout.contains(part), "{}", said.stdout);
        }
        let said = sandbox.host(&["check", config, "--json"]);
        assert_eq!(
            serde_json::from_str::<Value>(&said.stdout).unwrap(),
            serde_json::json!({"faults": [], "dry_run": null})
        );
    }
    assert!(!sandbox.path("runs").exists() && !sandbox.path("data").exists());
}

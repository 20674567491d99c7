//! The typed config: what is read, and that all faults come in one report.

use std::path::PathBuf;

use super::compose_text;
use crate::config::experiment::{DataConfig, Device, ExperimentConfig};
use crate::config::{Config, Section};

const WHOLE: &str = "data: {module: 'movielens:MovielensDataLoader', params: {env: dev}}
model: {module: gat:GAT, params: {heads: 4}}
loss: {module: 'losses:BCEWithLogitsLoss'}
trainer: {module: trainers:GATTrainer, params: null}
evaluator: {module: evaluators:RankingEvaluator, params: {}}
";

fn config(text: &str, overrides: &[&str]) -> Config {
    compose_text(text, overrides).unwrap()
}

fn faults(text: &str, overrides: &[&str]) -> String {
    let folder_free = |text: String| text.lines().map(strip_folder).collect::<Vec<_>>().join("\n");
    folder_free(ExperimentConfig::from_config(&config(text, overrides)).unwrap_err().to_string())
}

/// `  --> /tmp/x/config.yaml:1:1` without the folder.
fn strip_folder(line: &str) -> String {
    match (line.strip_prefix("  --> /"), line.rfind('/')) {
        (Some(_), Some(slash)) => format!("  --> {}", &line[slash + 1..]),
        _ => line.to_owned(),
    }
}

#[test]
fn a_whole_experiment_is_read_with_its_defaults() {
    let experiment = ExperimentConfig::from_config(&config(WHOLE, &[])).unwrap();
    assert_eq!(experiment.data.module.to_string(), "movielens:MovielensDataLoader");
    assert_eq!(experiment.model.component.params, serde_json::json!({"heads": 4}));
    assert_eq!(experiment.loss.params, serde_json::json!({}));
    assert_eq!(experiment.trainer.params, serde_json::json!({}));
    assert_eq!(experiment.model.init_from, None);
    assert_eq!((experiment.settings.seed, experiment.settings.device), (42, Device::Auto));
    assert_eq!(experiment.settings.threads, None);
    assert_eq!(experiment.component(Section::Evaluator).key_path.to_string(), "evaluator");
}

#[test]
fn keys_that_no_file_lists_can_be_set() {
    let overrides = [
        "seed=18446744073709551615",
        "device=cuda:1",
        "threads=2",
        "run_dir=out",
        "plugin_path=[a,b]",
        "model.init_from=w.safetensors",
        "trainer.params.num_epochs=100",
        "loss.params.deep.er=1",
    ];
    let experiment = ExperimentConfig::from_config(&config(WHOLE, &overrides)).unwrap();
    assert_eq!(experiment.settings.seed, u64::MAX);
    assert_eq!(experiment.settings.device, Device::Cuda(1));
    assert_eq!(experiment.settings.threads, Some(2));
    assert_eq!(experiment.settings.run_dir, PathBuf::from("out"));
    let folders: Vec<_> = experiment.settings.plugin_path.into_iter().map(|folder| folder.path).collect();
    assert_eq!(folders, [PathBuf::from("a"), PathBuf::from("b")]);
    assert_eq!(experiment.model.init_from, Some(PathBuf::from("w.safetensors")));
    assert_eq!(experiment.trainer.params, serde_json::json!({"num_epochs": 100}));
    assert_eq!(experiment.loss.params, serde_json::json!({"deep": {"er": 1}}));
}

#[test]
fn threads_of_zero_or_null_are_all_cores() {
    for text in ["threads=0", "threads=null"] {
        let experiment = ExperimentConfig::from_config(&config(WHOLE, &[text])).unwrap();
        assert_eq!(experiment.settings.threads, None);
    }
}

#[test]
fn all_faults_come_together() {
    let text = "data: {module: movielens, parms: {}}
model: {module: gat:GAT, params: {heads: '???', deep: {x: '???'}}, init_form: x}
loss: {params: {}}
trainer: 3
sed: 1
seed: -1
device: gpu
threads: many
";
    let report = faults(text, &[]);
    for part in [
        "12 faults in the config",
        "unknown key `sed`\n  --> config.yaml:5:1\n    5 | sed: 1\n      | ^^^\n  key path: sed\n",
        "did you mean `seed`?",
        "unknown key `parms`\n  --> config.yaml:1:27",
        "did you mean `params`?",
        "`data.module` must be `library:Constructor`, this is `movielens`",
        "did you mean `init_from`?",
        "the mandatory value `model.params.heads` is missing\n  --> config.yaml:2:42",
        "the mandatory value `model.params.deep.x` is missing",
        "the section `loss` names no `module`",
        "the section `trainer` must be a mapping with `module` and `params`, this is an integer",
        "the section `evaluator` is missing",
        "`seed` must be an integer from 0 on, this is `-1`",
        "`device` must be a device, this is `gpu`",
        "`threads` must be a number of threads, this is `many`",
    ] {
        assert!(report.contains(part), "{part}\n---\n{report}");
    }
}

#[test]
fn loading_needs_the_data_alone() {
    let text = "data: {module: a:B}\nmodel: {module: '???'}\nseed: 3\n";
    let data = DataConfig::from_config(&config(text, &[])).unwrap();
    assert_eq!((data.data.module.to_string().as_str(), data.settings.seed), ("a:B", 3));
    assert!(DataConfig::from_config(&config("model: {}\n", &[])).is_err());
}

#[test]
fn a_missing_value_behind_interpolations_is_told_once() {
    let text = format!("{WHOLE}seed: ???\n").replace("heads: 4", "heads: '${seed}', other: 'x${seed}'");
    let report = faults(&text, &[]);
    assert_eq!(report.matches("is missing").count(), 1, "{report}");
    assert!(report.contains("the mandatory value `seed` is missing\n  --> config.yaml:6:7"), "{report}");
}

#[test]
fn the_origin_of_an_unlisted_parameter_is_its_mapping() {
    let config = config("model:\n  params:\n    dropuot: 0.5\n", &[]);
    assert!(config.origin_of("model.params.dropuot").to_string().ends_with("config.yaml:3:5"));
    assert!(config.origin_of("model.params.heads").to_string().ends_with("config.yaml:2:3"));
    assert!(config.origin_of("nothing.here").to_string().ends_with("config.yaml:1:1"));
}

#[test]
fn malformed_modules_are_refused() {
    for module in
        ["gat", "':GAT'", "'gat:'", "gat:GAT:x", "a b:C", "../gat:GAT", "lib/gat:GAT", "''", "3", "null", "[a]"]
    {
        let text = WHOLE.replace("module: gat:GAT", &format!("module: {module}"));
        assert!(faults(&text, &[]).contains("`model.module` must be `library:Constructor`"), "{module}");
    }
}

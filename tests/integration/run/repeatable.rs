//! One seed, one run: the same numbers again, whatever the number of threads; and weights that continue where they came from.

use serde_json::Value;

use super::{column, ratings, result, train, weights, GAT, TWO_TOWER};
use crate::support::Sandbox;

/// metrics.jsonl to the last digit, times aside.
fn numbers(sandbox: &Sandbox, run: &str) -> Vec<Value> {
    let mut epochs = sandbox.metrics(run);
    for epoch in &mut epochs {
        epoch.as_object_mut().unwrap().remove("seconds").unwrap();
    }
    epochs
}

/// With dropout, as configured.
fn a_seed_decides(config: &str) {
    let sandbox = ratings();
    let numbers = |more: &[&str]| numbers(&sandbox, &train(&sandbox, config, more));
    let first = numbers(&["threads=1", "model.params.dropout=0.5"]);
    assert_eq!(first, numbers(&["threads=1", "model.params.dropout=0.5"]));
    assert_ne!(first, numbers(&["threads=1", "model.params.dropout=0.5", "seed=8"]));
    assert_ne!(first, numbers(&["threads=1", "model.params.dropout=0.0"]), "dropout is not on in training");
}

#[test]
fn a_seed_decides_gat() {
    a_seed_decides(GAT);
}

#[test]
fn a_seed_decides_two_tower() {
    a_seed_decides(TWO_TOWER);
}

/// Tensors so large that libtorch divides the work: more than 32768 labels and many more features.
fn threads_do_not_matter(config: &str) {
    let sandbox = Sandbox::new().with_ratings(600, 150);
    let more = ["model.params.hidden_dim=32", "trainer.params.num_epochs=2"];
    let train = |threads: &str| train(&sandbox, config, &[&more[..], &[threads]].concat());
    let (one, two) = (train("threads=1"), train("threads=2"));
    assert_eq!(weights(&sandbox, &one, "model.safetensors"), weights(&sandbox, &two, "model.safetensors"));
    assert_eq!(result(&sandbox, &one)["metrics"], result(&sandbox, &two)["metrics"]);
    assert_eq!(numbers(&sandbox, &one), numbers(&sandbox, &two));
}

#[test]
fn threads_do_not_matter_to_gat() {
    threads_do_not_matter(GAT);
}

#[test]
fn threads_do_not_matter_to_two_tower() {
    threads_do_not_matter(TWO_TOWER);
}

#[test]
fn negatives_of_bpr_are_seeded_and_new_every_epoch() {
    let sandbox = ratings();
    let still = ["loss=bpr", "model.params.dropout=0.0", "trainer.params.learning_rate=0.0"];
    let run = train(&sandbox, TWO_TOWER, &still);
    let again = train(&sandbox, TWO_TOWER, &still);
    assert_eq!(numbers(&sandbox, &run), numbers(&sandbox, &again));
    // The weights stand still, so only the draw can change the loss.
    let losses = column(&sandbox, &run, "train_loss");
    assert!(losses[0] != losses[1] && losses[1] != losses[2], "{losses:?}");
}

#[test]
fn a_runs_own_weights_give_its_metrics() {
    for config in [GAT, TWO_TOWER] {
        let sandbox = ratings();
        let run = train(&sandbox, config, &[]);
        let init_from = format!("model.init_from={run}/model.safetensors");
        let again = train(&sandbox, config, &[&init_from, "trainer.params.num_epochs=0"]);
        assert_eq!(result(&sandbox, &run)["metrics"], result(&sandbox, &again)["metrics"]);
        let weights = |run: &str| weights(&sandbox, run, "model.safetensors");
        assert_eq!(weights(&run), weights(&again));
        // It did come from the file: fresh weights of the same seed are others.
        let fresh = train(&sandbox, config, &["trainer.params.num_epochs=0"]);
        assert_ne!(weights(&run), weights(&fresh));
    }
}

#[test]
fn weights_of_another_shape_are_refused_by_name() {
    let sandbox = ratings();
    let run = train(&sandbox, TWO_TOWER, &["trainer.params.num_epochs=0"]);
    let init_from = format!("model.init_from={run}/model.safetensors");
    let said = sandbox.host(&["train", TWO_TOWER, "model.params.hidden_dim=16", &init_from]);
    said.is_error(1, &["model.safetensors", "`user_tower.0.weight` is [8, 8] in the file, [16, 16] in the model"]);
    let said = sandbox.host(&["train", GAT, "model.params.hidden_dim=8", &init_from]);
    said.is_error(1, &["`convs.0.convs.<movie___rev_rates___user>.att` of the model is not in the file"]);
}

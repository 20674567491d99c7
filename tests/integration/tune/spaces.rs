//! Studies that cannot begin: every fault with its place, before any trial.

use super::{ratings, tune, DROPOUT};
use crate::support::{Said, Sandbox};

fn refused(more: &[&str]) -> (Sandbox, Said) {
    let sandbox = ratings();
    let said = sandbox.host(&[&["tune", "configs/config_gat.yaml"], more].concat());
    (sandbox, said)
}

#[test]
fn the_ends_of_a_space_are_checked_against_the_schemas() {
    let (sandbox, said) =
        refused(&["+sweeper=tpe", "model.params.dropout=interval(0,1.5)", "model.params.num_heads=choice(0,2)"]);
    said.is_error(
        2,
        &["2 faults", "1.5 is above the maximum", "0 is below the minimum", "model.params.dropout=interval(0,1.5)"],
    );
    assert!(!sandbox.path("studies").exists());
}

#[test]
fn bad_sections_are_told_with_all_their_faults() {
    let (sandbox, _) = refused(&[]);
    sandbox.write(
        "configs/bad.yaml",
        "defaults: [config_gat, _self_]\nsweeper:\n  smapler: {name: tpe}\n  pruner: {name: medain}\n  n_trials: none\n  metric: val.auc\n  \
         params: {model.params.dropout: 'intervall(0, 1)', model.params.num_heads: auto}\n",
    );
    let said = sandbox.host(&["tune", "configs/bad.yaml"]);
    said.is_error(
        2,
        &["did you mean `sampler`?", "did you mean `median`?", "`n_trials` is no whole number", "bad.yaml:3:"],
    );
    said.is_error(
        2,
        &[
            "did you mean `interval`?",
            "`model.params.num_heads` has no range to search: its schema states no upper end",
        ],
    );
    // `train` passes the section over.
    assert_eq!(sandbox.host(&["check", "configs/bad.yaml"]).code, Some(0));
}

#[test]
fn a_study_needs_a_space_a_metric_and_for_a_grid_an_end() {
    refused(&["+sweeper=tpe"]).1.is_error(2, &["there is nothing to search", "interval(0, 0.5)"]);
    refused(&[DROPOUT]).1.is_error(2, &["what is to be made best is not said", "++sweeper.metric=val.ndcg@10"]);
    refused(&["+sweeper=grid", DROPOUT]).1.is_error(2, &["of which a grid has no end", "range(START, STOP"]);
    refused(&["+sweeper=tpe", "model.params.dropuot=interval(0,1)"]).1.is_error(2, &["dropuot", "did you mean"]);
}

#[test]
fn a_metric_that_never_comes_fails_every_trial_with_those_there_are() {
    let sandbox = ratings();
    let said = tune(&sandbox, &["sweeper.metric=val.acu", "sweeper.n_trials=2", "++sweeper.study_name=none"]);
    said.is_error(1, &["no trial came to its end", "without `val.acu`", "val.auc"]);
    sandbox.host(&["tune", "best", "nnone"]).is_error(2, &["there is no study `nnone`", "did you mean `none`?"]);
    sandbox.host(&["tune", "best"]).is_error(1, &["no trial is complete yet"]);
}

#[test]
fn ranges_of_the_schemas_are_a_space_with_auto() {
    let sandbox = ratings();
    let said = sandbox.host(&[
        "tune",
        "configs/config_gat.yaml",
        "+sweeper=random",
        "sweeper.params=auto",
        "sweeper.n_trials=1",
        "sweeper.metric=val.auc",
        "trainer.params.num_epochs=1",
        "model.params.hidden_dim=8",
    ]);
    said.is_fine();
    for part in
        ["model.params.dropout in 0.0 to 1.0", "left out, for want of a range", "model.params.num_heads (no upper end)"]
    {
        assert!(said.stderr.contains(part), "`{part}` is not in\n{}", said.stderr);
    }
}

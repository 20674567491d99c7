//! What is wrong with a sweep is told before its first job starts, all of it together.

use super::{multirun, ratings};

#[test]
fn the_faults_of_all_jobs_are_told_together_each_once() {
    let sandbox = ratings();
    let said = multirun(
        &sandbox,
        &["model.params.dropout=0.5,2,-1", "seed=1,2", "loss=bce_with_logits,bpr", "data.params.evn=dev"],
    );
    said.is_error(
        2,
        &["3 faults in the config", "2 is above the maximum", "-1 is below the minimum", "did you mean `env`"],
    );
    assert_eq!(said.stderr.matches("is above the maximum").count(), 1, "{}", said.stderr);
    assert!(!sandbox.path("multirun").exists(), "something was begun");
}

#[test]
fn what_holds_for_the_whole_cannot_vary() {
    let sandbox = ratings();
    multirun(&sandbox, &["jobs=1,2", "run_dir=a,b"])
        .is_error(2, &["`jobs` holds for the whole sweep", "`run_dir` holds for the"]);
    multirun(&sandbox, &["seed=1,2", "repeat=2"]).is_error(2, &["the seeds are given twice"]);
    multirun(&sandbox, &["repeat=0"]).is_error(2, &["`repeat` must be a number of seeds from 1 on"]);
    multirun(&sandbox, &["model.params.dropout=interval(0,1)"])
        .is_error(2, &["varies over an interval", "recsys-host tune"]);
}

#[test]
fn one_run_has_no_use_for_the_words_of_several() {
    let sandbox = ratings();
    for (arguments, part) in [
        (&["repeat=5"][..], "add -m (--multirun)"),
        (&["jobs=2"], "add -m (--multirun)"),
        (&["--fresh"], "add -m (--multirun)"),
        (&["seed=1,2"], "-m"),
    ] {
        sandbox.host(&[&["train", super::CONFIG], arguments].concat()).is_error(2, &[part]);
    }
    // In a file they are there for the day when there are several.
    let config = sandbox.read("configs/config.yaml") + "\nrepeat: 3\njobs: 2\nsweep_dir: sweeps\n";
    sandbox.write("configs/config.yaml", config);
    sandbox.train(&[&[super::CONFIG][..], &super::TINY].concat());
    let sweep = super::folder_of(&multirun(&sandbox, &[]));
    assert_eq!(sweep, "sweeps");
    assert_eq!(super::csv(&sandbox, "sweeps/results.csv").len(), 3);
}

#[test]
fn a_dry_run_lists_the_jobs_and_runs_none() {
    let sandbox = ratings();
    let said = multirun(&sandbox, &["seed=1,2", "model.params.dropout=choice(0.1,0.2)", "--dry-run"]);
    said.is_fine();
    let lines: Vec<_> = said.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", said.stdout);
    assert_eq!(lines[1], "1  seed=1 model.params.dropout=0.2");
    assert!(!sandbox.path("multirun").exists());
}

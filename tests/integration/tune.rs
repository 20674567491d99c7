//! `tune`: studies through the real binary, on a tiny graph; [`spaces`] is what is refused.

mod spaces;

use std::process::Stdio;

use crate::support::{Said, Sandbox};

/// A tiny model, few epochs, a metric of every epoch.
const TINY: [&str; 7] = [
    "tune",
    "configs/config_gat.yaml",
    "+sweeper=tpe",
    "model.params.hidden_dim=8",
    "trainer.params.num_epochs=3",
    "sweeper.metric=val.auc",
    "sweeper.sampler.n_startup_trials=2",
];
const DROPOUT: &str = "model.params.dropout=interval(0, 0.5)";

fn ratings() -> Sandbox {
    Sandbox::new().with_ratings(40, 30)
}

fn tune(sandbox: &Sandbox, more: &[&str]) -> Said {
    sandbox.host(&[&TINY[..], &[DROPOUT], more].concat())
}

/// The rows of the report's table without the seconds that the trials took.
fn rows(sandbox: &Sandbox, study: &str) -> Vec<Vec<String>> {
    sandbox.host(&["tune", "report", study]).is_fine();
    let page = sandbox.read(&format!("studies/{study}/report.html"));
    let row = |line: &str| {
        let cells = line.split("<td>").skip(1).map(|cell| cell.split("</td>").next().unwrap_or_default().to_owned());
        cells.enumerate().filter(|(index, _)| *index != 4).map(|(_, cell)| cell).collect()
    };
    page.lines().filter(|line| line.starts_with("<tr class")).map(row).collect()
}

#[test]
fn a_study_goes_on_where_it_stopped_and_its_best_trial_trains() {
    let sandbox = ratings();
    let said = tune(&sandbox, &["++sweeper.study_name=whole", "sweeper.n_trials=6"]);
    said.is_fine();
    assert_eq!(said.stdout, "studies/whole/study.sqlite\n");
    for part in ["trial   5 of 6", "best 0.", "6 trials: ", "model.params.dropout"] {
        assert!(said.stderr.contains(part), "`{part}` is not in\n{}", said.stderr);
    }
    // The same in two sessions, and a third one that has nothing to do.
    for n_trials in ["sweeper.n_trials=3", "sweeper.n_trials=6", "sweeper.n_trials=6"] {
        tune(&sandbox, &["++sweeper.study_name=parts", n_trials]).is_fine();
    }
    let whole = rows(&sandbox, "whole");
    assert_eq!((whole.len(), &whole), (6, &rows(&sandbox, "parts")));

    // Another space is another study.
    let said = tune(&sandbox, &["++sweeper.study_name=whole", "model.params.num_heads=choice(1,2)"]);
    said.is_error(2, &["begun with another config", "+ model.params.num_heads in 1 | 2", "sweeper.study_name=NAME"]);

    sandbox.host(&["tune", "best", "whole", "-o", "best.yaml"]).is_fine();
    let text = sandbox.read("best.yaml");
    let value: f64 = text.split("val.auc ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let run = sandbox.train(&["best.yaml"]);
    assert!(!run.starts_with("studies"), "{run}");
    let found = sandbox.metrics(&run).iter().map(|epoch| epoch["val.auc"].as_f64().unwrap()).fold(0.0, f64::max);
    assert!((found - value).abs() < 1e-6, "{found} {value}");
    assert!(whole.iter().any(|row| row[2] == format!("{value:.4}")), "{value} {whole:?}");
}

#[test]
fn a_killed_study_ends_like_one_that_was_not() {
    let sandbox = ratings();
    let options = ["sweeper.n_trials=5", "trainer.params.num_epochs=30"];
    tune(&sandbox, &[&options[..], &["++sweeper.study_name=whole"]].concat()).is_fine();
    let arguments = [&TINY[..], &[DROPOUT], &options, &["++sweeper.study_name=killed"]].concat();
    for n_trials in [1, 3] {
        let mut child = sandbox.command().args(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = sandbox.path(&format!("studies/killed/trials/{n_trials:04}/metrics.jsonl"));
        while !std::fs::read_to_string(&begun).is_ok_and(|text| text.contains('\n')) {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // A child of the killed one may need a moment to die; until then the study is locked.
    let mut said = sandbox.host(&arguments);
    while said.stderr.contains("another process is tuning") {
        said = sandbox.host(&arguments);
    }
    said.is_fine();
    assert_eq!(rows(&sandbox, "killed"), rows(&sandbox, "whole"));
}

#[test]
fn a_pruned_trial_is_stopped_and_a_failed_one_does_not_end_the_study() {
    let sandbox = ratings();
    let (good, bad, broken) = (
        "{num_epochs: 4, learning_rate: 0.05}",
        "{num_epochs: 20000, learning_rate: 0.0}",
        "{num_epochs: 4, learning_rate: 1e30}",
    );
    let space = format!("trainer.params=choice({good},{bad},{broken},{good})");
    let said = sandbox.host(&[
        "tune",
        "configs/config_gat.yaml",
        "+sweeper=grid",
        "model.params.hidden_dim=8",
        "sweeper.metric=val_loss",
        "sweeper.direction=minimize",
        "++sweeper.pruner={name: median, n_startup_trials: 1, n_warmup_steps: 1}",
        &space,
    ]);
    said.is_fine();
    let rows = rows(&sandbox, "config_gat");
    let states: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(states[..2], ["complete", "pruned"], "{}", said.stderr);
    assert!(states[2].contains("failed") && states[2].contains("title="), "{}", states[2]);
    assert_eq!((states[3], states.len()), ("complete", 4));
    assert_eq!(rows[0][2], rows[3][2]);
    assert!(said.stderr.contains("pruned at epoch 2"), "{}", said.stderr);
    assert!(sandbox.metrics("studies/config_gat/trials/0001").len() < 20_000);
    assert!(!sandbox.path("studies/config_gat/trials/0001/result.json").exists());
}

#[test]
fn a_grid_is_all_of_it_also_side_by_side_and_the_report_needs_nothing_else() {
    let sandbox = ratings();
    let said = sandbox.host(&[
        "tune",
        "configs/config_gat.yaml",
        "+sweeper=grid",
        "sweeper.metric=val.auc",
        "sweeper.n_jobs=2",
        "trainer.params.num_epochs=2",
        "model.params.hidden_dim=4,8",
        "model.params.num_layers=range(1,3)",
        "loss=glob(*)",
    ]);
    said.is_fine();
    let mut points: Vec<_> = rows(&sandbox, "config_gat").iter().map(|row| row[4..].join(" ")).collect();
    assert_eq!((points[0].as_str(), points[7].as_str()), ("4 1 bce_with_logits", "8 2 bpr"));
    points.dedup();
    assert_eq!(points.len(), 8);
    let page = sandbox.read("studies/config_gat/report.html");
    for part in ["<!DOCTYPE html>", "History", "Importance", "Learning curves", "Slices", "Parallel", "num_layers"] {
        assert!(page.contains(part), "no {part}");
    }
    for (open, close) in
        [("<svg", "</svg>"), ("<section", "</section>"), ("<table", "</table>"), ("<figure", "</figure>")]
    {
        assert_eq!(page.matches(open).count(), page.matches(close).count(), "{open}");
        assert!(page.contains(open));
    }
    assert!(!page.contains("http") && !page.contains("<script") && !page.contains("NaN"), "{page}");
}

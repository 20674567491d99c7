//! `train -m`: the jobs of a sweep and what they leave (here), kills and other ends ([`stopped`]), faults before the first job
//! ([`refused`]).

mod refused;
mod stopped;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Said, Sandbox};

const CONFIG: &str = "configs/config.yaml";
/// A tiny model and one epoch.
const TINY: [&str; 4] =
    ["model.params.hidden_dim=8", "trainer.params.num_epochs=1", "data.params.sources=[raw]", "threads=1"];

fn ratings() -> Sandbox {
    Sandbox::new().with_ratings(40, 30)
}

fn multirun(sandbox: &Sandbox, arguments: &[&str]) -> Said {
    sandbox.host(&[&["train", CONFIG, "-m"], &TINY[..], arguments].concat())
}

/// The sweep's folder, which is the last line.
#[track_caller]
fn folder_of(said: &Said) -> String {
    said.is_fine();
    said.stdout.lines().last().unwrap().to_owned()
}

/// A table as rows of named cells.
fn csv(sandbox: &Sandbox, path: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(sandbox.path(path)).unwrap().deserialize().map(Result::unwrap).collect()
}

/// The events of a sweep's ledger, in order.
fn ledger(sandbox: &Sandbox, sweep: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(sandbox.path(&format!("{sweep}/ledger.jsonl"))).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn count(ledger: &[Value], event: &str) -> usize {
    ledger.iter().filter(|line| line["event"] == event).count()
}

/// metrics.jsonl to the last digit, times aside.
fn numbers(sandbox: &Sandbox, run: &str) -> Vec<Value> {
    let mut epochs = sandbox.metrics(run);
    for epoch in &mut epochs {
        epoch.as_object_mut().unwrap().remove("seconds").unwrap();
    }
    epochs
}

#[test]
fn a_grid_with_seeds_is_one_run_a_cell_and_seed() {
    let sandbox = ratings();
    let varied =
        ["model.params.dropout=0.0,0.5", "trainer.params.learning_rate=range(0.1,0.3,0.1)", "repeat=2", "seed=7"];
    let said = multirun(&sandbox, &varied);
    let sweep = folder_of(&said);
    assert!(sweep.starts_with("multirun/20"), "{sweep}");
    let rows = csv(&sandbox, &format!("{sweep}/results.csv"));
    let cells = |key: &str| rows.iter().map(|row| row[key].clone()).collect::<Vec<_>>();
    assert_eq!(cells("job"), ["0", "1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(cells("status"), ["finished"; 8]);
    assert_eq!(cells("seed"), ["7", "8", "7", "8", "7", "8", "7", "8"]);
    assert_eq!(cells("model.params.dropout"), ["0.0", "0.0", "0.0", "0.0", "0.5", "0.5", "0.5", "0.5"]);
    assert_eq!(cells("trainer.params.learning_rate"), ["0.1", "0.1", "0.2", "0.2", "0.1", "0.1", "0.2", "0.2"]);
    the_summary_is_of_the_results(&sandbox, &sweep, &rows);

    // A job is the run that its overrides describe, and a run directory like any other.
    let alone = sandbox.train(
        &[&[CONFIG][..], &TINY, &["model.params.dropout=0.5", "trainer.params.learning_rate=0.2", "seed=8"]].concat(),
    );
    assert_eq!(numbers(&sandbox, &alone), numbers(&sandbox, &format!("{sweep}/7")));
    let metrics = &sandbox.json(&format!("{alone}/result.json"))["metrics"];
    assert_eq!(metrics["test.auc"].as_f64().unwrap().to_string(), rows[7]["test.auc"]);
    let overrides: Vec<String> = serde_yaml::from_str(&sandbox.read(&format!("{sweep}/7/overrides.yaml"))).unwrap();
    assert!(overrides.contains(&"model.params.dropout=0.5".to_owned()), "{overrides:?}");
    sandbox.host(&["evaluate", &format!("{sweep}/7")]).is_fine();
}

fn the_summary_is_of_the_results(sandbox: &Sandbox, sweep: &str, rows: &[BTreeMap<String, String>]) {
    let number = |text: &String| text.parse::<f64>().unwrap();
    let summary = csv(sandbox, &format!("{sweep}/summary.csv"));
    assert_eq!(summary.len(), 4);
    for (row, of_row) in summary.iter().zip(rows.chunks(2)) {
        assert_eq!(row["n"], "2");
        assert_eq!(row["model.params.dropout"], of_row[0]["model.params.dropout"]);
        let (one, two) = (number(&of_row[0]["test.auc"]), number(&of_row[1]["test.auc"]));
        let near = |name: &str, expected: f64| assert!((number(&row[name]) - expected).abs() < 1e-6, "{name}: {row:?}");
        let std = (one - two).abs() / 2.0_f64.sqrt();
        near("test.auc_mean", (one + two) / 2.0);
        near("test.auc_std", std);
        // Student's t with one degree of freedom.
        near("test.auc_ci95_high", (one + two) / 2.0 + 12.706205 * std / 2.0_f64.sqrt());
        near("test.auc_ci95_low", (one + two) / 2.0 - 12.706205 * std / 2.0_f64.sqrt());
    }
}

#[test]
fn jobs_at_a_time_share_the_cores_and_give_the_same_numbers() {
    let sandbox = ratings();
    let varied = ["seed=1,2,3", "threads=null"];
    let one = folder_of(&multirun(&sandbox, &varied));
    let two = folder_of(&multirun(&sandbox, &[&varied[..], &["jobs=2"]].concat()));
    assert_ne!(one, two, "a finished sweep is not gone on with");
    let cores = std::thread::available_parallelism().unwrap().get();
    for job in 0..3 {
        assert_eq!(numbers(&sandbox, &format!("{one}/{job}")), numbers(&sandbox, &format!("{two}/{job}")));
        let threads = |sweep: &str| sandbox.json(&format!("{sweep}/{job}/run.json"))["threads"].as_u64().unwrap();
        assert_eq!((threads(&one), threads(&two)), (cores as u64, (cores as u64 / 2).max(1)));
    }
    // The cores are shared out only where the config does not say otherwise.
    let said = multirun(&sandbox, &["seed=1,2", "jobs=2", "threads=1"]);
    assert_eq!(sandbox.json(&format!("{}/0/run.json", folder_of(&said)))["threads"], 1);
}

#[test]
fn a_failing_job_does_not_end_the_sweep() {
    let sandbox = ratings();
    let said = multirun(&sandbox, &["trainer.params.num_epochs=3", "trainer.params.learning_rate=0.1,1e38,0.2"]);
    said.is_error(
        1,
        &["job 1 failed (trainer.params.learning_rate=1e38)", "1 of 3 jobs failed", "train --resume multirun/"],
    );
    let sweep = said.stdout.lines().last().unwrap();
    let rows = csv(&sandbox, &format!("{sweep}/results.csv"));
    let cells = |key: &str| rows.iter().map(|row| row[key].clone()).collect::<Vec<_>>();
    assert_eq!(cells("status"), ["finished", "failed", "finished"]);
    let ledger = ledger(&sandbox, sweep);
    let failure = ledger.iter().find(|line| line["event"] == "failed").unwrap();
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains("trainers:SimpleTrainer") && !message.contains("run directory"), "{message}");
    assert_eq!(failure["code"], 1);
    assert!(said.stderr.contains(message.lines().next().unwrap()), "{}", said.stderr);

    // Resumed, what failed is run again, and nothing else.
    let again = sandbox.host(&["train", "--resume", sweep]);
    again.is_error(1, &["1 of 3 jobs failed"]);
    let ledger = self::ledger(&sandbox, sweep);
    assert_eq!((count(&ledger, "started"), count(&ledger, "finished"), count(&ledger, "failed")), (4, 2, 2));
    assert!(sandbox.path(&format!("{sweep}/1.attempt-1/train.log")).is_file());
}

#[test]
fn new_jobs_join_a_sweep_and_old_ones_are_not_run_again() {
    let sandbox = ratings();
    let sweep = folder_of(&multirun(&sandbox, &["seed=1,2"]));
    let said = multirun(&sandbox, &["seed=2,3,1", "--resume", &sweep]);
    assert_eq!(folder_of(&said), sweep);
    let rows = csv(&sandbox, &format!("{sweep}/results.csv"));
    assert_eq!(rows.iter().map(|row| row["seed"].as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(count(&ledger(&sandbox, &sweep), "started"), 3);
    let said = multirun(&sandbox, &["seed=8,9", "--resume", &sweep]);
    said.is_error(2, &["none of these 2 jobs is in this sweep"]);
}

#[test]
fn the_same_jobs_are_known_again_where_the_time_is_in_the_config() {
    let sandbox = ratings();
    // Another time, other text; the same job.
    let varied = ["seed=1,2", "sweep_dir='sweeps/${now:%H-%M-%S-%f}'"];
    let first = folder_of(&multirun(&sandbox, &varied));
    let said = multirun(&sandbox, &[&varied[..], &["--resume"]].concat());
    assert_eq!(folder_of(&said), first, "{}", said.stderr);
    assert_eq!(count(&ledger(&sandbox, &first), "started"), 2);
    assert_ne!(folder_of(&multirun(&sandbox, &[&varied[..], &["--fresh"]].concat())), first);
    let said = multirun(&sandbox, &["seed=4,5", varied[1], "--resume"]);
    said.is_error(2, &["there is no sweep of exactly these 2 jobs below sweeps", "--resume sweeps/"]);
}

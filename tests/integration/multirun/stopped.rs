//! SIGKILL, Ctrl-C, a second host: what is done stays done, and what is not is done once more.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use super::{count, csv, folder_of, ledger, numbers, ratings, CONFIG};
use crate::support::Sandbox;

/// Long enough to be met while they run.
const LONGER: [&str; 5] = [
    "model.params.hidden_dim=8",
    "trainer.params.num_epochs=40",
    "data.params.sources=[raw]",
    "sweep_dir=sweep",
    "threads=1",
];
const TWELVE: [&str; 3] = ["model.params.dropout=0.0,0.5", "trainer.params.learning_rate=0.01,0.1", "seed=range(3)"];

fn start(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let mut command = sandbox.command();
    command.args(["train"]).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
}

fn wait_until(child: &mut Child, is_so: impl Fn() -> bool) {
    while !is_so() {
        assert!(child.try_wait().unwrap().is_none(), "the sweep ended before");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The job that a killed host leaves half done: started last, and without a result.
fn half_done(sandbox: &Sandbox) -> Option<String> {
    let ledger = ledger(sandbox, "sweep");
    let last = ledger.last()?;
    let job = last["job"].to_string();
    let is_half = last["event"] == "started" && !sandbox.path(&format!("sweep/{job}/result.json")).exists();
    is_half.then_some(job)
}

/// How many epochs a job of the sweep has told.
fn epochs_of(sandbox: &Sandbox, job: &serde_json::Value) -> usize {
    std::fs::read_to_string(sandbox.path(&format!("sweep/{job}/metrics.jsonl"))).map_or(0, |text| text.lines().count())
}

/// xorshift: which moments, by a seed that is told.
fn random(state: &mut u64, below: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % below
}

#[test]
fn killed_three_times_at_random_a_sweep_of_twelve_ends_with_the_same_results() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("RECSYS_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(now | 1);
    println!("RECSYS_TEST_SEED={seed}");
    let mut state = seed;
    let sandbox = ratings();
    let command = [&[CONFIG, "-m"], &LONGER[..], &TWELVE].concat();
    // The same command again, asked to resume, and from the folder alone.
    let ways = [command.clone(), [&command[..], &["--resume"]].concat(), vec!["--resume", "sweep"]];
    let mut lost: Vec<String> = Vec::new();
    for way in [&command, &ways[0], &ways[1]] {
        let before = ledger(&sandbox, "sweep");
        let target = count(&before, "finished") + random(&mut state, 3) as usize;
        let n_epochs = random(&mut state, 20) as usize;
        let mut host = start(&sandbox, way);
        wait_until(&mut host, || {
            let ledger = ledger(&sandbox, "sweep");
            // A job of this host's, not one that a former one left behind.
            let is_running =
                count(&ledger, "finished") >= target && count(&ledger, "started") > count(&before, "started");
            is_running && n_epochs <= epochs_of(&sandbox, &ledger.last().unwrap()["job"])
        });
        std::thread::sleep(Duration::from_millis(random(&mut state, 20)));
        host.kill().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&host.wait().unwrap()), Some(9), "it ended before");
        // Its child ends with it.
        std::thread::sleep(Duration::from_millis(50));
        lost.extend(half_done(&sandbox));
    }
    let said = sandbox.host(&[&["train"], &ways[2][..]].concat());
    assert_eq!(folder_of(&said), "sweep");
    each_job_ended_once(&sandbox, &lost);

    let fresh = sandbox.host(&[&["train"], &command[..], &["--fresh"]].concat());
    assert_eq!(folder_of(&fresh), "sweep-1");
    for job in 0..12 {
        let of = |sweep: &str| sandbox.json(&format!("{sweep}/{job}/result.json"))["metrics"].clone();
        assert_eq!(of("sweep"), of("sweep-1"), "job {job}, seed {seed}");
        assert_eq!(numbers(&sandbox, &format!("sweep/{job}")), numbers(&sandbox, &format!("sweep-1/{job}")));
    }
    let untimed = |sweep: &str| {
        let mut rows = csv(&sandbox, &format!("{sweep}/results.csv"));
        rows.iter_mut().for_each(|row| ["total_s", "run_dir"].iter().for_each(|key| drop(row.remove(*key))));
        rows
    };
    assert_eq!(untimed("sweep"), untimed("sweep-1"));
    assert_eq!(sandbox.read("sweep/summary.csv"), sandbox.read("sweep-1/summary.csv"));
}

/// Started once more than it was killed, and finished once.
fn each_job_ended_once(sandbox: &Sandbox, lost: &[String]) {
    let ledger = ledger(sandbox, "sweep");
    for job in 0..12 {
        let of_job = |event: &str| ledger.iter().filter(|line| line["job"] == job && line["event"] == event).count();
        let n_lost = lost.iter().filter(|lost| **lost == job.to_string()).count();
        assert_eq!((of_job("started"), of_job("finished")), (1 + n_lost, 1), "job {job} of {ledger:#?}, lost {lost:?}");
    }
    let rows = csv(sandbox, "sweep/results.csv");
    assert_eq!(rows.iter().filter(|row| row["status"] == "finished").count(), 12);
}

#[test]
fn a_result_that_its_host_had_no_time_to_note_is_not_computed_again() {
    let sandbox = ratings();
    let command = [&["train", CONFIG, "-m", "seed=1,2"], &LONGER[..], &["trainer.params.num_epochs=1"]].concat();
    sandbox.host(&command).is_fine();
    let text = sandbox.read("sweep/ledger.jsonl");
    // As if it had been killed while it wrote the last line.
    sandbox.write("sweep/ledger.jsonl", &text[..text.len() - 20]);
    let before = sandbox.read("sweep/1/train.log");
    let said = sandbox.host(&[&command[..], &["--resume"]].concat());
    assert_eq!(folder_of(&said), "sweep");
    assert_eq!(sandbox.read("sweep/1/train.log"), before);
    let ledger = ledger(&sandbox, "sweep");
    assert_eq!((count(&ledger, "started"), count(&ledger, "finished")), (2, 2));
}

#[test]
fn ctrl_c_stops_after_the_epoch_and_the_sweep_can_go_on() {
    let sandbox = ratings();
    let long = ["trainer.params.num_epochs=100000", "seed=1,2,3", "jobs=2"];
    let mut host = start(&sandbox, &[&[CONFIG, "-m"], &LONGER[..], &long].concat());
    let begun = |job: u32| {
        std::fs::read_to_string(sandbox.path(&format!("sweep/{job}/metrics.jsonl")))
            .is_ok_and(|text| text.contains('\n'))
    };
    wait_until(&mut host, || begun(0) && begun(1));
    // Meanwhile no other host may work there.
    let other = sandbox.host(&["train", "--resume", "sweep"]);
    other.is_error(1, &["sweep: another host works on this sweep (process ", "--fresh"]);
    signal(&host, "INT");
    assert_eq!(host.wait().unwrap().code(), Some(130));
    let told = ledger(&sandbox, "sweep");
    assert_eq!((count(&told, "started"), count(&told, "interrupted")), (2, 2), "{told:#?}");
    // What was learned so far is there.
    assert!(sandbox.path("sweep/0/model.safetensors").exists() && !sandbox.path("sweep/2").exists());
    assert_eq!(sandbox.json("sweep/0/result.json")["interrupted"], true);
    let rows = csv(&sandbox, "sweep/results.csv");
    assert_eq!(
        rows.iter().map(|row| row["status"].as_str()).collect::<Vec<_>>(),
        ["interrupted", "interrupted", "pending"]
    );
}

//! Ctrl-C: the epoch is finished, what was learned is saved, the exit code is 130.

use std::process::{Child, Command, Stdio};

use super::{ratings, result, weights, GAT};
use crate::support::Sandbox;

/// As the terminal does on Ctrl-C; by the shell, which every system has.
fn interrupt(child: &Child) {
    let sent = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status();
    assert!(sent.unwrap().success());
}

/// Waits until the run has reported an epoch.
fn wait_for_an_epoch(sandbox: &Sandbox, child: &mut Child) {
    let metrics = sandbox.path("runs/long/metrics.jsonl");
    while !std::fs::read_to_string(&metrics).is_ok_and(|text| text.contains('\n')) {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before its first epoch did");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn ctrl_c_finishes_the_epoch_saves_and_exits_130() {
    let sandbox = ratings();
    let mut command = sandbox.command();
    command.args(["train", GAT, "run_dir=runs/long", "trainer.params.num_epochs=100000", "model.params.hidden_dim=8"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Read while it runs, or it would stop at a full pipe.
    let stderr = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || std::io::read_to_string(stderr).unwrap());
    wait_for_an_epoch(&sandbox, &mut child);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let stderr = reader.join().unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("interrupted"), "{stderr}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "runs/long\n");

    let epochs = sandbox.metrics("runs/long");
    let result = result(&sandbox, "runs/long");
    assert_eq!(result["interrupted"], true);
    assert_eq!(result["n_epochs"], epochs.len());
    assert!(epochs.len() < 100_000);
    assert!(result["metrics"]["test.auc"].is_number());
    let names = |file: &str| weights(&sandbox, "runs/long", file).into_keys().collect::<Vec<_>>();
    assert_eq!(names("model.safetensors"), names("checkpoints/last.safetensors"));

    // What it left is a run like any other.
    let said = sandbox.host(&["evaluate", "runs/long"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&said.stdout).unwrap(), result["metrics"]);
}

//! Run directories that cannot be written, full disks, weights that do not fit, folders that are no run.

use std::process::Command;

use super::{fails, Said, Sandbox, RAW_ONLY};
use crate::support::host_binary;

const CONFIG: &str = "configs/config.yaml";

/// Runs the host so that no file can grow beyond `blocks` of 512 bytes. Writing fails with EFBIG there, as it does with
/// ENOSPC on a full disk.
#[track_caller]
fn fails_on_full_disk(sandbox: &Sandbox, blocks: u32, arguments: &[&str], parts: &[&str]) -> Said {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    // The settings of a host's command, for a shell.
    let host = sandbox.command();
    let mut shell = Command::new("sh");
    shell.current_dir(host.get_current_dir().unwrap());
    for (name, value) in host.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.env("RUST_BACKTRACE", "1");
    let said = Said::from(shell.args(["-c", &script, "sh"]).arg(host_binary()).args(arguments).output().unwrap());
    said.is_error(1, &[&["File too large"], parts].concat());
    said.is_plain();
    sandbox.holds_nothing_half_written();
    said
}

/// Ratings with their graph in the cache, so that only the run is written.
fn loaded() -> Sandbox {
    let sandbox = Sandbox::new().with_ratings(40, 30);
    let said = sandbox.host(&["load", CONFIG, RAW_ONLY]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    sandbox
}

#[test]
fn a_run_directory_below_a_file() {
    let sandbox = Sandbox::new().with_ratings(40, 30);
    sandbox.write("file", "");
    let parts = ["file: is a file, not a folder", "choose another with run_dir=PATH"];
    fails(&sandbox, &["train", CONFIG, RAW_ONLY, "run_dir=file/run"], 1, &parts);
    fails(&sandbox, &["train", CONFIG, RAW_ONLY, "run_dir=file/deeper/run"], 1, &["file/deeper: Not a directory"]);
    assert_eq!(sandbox.read("file"), "");
}

#[test]
fn a_disk_too_full_for_the_weights() {
    let sandbox = loaded();
    let arguments =
        ["train", CONFIG, RAW_ONLY, "trainer.params.num_epochs=2", "model.params.hidden_dim=64", "run_dir=run"];
    fails_on_full_disk(&sandbox, 40, &arguments, &["error: run/model.safetensors: File too large"]);
    assert!(!sandbox.path("run/model.safetensors").exists() && !sandbox.path("run/result.json").exists());
    assert_eq!(sandbox.metrics("run").len(), 2);
    // The run says of itself that it did not finish.
    fails(&sandbox, &["evaluate", "run"], 1, &["run/model.safetensors: the run has no weights; it did not finish"]);
}

#[test]
fn a_disk_too_full_for_the_metrics() {
    let sandbox = loaded();
    let arguments = [
        "train",
        CONFIG,
        RAW_ONLY,
        "trainer.params.num_epochs=40",
        "trainer.params.eval_every=1",
        "model.params.hidden_dim=64",
        "run_dir=run",
    ];
    fails_on_full_disk(&sandbox, 6, &arguments, &["run/metrics.jsonl: "]);
    let metrics = sandbox.metrics("run");
    assert!((1..40).contains(&metrics.len()), "{} epochs", metrics.len());
    assert!(!sandbox.path("run/model.safetensors").exists());
}

#[test]
fn a_disk_too_full_for_the_config() {
    let sandbox = loaded();
    fails_on_full_disk(&sandbox, 0, &["train", CONFIG, RAW_ONLY, "run_dir=run"], &["error: run/config.yaml: "]);
    assert_eq!(std::fs::read_dir(sandbox.path("run")).unwrap().count(), 0);
}

#[test]
fn a_disk_too_full_for_the_graph() {
    let sandbox = Sandbox::new().with_ratings(40, 30);
    fails_on_full_disk(&sandbox, 8, &["load", CONFIG, RAW_ONLY], &["data/processed/ml-100k-"]);
    assert_eq!(std::fs::read_dir(sandbox.path("data/processed")).unwrap().count(), 0);
}

#[test]
fn weights_that_do_not_fit_the_model() {
    let sandbox = loaded();
    let run = sandbox.train(&[CONFIG, RAW_ONLY, "trainer.params.num_epochs=1", "model.params.hidden_dim=8"]);
    let weights = format!("model.init_from={run}/model.safetensors");
    let parts = [
        "model.safetensors: the weights do not fit the model:",
        "`user_tower.0.weight` is [8, 8] in the file, [16, 16] in the model",
        "`item_tower.3.bias` is [8] in the file, [16] in the model",
    ];
    fails(&sandbox, &["train", CONFIG, RAW_ONLY, &weights, "model.params.hidden_dim=16"], 1, &parts);
    let parts =
        ["of the model is not in the file", "`item_tower.0.weight` of the file is not in the model", "more such"];
    fails(&sandbox, &["train", "configs/config_gat.yaml", RAW_ONLY, &weights], 1, &parts);
}

#[test]
fn weights_that_cannot_be_read() {
    let sandbox = loaded();
    fails(
        &sandbox,
        &["train", CONFIG, RAW_ONLY, "model.init_from=lost.safetensors"],
        2,
        &["there is no file lost.safetensors to take the weights from", "key path: model.init_from"],
    );
    sandbox.write("half", [200, 0, 0, 0, 0, 0, 0, 0, b'{']);
    fails(&sandbox, &["train", CONFIG, RAW_ONLY, "model.init_from=half"], 1, &["half: no whole safetensors file"]);
}

#[test]
fn a_folder_that_is_no_run() {
    let sandbox = Sandbox::new();
    for command in [&["evaluate", "data"][..], &["recommend", "data", "--user", "1"], &["evaluate", "lost"]] {
        fails(&sandbox, command, 2, &[&format!("{} is no run directory: it has no config.yaml", command[1])]);
    }
}

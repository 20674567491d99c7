//! `isolate: true`: a data loader or an evaluator in a process of its own gives the same numbers, and its crash is an error.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use host::artifacts::weights;
use serde_json::Value;

use crate::support::{Said, Sandbox};

const GAT: [&str; 5] =
    ["train", "configs/config_gat.yaml", "model.params.hidden_dim=8", "trainer.params.num_epochs=3", "seed=7"];
const EVERY_EPOCH: &str = "++trainer.params.eval_every=1";

fn train(sandbox: &Sandbox, more: &[&str]) -> Said {
    sandbox.host(&[&["--plugin-dir", "plugins"], &GAT[..], more].concat())
}

#[test]
fn the_numbers_are_those_of_one_process_to_the_last_bit() {
    let sandbox = Sandbox::new().with_ratings(40, 30);
    let run = |name: &str, more: &[&str]| {
        let run_dir = format!("run_dir=runs/{name}");
        train(&sandbox, &[&[EVERY_EPOCH, &run_dir], more].concat()).is_fine();
        let metrics = sandbox.json(&format!("runs/{name}/result.json"))["metrics"].clone();
        let mut epochs = sandbox.metrics(&format!("runs/{name}"));
        epochs.iter_mut().for_each(|epoch| _ = epoch.as_object_mut().unwrap().remove("seconds"));
        let weights = weights::read(&sandbox.path(&format!("runs/{name}/model.safetensors"))).unwrap();
        let info = sandbox.json(&format!("runs/{name}/run.json"));
        // In the order of their names, which the file does not keep.
        let weights: BTreeMap<_, _> = weights.into_iter().collect();
        (metrics, epochs, weights, info["data_fingerprint"].clone(), info["plugins"].as_array().unwrap().len())
    };
    let together = run("together", &[]);
    assert!(together.0["test.ndcg@10"].is_number(), "{:#}", together.0);
    let apart = run("apart", &["+data.isolate=true", "+evaluator.isolate=true"]);
    assert_eq!(together, apart);
    let config: Value = serde_yaml::from_str(&sandbox.read("runs/apart/config.yaml")).unwrap();
    assert_eq!(config["evaluator"]["isolate"], true);

    // The commands that use a run do as its config says.
    let evaluated = |run: &str| sandbox.host(&["evaluate", run]);
    let apart = evaluated("runs/apart");
    assert_eq!((apart.code, &apart.stdout), (Some(0), &evaluated("runs/together").stdout), "{}", apart.stderr);
    let recommended = |run: &str| sandbox.host(&["recommend", run, "--user", "103", "-k", "3"]);
    let apart = recommended("runs/apart");
    assert_eq!((apart.code, &apart.stdout), (Some(0), &recommended("runs/together").stdout), "{}", apart.stderr);
}

#[test]
fn a_loader_that_crashes_is_an_error_that_tells_the_story() {
    let sandbox = Sandbox::new().with_plugin("crashing_in_use");
    let parts = ["data.module=crashing_in_use:CrashesInPrepare", "~data.params"];
    // Without a process of its own it takes the host with it.
    assert_eq!(train(&sandbox, &parts).code, None);
    let said = train(&sandbox, &[&parts[..], &["+data.isolate=true"]].concat());
    let story = [
        // What it logs arrives before.
        "warn: about to read with seed 7",
        "error: crashing_in_use:CrashesInPrepare: its process was ended by SIGSEGV during `prepare`",
        "crashing_in_use: the loader follows a pointer that nobody set",
        "key path: data.module",
    ];
    said.is_error(1, &story);
}

#[test]
fn an_evaluator_that_crashes_leaves_a_run_directory() {
    let sandbox = Sandbox::new().with_ratings(40, 30).with_plugin("crashing_in_use");
    let evaluator =
        ["evaluator.module=crashing_in_use:CrashesInEvaluate", "~evaluator.params", "+evaluator.isolate=true"];
    let said = train(&sandbox, &[&evaluator[..], &["run_dir=runs/crashed"]].concat());
    let story = [
        "crashing_in_use:CrashesInEvaluate: its process was ended by SIGSEGV during `evaluate`",
        "crashing_in_use: the evaluator follows a pointer that nobody set",
        "key path: evaluator.module",
    ];
    said.is_error(1, &story);
    assert!(
        sandbox.read("runs/crashed/train.log").contains("SIGSEGV")
            && !sandbox.path("runs/crashed/result.json").exists()
    );
}

#[test]
fn faults_of_parameters_are_those_of_one_process() {
    let sandbox = Sandbox::new().with_ratings(40, 30);
    for wrong in
        ["evaluator.params.k=[0]", "++evaluator.params.kk=3", "data.params.env=huge", "++data.params.val_ratio=0.95"]
    {
        let together = train(&sandbox, &[wrong]);
        assert_ne!(together.code, Some(0));
        let apart = train(&sandbox, &[wrong, "+data.isolate=true", "+evaluator.isolate=true"]);
        let without_run = |said: &Said| {
            let lines = said.stderr.lines().filter(|line| !line.starts_with("run directory"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!((apart.code, without_run(&apart)), (together.code, without_run(&together)));
    }
}

#[test]
fn only_a_loader_and_an_evaluator_can_be_isolated() {
    let sandbox = Sandbox::new();
    for section in ["model", "loss", "trainer"] {
        let said = train(&sandbox, &[&format!("+{section}.isolate=true")]);
        let key = format!("key path: {section}.isolate");
        said.is_error(
            2,
            &["cannot run in a process of its own", &key, "sections that can be isolated: data, evaluator"],
        );
    }
    train(&sandbox, &["+data.isolate=perhaps"])
        .is_error(2, &["`data.isolate` must be true or false, this is `perhaps`"]);
}

#[test]
fn a_wish_to_stop_arrives() {
    let sandbox = Sandbox::new().with_plugin("crashing_in_use");
    let mut command = sandbox.command();
    command.args(["--plugin-dir", "plugins"]).args(GAT);
    command.args(["data.module=crashing_in_use:WaitsToBeStopped", "~data.params", "+data.isolate=true"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line == "warn: waiting"), "it never began to wait");
    let sent = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status();
    assert!(sent.unwrap().success());
    let rest: Vec<_> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    assert!(rest.iter().any(|line| line == "error: interrupted"), "{rest:?}");
}

#[test]
fn its_process_ends_with_the_host() {
    let sandbox = Sandbox::new().with_plugin("crashing_in_use");
    let mut command = sandbox.command();
    command.args(["--plugin-dir", "plugins"]).args(GAT);
    command.args(["data.module=crashing_in_use:WaitsToBeStopped", "~data.params", "+data.isolate=true"]);
    let mut host = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(host.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line == "warn: waiting"), "it never began to wait");
    let child = child_of(host.id());
    // Not asked to end, but killed.
    host.kill().unwrap();
    host.wait().unwrap();
    let is_gone = || !std::fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !is_gone() {
        assert!(std::time::Instant::now() < deadline, "process {child} is still there");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// The one child of a process, by the fourth field of what the system tells of each.
fn child_of(parent: u32) -> String {
    let of_parent = |stat: &String| {
        let after_name = stat.rsplit(") ").next().unwrap();
        after_name.split(' ').nth(1) == Some(&parent.to_string())
    };
    let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path().join("stat"));
    let stats = processes.filter_map(|path| std::fs::read_to_string(path).ok());
    let children: Vec<_> = stats.filter(of_parent).map(|stat| stat.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(children.len(), 1);
    children[0].clone()
}

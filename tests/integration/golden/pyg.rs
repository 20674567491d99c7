//! Weights to PyTorch Geometric and back, where a Python has it: `tests/golden/check_with_pyg.py`.
//!
//! `RECSYS_PYTHON` names the interpreter, otherwise it is `python3`; without torch_geometric the tests say that they were skipped.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use host::artifacts::weights;
use tch::Tensor;

use super::{embeddings, graph, light_gcn, Golden, GAT, TWO_TOWER};
use crate::support::{workspace, Sandbox};

/// A Python with what the script imports. One that was asked for must have it.
fn python() -> Option<String> {
    let asked_for = std::env::var("RECSYS_PYTHON").ok();
    let python = asked_for.clone().unwrap_or_else(|| "python3".to_owned());
    let probe = command(&python).args(["-c", "import safetensors, torch, torch_geometric"]).output();
    match probe {
        Ok(output) if output.status.success() => Some(python),
        problem => {
            assert!(asked_for.is_none(), "RECSYS_PYTHON={python}: {problem:?}");
            println!("skipped: {python} has no torch, torch_geometric and safetensors; RECSYS_PYTHON names another");
            None
        }
    }
}

/// Cargo's LD_LIBRARY_PATH holds our libtorch, which Python's torch must not find.
fn command(python: &str) -> Command {
    let mut command = Command::new(python);
    command.env_remove("LD_LIBRARY_PATH");
    command
}

fn check(python: &str, sandbox: &Sandbox, run: &str, more: &[&str]) {
    let script = workspace().join("tests/golden/check_with_pyg.py");
    let run = sandbox.path(run);
    let output = command(python).arg(script).arg(run).arg(graph()).args(more).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    println!("{}", text(&output.stdout));
}

/// Writes a run's embeddings, as the plugin computes them, where the script looks for them.
fn write_embeddings(sandbox: &Sandbox, run: &str) {
    let embeddings: Vec<_> = embeddings(sandbox, run).into_iter().collect();
    weights::save(&sandbox.path(run).join("embeddings.safetensors"), &embeddings).unwrap();
}

fn weights_of_golden_go_to_pyg_and_back(golden: &Golden) {
    let sandbox = Sandbox::new();
    weights_go_to_pyg_and_back(&sandbox, &golden.file("init.safetensors"), |init_from, num_epochs| {
        golden.train(&sandbox, init_from, num_epochs)
    });
}

/// `train` trains from a file of weights for so many epochs and gives the run.
fn weights_go_to_pyg_and_back(sandbox: &Sandbox, init_from: &str, train: impl Fn(&str, usize) -> String) {
    let Some(python) = python() else { return };
    let trained = train(init_from, 5);
    write_embeddings(sandbox, &trained);
    let from_python = sandbox.path("from_python.safetensors");
    check(&python, sandbox, &trained, &["--write-new-weights", from_python.to_str().unwrap()]);

    let back = train(from_python.to_str().unwrap(), 0);
    let weights_of = |run: &str| read(&sandbox.path(run).join("model.safetensors"));
    assert_eq!(weights_of(&back), read(&from_python));
    assert_ne!(weights_of(&back), weights_of(&trained));
    write_embeddings(sandbox, &back);
    check(&python, sandbox, &back, &[]);
}

fn read(path: &Path) -> BTreeMap<String, Tensor> {
    weights::read(path).unwrap().into_iter().collect()
}

#[test]
fn gat_weights_go_to_pyg_and_back() {
    weights_of_golden_go_to_pyg_and_back(&GAT);
}

#[test]
fn two_tower_weights_go_to_pyg_and_back() {
    weights_of_golden_go_to_pyg_and_back(&TWO_TOWER);
}

#[test]
fn light_gcn_weights_go_to_pyg_and_back() {
    let sandbox = Sandbox::new();
    weights_go_to_pyg_and_back(&sandbox, &light_gcn::write_init(&sandbox), |init_from, num_epochs| {
        light_gcn::train(&sandbox, init_from, num_epochs)
    });
}

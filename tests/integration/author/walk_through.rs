//! `tests/walk-through.sh` with an installed host: from nothing to a finished run of a new model. Its times are printed, not judged.

use super::{authors_cargo, Installed};
use crate::support::{workspace, Sandbox};

#[test]
fn from_nothing_to_a_finished_run_of_a_new_model() {
    let sandbox = Sandbox::new();
    let host = Installed::in_sandbox(&sandbox);
    // With the author's variables, as cargo itself is run below it.
    let cargo = authors_cargo();
    let mut script = std::process::Command::new("bash");
    script.arg(workspace().join("tests/walk-through.sh"));
    for (name, value) in cargo.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    let cargo_folder = std::path::Path::new(env!("CARGO")).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        [host.binary.parent().unwrap().to_owned(), cargo_folder].into_iter().chain(std::env::split_paths(&path));
    script.env("PATH", std::env::join_paths(folders).unwrap()).current_dir(sandbox.path(""));
    let output = script.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    println!("{stdout}");
    assert!(
        stdout.contains("stdev: 0.05") && stdout.contains("dim: i64 = 48"),
        "the two lines were not edited: {stdout}"
    );
    assert!(stdout.contains("from nothing to a finished run of the new model: "), "{stdout}");
    assert!(stderr.contains("model my_model:MyModel: 127"), "48 wide: {stderr}");
}

#[test]
fn the_readme_names_the_two_lines() {
    let text = |path: &str| std::fs::read_to_string(workspace().join(path)).unwrap();
    let (readme, model) = (text("README.md"), text("host/src/scaffold/templates/model.rs"));
    for line in ["        dim: i64 = 32,\n", "        let normal = Init::Randn { mean: 0.0, stdev: 0.1 };\n"] {
        assert!(readme.contains(line) && model.contains(line), "{line}");
    }
    assert!(readme.contains("recsys-host plugins new model my_model"));
}

//! `config show`, `defaults-tree`, `explain` and `diff`, and the completions that look at a config.

use serde_json::Value;

use crate::support::{host_binary, Sandbox};

const EXPERIMENT: [&str; 3] = ["configs/config.yaml", "+experiment=gat_ml100k", "trainer.params.num_epochs=3"];

#[track_caller]
fn printed(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let said = sandbox.host(arguments);
    said.is_fine();
    said.stdout
}

#[test]
fn show_prints_the_config_before_and_after_interpolation() {
    let sandbox = Sandbox::new();
    sandbox.write("configs/own.yaml", "defaults: [config, _self_]\nrun_dir: runs/${seed}\n");
    let raw = printed(&sandbox, &["config", "show", "configs/own.yaml", "seed=5"]);
    assert!(raw.contains("run_dir: runs/${seed}\n"), "{raw}");
    let resolved = printed(&sandbox, &["config", "show", "configs/own.yaml", "seed=5", "--resolve"]);
    assert!(resolved.contains("run_dir: runs/5\n") && resolved.contains("module: two_tower:TwoTower"), "{resolved}");
    // What is shown composes to itself.
    sandbox.write("again.yaml", &resolved);
    assert_eq!(printed(&sandbox, &["config", "show", "again.yaml", "--resolve"]), resolved);
    let part = printed(&sandbox, &["config", "show", "configs/config_gat.yaml", "--package", "evaluator.params"]);
    assert_eq!(part, "# @package evaluator.params\nk:\n  - 5\n  - 10\n  - 20\n");
    let parts =
        ["the config has no key `trainer.parms`", "keys of `trainer`: module, params", "did you mean `params`?"];
    sandbox.host(&["config", "show", "configs/config.yaml", "--package", "trainer.parms"]).is_error(2, &parts);
}

#[test]
fn the_defaults_tree_has_every_file_in_the_order_of_merging() {
    let said = printed(&Sandbox::new(), &[&["config", "defaults-tree"], &EXPERIMENT[..]].concat());
    let entries = [
        "config ",
        "  data: movielens",
        "  model: gat",
        "  evaluator: ranking",
        "  _self_",
        "  experiment: gat_ml100k",
    ];
    let places: Vec<usize> =
        entries.iter().map(|entry| said.find(entry).unwrap_or_else(|| panic!("{entry}\n{said}"))).collect();
    assert!(places.is_sorted(), "{said}");
    assert!(said.contains("configs/experiment/gat_ml100k.yaml"), "{said}");
}

#[test]
fn explain_tells_every_step_of_a_value() {
    let sandbox = Sandbox::new();
    let explain = |key: &str, more: &[&str]| printed(&sandbox, &[&["config", "explain", key, "--json"], more].concat());
    let steps = |text: &str| -> Vec<(String, String)> {
        let histories: Vec<Value> = serde_json::from_str(text).unwrap();
        let steps = histories[0]["steps"].as_array().unwrap().clone();
        steps.iter().map(|step| (step["at"].as_str().unwrap().to_owned(), step["value"].to_string())).collect()
    };
    let expected = [
        ("configs/trainer/gat.yaml:4:3", "\"100\""),
        ("configs/experiment/gat_ml100k.yaml:12:5", "\"200\""),
        ("override `trainer.params.num_epochs=3`", "\"3\""),
    ];
    let expected = expected.map(|(at, value)| (at.to_owned(), value.to_owned()));
    assert_eq!(steps(&explain("trainer.params.num_epochs", &EXPERIMENT)), expected);
    let removed = steps(&explain("model.params.dropout", &["configs/config_gat.yaml", "~model.params.dropout"]));
    assert_eq!(removed.last().unwrap().1, "null", "{removed:?}");
    // Without a config that of the folder, and of a section every value.
    let section: Vec<Value> = serde_json::from_str(&explain("trainer", &[])).unwrap();
    assert_eq!(section.len(), 4, "{section:?}");
    let text = printed(&sandbox, &["config", "explain", "run_dir"]);
    assert!(text.contains("runs/${now:%Y-%m-%d}/${now:%H-%M-%S} (resolved: runs/2"), "{text}");
    sandbox.host(&["config", "explain", "sede"]).is_error(2, &["the config has no key `sede`", "did you mean `seed`?"]);
}

#[test]
fn diff_shows_the_values_in_which_two_configs_differ() {
    let sandbox = Sandbox::new();
    for (run, text) in [("a", "x: {y: 1, z: [1, 2]}\nsame: 1\n"), ("b", "x: {y: 2, z: [1, 2]}\nsame: 1\nmore: t\n")] {
        sandbox.write(&format!("runs/{run}/config.yaml"), text);
    }
    let differences: Value =
        serde_json::from_str(&printed(&sandbox, &["config", "diff", "runs/a", "runs/b", "--json"])).unwrap();
    let expected = serde_json::json!([{"key": "x.y", "a": "1", "b": "2"}, {"key": "more", "a": null, "b": "\"t\""}]);
    assert_eq!(differences, expected);
    assert_eq!(printed(&sandbox, &["config", "diff", "runs/a", "runs/a"]), "no difference\n");
    sandbox.host(&["config", "diff", "runs/a", "runs"]).is_error(2, &["runs is no run directory"]);
}

/// What bash would offer for a line.
fn completed(sandbox: &Sandbox, line: &str) -> Vec<String> {
    let script = sandbox.write("completions.bash", printed(sandbox, &["completions", "bash"]));
    let run =
        r#"source "$1"; COMP_LINE=$3; COMP_POINT=${#COMP_LINE}; _recsys_host "$2"; printf '%s\n' "${COMPREPLY[@]}""#;
    let host = sandbox.command();
    let mut bash = std::process::Command::new("bash");
    for (name, value) in host.get_envs() {
        match value {
            Some(value) => bash.env(name, value),
            None => bash.env_remove(name),
        };
    }
    bash.args(["-c", run, "bash"]).arg(script).arg(host_binary()).arg(line).current_dir(sandbox.path("."));
    let output = bash.output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_groups_options_keys_constructors_and_parameters() {
    let sandbox = Sandbox::new();
    printed(&sandbox, &["plugins", "schema", "--write", "configs"]);
    for (line, expected) in [
        ("recsys-host conf", &["config"][..]),
        ("recsys-host config ex", &["explain"]),
        ("recsys-host train --dry", &["--dry-run"]),
        ("recsys-host train --config-name config_g", &["config_gat"]),
        ("recsys-host train configs/config_gat.yaml mode", &["model.module=", "model="]),
        // Bash has the word before `=` or `:` on the line already.
        ("recsys-host train configs/config_gat.yaml model=", &["gat", "light_gcn", "popularity", "two_tower"]),
        ("recsys-host train configs/config_gat.yaml model=gat,t", &["gat,two_tower"]),
        (
            "recsys-host train configs/config_gat.yaml model.params.n",
            &["model.params.negative_slope=", "model.params.num_heads=", "model.params.num_layers="],
        ),
        ("recsys-host train configs/config_gat.yaml model=two_tower model.params.u", &["model.params.user_dim="]),
        ("recsys-host train configs/config_gat.yaml loss.module=losses:B", &["BCEWithLogitsLoss", "BPRLoss"]),
        ("recsys-host train configs/config.yaml data.params.env=1", &["1m", "10m"]),
        ("recsys-host train configs/config.yaml +experiment=g", &["gat_ml100k", "gat_ml100k_tuned"]),
        ("recsys-host train configs/config.yaml ~los", &["~loss", "~loss.module"]),
        ("recsys-host config explain trainer.params.mo", &["trainer.params.monitor"]),
        ("recsys-host train configs/conf", &[]),
        ("recsys-host train configs/config.yaml 'a b", &[]),
    ] {
        let mut found = completed(&sandbox, line);
        if line.ends_with("mode") {
            found.retain(|candidate| !candidate.contains("params"));
        }
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn every_shell_has_its_script() {
    let sandbox = Sandbox::new();
    for (shell, part) in [("bash", "complete -F"), ("zsh", "compdef _recsys_host"), ("fish", "complete -c recsys-host")]
    {
        let script = printed(&sandbox, &["completions", shell]);
        assert!(script.contains(part) && script.contains(" complete -- "), "{script}");
    }
}

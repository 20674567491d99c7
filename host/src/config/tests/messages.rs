//! What the user reads: every kind of fault with its place, the choices, the nearest name and the cure.

use super::{compose_text, message, tree};
use crate::config::{compose, Request};

const CONFIG: &str = "defaults:\n  - model: gat\n  - _self_\ntrainer:\n  params:\n    lr: 1\nseed: 1\n";
const GAT: &str = "module: gat:GAT\nparams:\n  heads: 4\n";

fn of(overrides: &[&str]) -> String {
    message([("config.yaml", CONFIG), ("model/gat.yaml", GAT), ("model/two_tower.yaml", GAT)], overrides)
}

#[test]
fn an_option_that_does_not_exist() {
    assert_eq!(
        message(
            [("config.yaml", "defaults:\n  - model: gta\n"), ("model/gat.yaml", ""), ("model/two_tower.yaml", "")],
            &[]
        ),
        "there is no config `gta` in model
  --> config.yaml:2:12
    2 |   - model: gta
      |            ^^^
  options in model: gat, two_tower
  did you mean `gat`?
  cure: name one of them, or add model/gta.yaml, or write `optional` before the entry"
    );
}

#[test]
fn several_wrong_overrides_are_told_together() {
    assert_eq!(
        of(&["trainr.params.lr=1", "lr=2", "seed.x=1"]),
        "3 faults in the config

1. the config has no key `trainr.params.lr`
  --> command line
      | trainr.params.lr=1
      | ^^^^^^
  key path: trainr.params.lr
  keys at the top level: model, trainer, seed
  did you mean `trainer.params.lr`?
  cure: correct the key, or add a new one with `+trainr.params.lr=1`

2. the config has no key `lr`
  --> command line
      | lr=2
      | ^^
  key path: lr
  keys at the top level: model, trainer, seed
  did you mean `trainer.params.lr`?
  cure: correct the key, or add a new one with `+lr=2`

3. `seed` is an integer, which has no keys, so there is no `seed.x`
  --> command line
      | seed.x=1
      |      ^
  ... it is set here
  --> config.yaml:7:1
    7 | seed: 1
      | ^^^^
  key path: seed.x
  cure: to put a mapping in its place write `++seed.x=1`"
    );
}

#[test]
fn an_override_that_cannot_be_read() {
    assert_eq!(
        of(&["seed=[1,2"]),
        "this is never closed with `]`\n  --> command line\n      | seed=[1,2\n      |      ^"
    );
    assert_eq!(
        of(&["seed=1,2"]),
        "2 values with commas between are a sweep over several runs, this is one run
  --> command line
      | seed=1,2
      |      ^^^
  cure: for several runs write `train -m`; for a list `seed=[...]`; text with commas needs quotes: `\"seed='...'\"`"
    );
}

#[test]
fn a_group_that_no_defaults_list_has() {
    let text =
        message([("config.yaml", CONFIG), ("model/gat.yaml", GAT), ("loss/bce.yaml", "")], &["loss=bce", "~model=x"]);
    assert!(text.contains("no defaults list has the group `loss`"), "{text}");
    assert!(text.contains("to append the group write `+loss=bce`"), "{text}");
    assert!(text.contains("the group `model` is set to `gat`, not to `x`, so it stays"), "{text}");
}

#[test]
fn a_cycle_shows_every_place() {
    assert_eq!(
        message([("config.yaml", "a: ${b.c}\nb:\n  c: x${d}\nd: ${a}\n")], &[]),
        "interpolations go in a circle: a -> b.c -> d -> a
  --> config.yaml:1:1
    1 | a: ${b.c}
      | ^
  ... `b.c` is `x${d}`
  --> config.yaml:3:3
    3 |   c: x${d}
      |   ^
  ... `d` is `${a}`
  --> config.yaml:4:1
    4 | d: ${a}
      | ^
  key path: a
  cure: give one of them a value of its own"
    );
}

#[test]
fn faults_of_interpolation_are_told_together() {
    let text =
        message([("config.yaml", "m: {heads: 1}\na: ${m.head}\nb: ${nwo:%Y}\nc: ${oc.env:NOT_SET}\nd: ${x\n")], &[]);
    for part in [
        "4 faults in the config",
        "did you mean `heads`?",
        "there is no resolver `nwo`",
        "resolvers: now, oc.env, run, oc.select",
        "did you mean `now`?",
        "the environment variable `NOT_SET` is not set",
        "the interpolation `${x` cannot be read",
    ] {
        assert!(text.contains(part), "{part}\n---\n{text}");
    }
}

#[test]
fn what_hydra_keeps_below_hydra_is_below_run() {
    let text = message([("config.yaml", "a: ${hydra:runtime.cwd}\nb: ${run:cwdd}\nc: ${run:choices.model}\n")], &[]);
    for part in [
        "there is no resolver `hydra`",
        "did you mean `run`?",
        "cure: write `${run:FACT}`; facts: cwd, config_dir,",
        "config.yaml:1:4\n    1 | a: ${hydra:runtime.cwd}\n      |    ^^^^^^^^^^^^^^^^^^^^\n",
        "`run` knows no `cwdd`",
        "did you mean `cwd`?",
        "no defaults list has the group `model`",
    ] {
        assert!(text.contains(part), "{part}\n---\n{text}");
    }
}

#[test]
fn sweeps_outside_a_multirun_point_to_it() {
    for (text, extent) in [("seed=range(1,3)", 10), ("seed=choice(1,2)", 11), ("seed=interval(0,1)", 13)] {
        let said = of(&[text]);
        assert!(said.contains("this is a sweep over several runs") && said.contains("write `train -m`"), "{said}");
        assert!(said.contains(&format!("| {text}\n      |      {}\n", "^".repeat(extent))), "{said}");
    }
}

#[test]
fn duplicate_keys_show_both_lines() {
    assert_eq!(
        message([("config.yaml", "a: 1\nb: 2\na: 3\n")], &[]),
        "the key `a` stands twice in one mapping
  --> config.yaml:3:1
    3 | a: 3
      | ^
  ... first here
  --> config.yaml:1:1
    1 | a: 1
      | ^
  cure: remove one of the two"
    );
}

#[test]
fn defaults_lists_in_a_circle() {
    let files = [
        ("config.yaml", "defaults:\n  - one\n"),
        ("one.yaml", "defaults:\n  - two\n"),
        ("two.yaml", "defaults:\n  - one\n"),
    ];
    let text = message(files, &[]);
    assert!(text.contains("the defaults lists go in a circle: `one.yaml` leads back to itself"), "{text}");
    assert!(text.contains("two.yaml:2:5") && text.contains("one.yaml:2:5"), "{text}");
}

#[test]
fn unknown_config_names_list_the_others() {
    let folder = tree([("config.yaml", ""), ("config_gat.yaml", "")]);
    let error = Request::from_name(folder.path(), "config_gta", Vec::new()).err().unwrap().to_string();
    assert!(
        error.contains("configs there: config, config_gat") && error.contains("did you mean `config_gat`?"),
        "{error}"
    );
    let error = Request::from_name(folder.path().join("nowhere"), "x", Vec::new()).err().unwrap().to_string();
    assert!(error.contains("there is no config folder"), "{error}");
    let request = Request::from_file(folder.path().join("config_gta.yaml"), Vec::new());
    let error = compose(&request).unwrap_err().to_string();
    assert!(error.contains("there is no config file") && error.contains("did you mean `config_gat"), "{error}");
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tree([("config.yaml", "")]);
    std::fs::write(folder.path().join("config.yaml"), b"a: \xff\n").unwrap();
    let error = compose(&Request::from_file(folder.path().join("config.yaml"), Vec::new())).unwrap_err();
    assert!(error.to_string().contains("is not UTF-8"), "{error}");
    assert!(compose_text("a: 99999999999999999999\n", &[])
        .unwrap_err()
        .to_string()
        .contains("does not fit into 64 bits"));
}

#[test]
fn now_is_when_composing_began() {
    let config = compose_text("a: ${now:%Y-%m-%d/%H-%M-%S}\nb: ${now:%f}\n", &[]).unwrap();
    assert_eq!(config.get("a").unwrap().as_str(), Some("2024-03-05/06-07-08"));
    assert_eq!(config.get("b").unwrap().as_str(), Some("090000"));
    assert!(compose_text("a: ${now:%Q%!}\n", &[]).unwrap_err().to_string().contains("no format of a time"));
    assert!(compose_text("a: ${now:}\n", &[]).unwrap_err().to_string().contains("write `${now:%Y-%m-%d}`"));
}

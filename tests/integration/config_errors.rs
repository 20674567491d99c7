//! What is wrong with a config is told with file, line and cure before a run is begun; exit code 2.

use crate::broken::{fails, RAW_ONLY};
use crate::support::Sandbox;

const CONFIG: &str = "configs/config.yaml";

/// Trains; the config must be refused with a message of all `parts` before a run directory is made.
#[track_caller]
fn is_refused(sandbox: &Sandbox, arguments: &[&str], parts: &[&str]) {
    fails(sandbox, &[&["train"], arguments].concat(), 2, parts);
    assert!(!sandbox.path("runs").exists());
}

#[test]
fn a_misspelt_parameter_in_a_file() {
    let sandbox = Sandbox::new();
    sandbox.write("configs/model/two_tower.yaml", "module: two_tower:TwoTower\nparams:\n  dropuot: 0.2\n");
    let parts = [
        "two_tower:TwoTower: unknown parameter `dropuot`",
        "configs/model/two_tower.yaml:3:",
        "dropuot: 0.2",
        "key path: model.params.dropuot",
        "choices: user_dim, item_dim, hidden_dim, dropout",
        "did you mean `dropout`?",
    ];
    is_refused(&sandbox, &[CONFIG], &parts);
}

#[test]
fn a_misspelt_parameter_on_the_command_line() {
    let sandbox = Sandbox::new();
    for argument in ["model.params.dropuot=0.2", "+model.params.dropuot=0.2", "++model.params.dropuot=0.2"] {
        let parts = ["unknown parameter `dropuot`", "--> command line", argument, "did you mean `dropout`?"];
        is_refused(&sandbox, &[CONFIG, argument], &parts);
    }
}

#[test]
fn a_parameter_of_a_constructor_without_any() {
    let parts = ["losses:BPRLoss: unknown parameter `alpha`; it takes none", "key path: loss.params.alpha"];
    is_refused(&Sandbox::new(), &[CONFIG, "loss=bpr", "+loss.params.alpha=1"], &parts);
}

#[test]
fn a_misspelt_section_and_key() {
    let sandbox = Sandbox::new();
    sandbox.write("configs/odd.yaml", "defaults: [config, _self_]\nsede: 3\nmodel:\n  parms: {}\n");
    let parts = [
        "unknown key `sede`",
        "configs/odd.yaml:2:",
        "did you mean `seed`?",
        "unknown key `parms`",
        "configs/odd.yaml:4:",
        "did you mean `params`?",
    ];
    is_refused(&sandbox, &["configs/odd.yaml"], &parts);
}

#[test]
fn parameters_of_the_wrong_type_in_a_file() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "configs/model/two_tower.yaml",
        "module: two_tower:TwoTower\nparams:\n  hidden_dim: wide\n  dropout: [0.1]\n",
    );
    let parts = [
        "\"wide\" is no integer",
        "configs/model/two_tower.yaml:3:",
        "key path: model.params.hidden_dim",
        "[0.1] is no number",
        "configs/model/two_tower.yaml:4:",
        "key path: model.params.dropout",
    ];
    is_refused(&sandbox, &[CONFIG], &parts);
}

#[test]
fn parameters_of_the_wrong_type_on_the_command_line() {
    let overrides =
        ["model.params.dropout=high", "evaluator.params.k=5", "trainer.params.num_epochs=2.5", "data.params.env=smll"];
    let parts = [
        "4 faults in the config",
        "two_tower:TwoTower: \"high\" is no number",
        "key path: model.params.dropout",
        "evaluators:RankingEvaluator: 5 is no list",
        "trainers:SimpleTrainer: 2.5 is no integer",
        "\"smll\" is no choice",
        "choices: dev, small, 1m, 10m, 20m, 25m, 32m, prod",
        "did you mean `small`?",
    ];
    is_refused(&Sandbox::new(), &[&[CONFIG], &overrides[..]].concat(), &parts);
}

#[test]
fn parameters_out_of_range() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "configs/trainer/simple.yaml",
        "module: trainers:SimpleTrainer\nparams: {learning_rate: -0.1, patience: 0}\n",
    );
    let parts = [
        "trainers:SimpleTrainer: -0.1 is below the minimum, 0",
        "configs/trainer/simple.yaml:2:",
        "key path: trainer.params.learning_rate",
        "0 is below the minimum, 1",
        "key path: trainer.params.patience",
        "two_tower:TwoTower: 1.5 is above the maximum, 1",
        "model.params.dropout=1.5",
    ];
    is_refused(&sandbox, &[CONFIG, "model.params.dropout=1.5"], &parts);
}

#[test]
fn a_value_that_must_be_given() {
    let parts = [
        "the mandatory value `data.params.path` is missing",
        "configs/data/graph_file.yaml:4:",
        "add `data.params.path=VALUE`",
    ];
    is_refused(&Sandbox::new(), &[CONFIG, "data=graph_file"], &parts);
}

#[test]
fn a_cycle_of_interpolations() {
    let sandbox = Sandbox::new();
    let text = "defaults: [config, _self_]\nseed: ${threads}\nthreads: ${trainer.params.num_epochs}\ntrainer:\n  params:\n    num_epochs: ${seed}\n";
    sandbox.write("configs/round.yaml", text);
    let parts = [
        "interpolations go in a circle",
        "seed",
        "threads",
        "trainer.params.num_epochs",
        "configs/round.yaml:2:",
        "cure: ",
    ];
    is_refused(&sandbox, &["configs/round.yaml"], &parts);
    is_refused(&sandbox, &[CONFIG, "seed=${seed}"], &["interpolations go in a circle: seed -> seed", "command line"]);
}

#[test]
fn a_reference_to_nothing() {
    let parts = ["`${model.params.hiden_dim}` names a key that the config does not have", "did you mean `hidden_dim`?"];
    is_refused(&Sandbox::new(), &[CONFIG, "trainer.params.num_epochs=${model.params.hiden_dim}"], &parts);
}

#[test]
fn a_defaults_entry_that_does_not_exist() {
    let sandbox = Sandbox::new();
    sandbox.write("configs/odd.yaml", "defaults:\n  - config\n  - override model: gatt\n  - _self_\n");
    let parts = [
        "`gatt`",
        "configs/odd.yaml:3:",
        "options in configs/model: gat, light_gcn, popularity, two_tower",
        "did you mean `gat`?",
    ];
    is_refused(&sandbox, &["configs/odd.yaml"], &parts);
    sandbox.write("configs/odd.yaml", "defaults:\n  - confg\n  - _self_\n");
    is_refused(&sandbox, &["configs/odd.yaml"], &["`confg`", "configs/odd.yaml:2:", "did you mean `config`?"]);
    is_refused(&sandbox, &[CONFIG, "modl=gat"], &["modl", "did you mean `model`?", "command line"]);
    is_refused(
        &sandbox,
        &[CONFIG, "model=gatt"],
        &["there is no config `gatt`", "did you mean `gat`?", "command line"],
    );
}

#[test]
fn a_config_that_does_not_exist() {
    let sandbox = Sandbox::new();
    is_refused(
        &sandbox,
        &["configs/confg.yaml"],
        &["there is no config file `configs/confg.yaml`", "did you mean `config`?"],
    );
    is_refused(
        &sandbox,
        &["--config-name", "config_gta"],
        &["there is no config `config_gta`", "did you mean `config_gat`?"],
    );
    is_refused(&sandbox, &[], &["name a config: `recsys-host train configs/config.yaml`"]);
}

#[test]
fn a_config_that_is_no_yaml() {
    let sandbox = Sandbox::new();
    sandbox.write("configs/odd.yaml", "seed: 1\n model: [\n");
    is_refused(&sandbox, &["configs/odd.yaml"], &["configs/odd.yaml:2:"]);
}

#[test]
fn a_model_that_needs_the_graph_under_the_simple_trainer() {
    let sandbox = Sandbox::new().with_ratings(40, 30);
    let arguments = [CONFIG, RAW_ONLY, "model=gat", "trainer.params.num_epochs=1"];
    let parts = [
        "gat:GAT needs the graph, but trainers:SimpleTrainer passes features only",
        "configs/trainer/simple.yaml:2:",
        "configs/model/gat.yaml:2:",
        "`trainer=gat`, or `trainer.module=trainers:GATTrainer`",
    ];
    is_refused(&sandbox, &arguments, &parts);
    // Both cures work.
    for cure in ["trainer=gat", "trainer.module=trainers:GATTrainer"] {
        sandbox.train(&[&arguments[..], &[cure]].concat());
    }
}

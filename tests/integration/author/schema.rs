//! `plugins inspect` and `plugins schema`: what they print and write, by an independent validator.

use serde_json::Value;

use crate::support::{plugin_dir, Said, Sandbox};

#[track_caller]
fn does(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let Said { code, stdout, stderr } = sandbox.host(arguments);
    assert_eq!(code, Some(0), "{stderr}");
    stdout
}

#[test]
fn inspect_shows_types_ranges_defaults_and_units() {
    let sandbox = Sandbox::new();
    let text = does(&sandbox, &["plugins", "inspect", "trainers:SimpleTrainer"]);
    let row = |text: &str, name: &str| -> String {
        let line = text.lines().find(|line| line.trim_start().starts_with(name));
        line.unwrap_or_else(|| panic!("no {name} in\n{text}")).to_owned()
    };
    for part in ["integer or null", "at least 1", "null", "epochs"] {
        assert!(row(&text, "patience").contains(part), "{}", row(&text, "patience"));
    }
    let text = does(&sandbox, &["plugins", "inspect", "movielens"]);
    for part in ["0.1 to 86400.0", "30.0", "seconds"] {
        assert!(row(&text, "read_timeout_s").contains(part), "{}", row(&text, "read_timeout_s"));
    }
    for part in ["The recsys-host developers", "MIT OR Apache-2.0", "runs on cpu or cuda"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(row(&does(&sandbox, &["plugins", "inspect", "graph_file"]), "path").contains("(must be given)"));
}

#[test]
fn inspect_as_json_and_schema() {
    let sandbox = Sandbox::new();
    let all: Vec<Value> =
        serde_json::from_str(&does(&sandbox, &["plugins", "inspect", "movielens", "--json"])).unwrap();
    let timeout = all[0]["parameters"].as_array().unwrap().iter().find(|one| one["name"] == "read_timeout_s").unwrap();
    assert_eq!((timeout["unit"].as_str(), timeout["default"].as_f64()), (Some("seconds"), Some(30.0)));
    for key in ["version", "authors", "license", "description", "kind", "needs_graph", "devices", "doc", "api"] {
        assert!(!all[0][key].is_null(), "{key}");
    }
    let schema: Value = serde_json::from_str(&does(&sandbox, &["plugins", "inspect", "gat:GAT", "--schema"])).unwrap();
    assert!(jsonschema::is_valid(&schema, &serde_json::json!({"dropout": 0.5})));
    assert!(!jsonschema::is_valid(&schema, &serde_json::json!({"dropout": 1.5})));
    let several: Value = serde_json::from_str(&does(&sandbox, &["plugins", "inspect", "losses", "--schema"])).unwrap();
    assert!(several["losses:BPRLoss"]["type"] == "object" && several["losses:BCEWithLogitsLoss"]["type"] == "object");
}

#[test]
fn inspect_a_file_by_its_path() {
    let sandbox = Sandbox::new().with_plugin("faulty");
    let file = plugin_dir().join("libgat.so");
    let by_path = does(&sandbox, &["plugins", "inspect", &format!("{}:GAT", file.display())]);
    assert!(by_path.contains("gat:GAT (model)") && by_path.contains("num_heads"), "{by_path}");
    assert!(does(&sandbox, &["plugins", "inspect", "plugins/libfaulty.so"]).contains("file      plugins/libfaulty.so"));
    sandbox.write("plugins/libgat.so", "no library");
    // Not the good one of the build in its place.
    sandbox
        .host(&["plugins", "inspect", "plugins/libgat.so"])
        .is_error(2, &["plugins/libgat.so", "no whole 64-bit ELF"]);
    sandbox.host(&["plugins", "inspect", "plugins/nowhere.so"]).is_error(2, &["plugins/nowhere.so", "cannot be read"]);
}

/// The configs of a folder and its groups, relative to it, each with the schema that its first line names.
fn configs(sandbox: &Sandbox) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for group in ["", "data/", "model/", "loss/", "trainer/", "evaluator/"] {
        for entry in std::fs::read_dir(sandbox.path("configs").join(group)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if !name.ends_with(".yaml") {
                continue;
            }
            let file = format!("{group}{name}");
            let text = sandbox.read(&format!("configs/{file}"));
            let line = text.lines().next().and_then(|line| line.strip_prefix("# yaml-language-server: $schema="));
            let schema = line.unwrap_or_else(|| panic!("{file} does not begin with its schema"));
            found.push((file.clone(), sandbox.json(&format!("configs/{group}{schema}"))));
        }
    }
    assert!(found.len() > 10, "{}", found.len());
    found
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn every_shipped_config_names_a_schema_that_it_fits() {
    let sandbox = Sandbox::new();
    let written = does(&sandbox, &["plugins", "schema", "--write"]);
    assert_eq!(written.lines().count(), 6, "{written}");
    for (file, schema) in configs(&sandbox) {
        let validator = jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("{file}: {error}"));
        let config = yaml(&sandbox.read(&format!("configs/{file}")));
        let faults: Vec<_> = validator.iter_errors(&config).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{file}: {faults:?}");
    }
}

#[test]
fn a_wrong_parameter_of_the_chosen_constructor_does_not_fit() {
    let sandbox = Sandbox::new();
    does(&sandbox, &["plugins", "schema", "--write", "configs"]);
    let fits = |schema: &str, text: &str| {
        jsonschema::is_valid(&sandbox.json(&format!("configs/.schema/{schema}.json")), &yaml(text))
    };
    let cases = [
        ("model", "module: gat:GAT\nparams: {num_heads: 4}", true),
        ("model", "module: two_tower:TwoTower\nparams: {num_heads: 4}", false),
        ("model", "module: gat:GAT\nparams: {num_heads: four}", false),
        ("model", "module: gat:GAT\nparams: {num_heads: 0}", false),
        ("model", "module: gat:GAT\nparams: {num_heads: \"${trainer.params.num_epochs}\", dropout: \"???\"}", true),
        ("model", "module: gat:GATT", false),
        ("model", "module: losses:BPRLoss", false),
        ("model", "module: gat:GAT\nparms: {}", false),
        ("data", "module: movielens:MovielensDataLoader\nparams: {env: 32m, sources: [raw]}", true),
        ("data", "module: movielens:MovielensDataLoader\nparams: {env: huge}", false),
        (
            "config",
            "defaults: [config]\nmodel: {module: gat:GAT, params: {dropout: 0.2}}\nseed: \"${oc.env:SEED,3}\"",
            true,
        ),
        ("config", "model: {module: gat:GAT, params: {droput: 0.2}}", false),
        ("config", "trainer: {params: {learning_rate: fast}}", false),
        ("config", "trainer: {params: {learning_rate: 0.1}}", true),
        ("config", "trainer: {params: {learning_rat: 0.1}}", false),
        ("config", "sede: 1", false),
        ("config", "device: tpu", false),
    ];
    for (schema, text, expected) in cases {
        assert_eq!(fits(schema, text), expected, "{schema}: {text}");
    }
}

#[test]
fn plugins_of_others_join_and_the_folder_is_no_config_group() {
    let sandbox = Sandbox::new().with_plugin("faulty");
    let without = does(&sandbox, &["plugins", "schema"]);
    let with = does(&sandbox, &["plugins", "schema", "--plugin-dir", "plugins"]);
    assert!(!without.contains("faulty:") && with.contains("\"const\": \"faulty:"), "{with}");
    does(&sandbox, &["plugins", "schema", "--write"]);
    sandbox.write("configs/odd.yaml", "defaults: [{modle: gat}, _self_]\n");
    let said = sandbox.host(&["check", "configs/odd.yaml"]);
    said.is_error(2, &["groups in configs: data, evaluator, experiment, loss, model, trainer"]);
    sandbox.host(&["plugins", "schema", "--write", "nowhere"]).is_error(2, &["nowhere is no folder"]);
}

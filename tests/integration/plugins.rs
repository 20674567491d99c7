//! `plugins list`, `plugins inspect` and the completions.

use serde_json::Value;

use crate::support::Sandbox;

/// Every constructor that comes with the host, with its kind.
const CONSTRUCTORS: [(&str, &str); 11] = [
    ("evaluators:RankingEvaluator", "evaluator"),
    ("gat:GAT", "model"),
    ("graph_file:GraphFileLoader", "data_loader"),
    ("light_gcn:LightGCN", "model"),
    ("losses:BCEWithLogitsLoss", "loss"),
    ("losses:BPRLoss", "loss"),
    ("movielens:MovielensDataLoader", "data_loader"),
    ("popularity:Popularity", "model"),
    ("trainers:GATTrainer", "trainer"),
    ("trainers:SimpleTrainer", "trainer"),
    ("two_tower:TwoTower", "model"),
];

/// Runs the host to a good end; gives what it printed.
#[track_caller]
fn printed(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let said = sandbox.host(arguments);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.is_empty(), "{}", said.stderr);
    said.stdout
}

#[test]
fn list_names_every_constructor_with_version_and_kind() {
    let table = printed(&Sandbox::new(), &["plugins", "list"]);
    for (module, kind) in CONSTRUCTORS {
        let line =
            table.lines().find(|line| line.contains(module)).unwrap_or_else(|| panic!("no {module} in\n{table}"));
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[..3], [module, kind, "0.1.0"]);
    }
}

#[test]
fn list_as_json() {
    let list: Vec<Value> = serde_json::from_str(&printed(&Sandbox::new(), &["plugins", "list", "--json"])).unwrap();
    for (module, kind) in CONSTRUCTORS {
        let entry = list.iter().find(|entry| entry["module"] == module).unwrap_or_else(|| panic!("no {module}"));
        assert_eq!((entry["kind"].as_str(), entry["version"].as_str()), (Some(kind), Some("0.1.0")));
        let told = ["api", "built", "libtorch"].map(|key| entry[key].as_str());
        assert_eq!(told, [Some("1.0"), Some("1.1"), Some("2.11.0")]);
        assert!(std::path::Path::new(entry["path"].as_str().unwrap()).is_file(), "{entry}");
    }
    // The broken plugins of the tests are none of the user's.
    let broken =
        |entry: &Value| ["faulty:", "aborting:"].iter().any(|name| entry["module"].as_str().unwrap().starts_with(name));
    assert!(!list.iter().any(broken), "{list:?}");
}

#[test]
fn list_opens_no_library() {
    let sandbox = Sandbox::new().with_own_cache().with_plugin("aborting");
    let table = printed(&sandbox, &["--plugin-dir", "plugins", "plugins", "list"]);
    let line = table.lines().find(|line| line.contains("aborting:Aborts")).unwrap();
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>(),
        ["aborting:Aborts", "model", "0.1.0", "plugins/libaborting.so"]
    );
    printed(&sandbox, &["--plugin-dir", "plugins", "plugins", "list", "--json"]);
    // The proof that it does what it is there for: inspecting opens it, which ends the process by a signal.
    let opened = sandbox.host(&["--no-probe", "--plugin-dir", "plugins", "plugins", "inspect", "aborting"]);
    assert_eq!(opened.code, None, "{}", opened.stderr);
}

#[test]
fn a_plugin_that_aborts_disturbs_no_run_that_does_not_name_it() {
    let sandbox = Sandbox::new().with_own_cache().with_ratings(40, 30).with_plugin("aborting");
    sandbox.train(&["configs/config.yaml", "trainer.params.num_epochs=1", "--plugin-dir", "plugins"]);
    let missing =
        sandbox.host(&["train", "configs/config.yaml", "--plugin-dir", "plugins", "loss.module=aborting:Aborts"]);
    // Its kind is known without opening it, too.
    missing.is_error(2, &["`aborting:Aborts` is a model, but a loss is wanted here"]);
}

#[test]
fn inspect_a_library() {
    let text = printed(&Sandbox::new(), &["plugins", "inspect", "gat"]);
    for part in
        ["gat 0.1.0", "libgat.so", "plugin-api 1.1, libtorch 2.11.0", "gat:GAT (model)", "needs the graph", "num_heads"]
    {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    let row = text.lines().find(|line| line.trim_start().starts_with("dropout")).unwrap();
    assert!(row.contains("number") && row.contains("0.1") && row.contains("0.0 to 1.0"), "{row}");
}

#[test]
fn inspect_one_constructor_of_several() {
    let text = printed(&Sandbox::new(), &["plugins", "inspect", "losses:BPRLoss"]);
    assert!(text.contains("losses:BPRLoss (loss)") && text.contains("no parameters"), "{text}");
    assert!(!text.contains("BCEWithLogitsLoss"), "{text}");
}

#[test]
fn inspect_as_json_gives_the_schema() {
    let text = printed(&Sandbox::new(), &["plugins", "inspect", "two_tower:TwoTower", "--json"]);
    let constructors: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(constructors.len(), 1);
    assert_eq!(constructors[0]["module"], "two_tower:TwoTower");
    assert_eq!(constructors[0]["needs_graph"], false);
    let dropout = &constructors[0]["schema"]["properties"]["dropout"];
    assert_eq!((dropout["minimum"].as_f64(), dropout["maximum"].as_f64()), (Some(0.0), Some(1.0)));
    assert_eq!(dropout["default"].as_f64(), Some(0.1));
}

#[test]
fn inspect_what_is_not_there() {
    let sandbox = Sandbox::new();
    let parts = ["`losses` has no `BPRLos`; did you mean `losses:BPRLoss`?", "it has: BCEWithLogitsLoss, BPRLoss"];
    sandbox.host(&["plugins", "inspect", "losses:BPRLos"]).is_error(2, &parts);
    let parts = ["no usable plugin library `gatt`; did you mean `gat`?", "(the build): no libgatt.so"];
    sandbox.host(&["plugins", "inspect", "gatt"]).is_error(2, &parts);
}

#[test]
fn completions_for_bash() {
    let script = printed(&Sandbox::new(), &["completions", "bash"]);
    assert!(script.contains("complete -F _recsys_host recsys-host"));
    let sandbox = Sandbox::new();
    let path = sandbox.write("completions.bash", script);
    let checked = std::process::Command::new("bash").arg("-n").arg(path).status().unwrap();
    assert!(checked.success());
}

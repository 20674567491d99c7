//! The files of a new crate: the templates, filled in.
//!
//! A template is a plugin `my_plugin:MyPlugin`; the source files among them are Rust as they stand.

use std::path::Path;

use anyhow::bail;
use plugin_api::ComponentKind;

use super::name::PluginName;
use super::origin::{Origin, PluginApi};
use crate::cli::Usage;

const MANIFEST: &str = include_str!("templates/manifest.toml");
const CARGO_CONFIG: &str = include_str!("templates/cargo_config.toml");
const CONTRACT: &str = include_str!("templates/contract.rs");
const BUILD_SCRIPT: &str = include_str!("templates/build.rs");
const README: &str = include_str!("templates/README.md");
const CONFIG: &str = include_str!("templates/config.yaml");
const GITIGNORE: &str = "/target/\n/data/\n/runs/\n";

/// What differs from kind to kind.
struct OfKind {
    source: &'static str,
    /// The section of the config that the plugin stands in.
    section: &'static str,
    /// Its `params` there, a line each.
    params: &'static str,
    /// What the source is about, for the README.
    what: &'static str,
    /// The two places to begin with.
    edit: &'static str,
    /// Of `contract_test!`.
    arguments: &'static str,
}

/// The checks need parameters that have no default.
const EXAMPLE_PATH: &str = r#""--params", concat!("{\"path\": \"", env!("CARGO_MANIFEST_DIR"), "/example.csv\"}")"#;

fn of_kind(kind: ComponentKind) -> OfKind {
    match kind {
        ComponentKind::Model => OfKind {
            source: include_str!("templates/model.rs"),
            section: "model",
            params: "dim: 32",
            what: "a small model, matrix factorisation",
            edit: "`new` says what is learned, `encode` what is computed",
            arguments: "",
        },
        ComponentKind::Loss => OfKind {
            source: include_str!("templates/loss.rs"),
            section: "loss",
            params: "gamma: 2.0",
            what: "a small loss, the focal loss",
            edit: "`Params` says what can be set, `forward` what is computed",
            arguments: "",
        },
        ComponentKind::Trainer => OfKind {
            source: include_str!("templates/trainer.rs"),
            section: "trainer",
            params: "num_epochs: 50\n    learning_rate: 0.01",
            what: "a whole training loop, full-batch Adam",
            edit: "`Params` says what can be set, `fit` is the loop",
            arguments: "",
        },
        ComponentKind::DataLoader => OfKind {
            source: include_str!("templates/data_loader.rs"),
            section: "data",
            params: "path: example.csv   # relative to the folder that you run in",
            what: "a loader of CSV files with a user and an item a line",
            edit: "`read` makes edges of a file, `EdgeColumns` names their types",
            arguments: EXAMPLE_PATH,
        },
        ComponentKind::Evaluator => OfKind {
            source: include_str!("templates/evaluator.rs"),
            section: "evaluator",
            params: "k: 10",
            what: "a small evaluator, hit rate and mean reciprocal rank at k",
            edit: "`Params` says what can be set, `evaluate` what is computed",
            arguments: "",
        },
    }
}

/// The other sections of a config that trains with the plugin.
const SECTIONS: [(&str, &str); 5] = [
    ("data", "data:\n  module: movielens:MovielensDataLoader\n  params:\n    env: dev   # MovieLens 100K\n"),
    ("model", "model:\n  module: light_gcn:LightGCN\n  params:\n    embedding_dim: 32\n"),
    ("loss", "loss:\n  module: losses:BCEWithLogitsLoss\n"),
    ("trainer", "trainer:\n  module: trainers:GATTrainer\n  params:\n    num_epochs: 50\n    learning_rate: 0.01\n"),
    ("evaluator", "evaluator:\n  module: evaluators:RankingEvaluator\n"),
];

/// Paths relative to the crate's folder, and texts.
pub fn of(
    kind: ComponentKind,
    name: &PluginName,
    origin: &Origin,
    target_dir: Option<&Path>,
) -> anyhow::Result<Vec<(String, String)>> {
    let of_kind = of_kind(kind);
    let fill = |template: &str| {
        let template = template.replace("{{kind}}", kind.name()).replace("{{what}}", of_kind.what);
        let template = template.replace("{{edit}}", of_kind.edit).replace("{{target}}", &shown_target(target_dir));
        let template = template.replace("contract_test!()", &format!("contract_test!({})", of_kind.arguments));
        template.replace("my_plugin", &name.library).replace("MyPlugin", &name.constructor)
    };
    let mut files = vec![
        ("Cargo.toml".to_owned(), fill(MANIFEST).replace("{{dependencies}}\n", &dependencies(kind, origin)?)),
        (".cargo/config.toml".to_owned(), cargo_config(origin, target_dir)),
        (".gitignore".to_owned(), GITIGNORE.to_owned()),
        ("README.md".to_owned(), fill(README)),
        ("build.rs".to_owned(), BUILD_SCRIPT.to_owned()),
        ("src/lib.rs".to_owned(), fill(of_kind.source)),
        ("tests/contract.rs".to_owned(), fill(CONTRACT)),
        (format!("configs/{}.yaml", name.library), fill(&config(&of_kind))),
    ];
    if kind == ComponentKind::DataLoader {
        files.push(("example.csv".to_owned(), example()));
    }
    files.extend(origin.lock.clone().map(|lock| ("Cargo.lock".to_owned(), lock)));
    Ok(files)
}

fn dependencies(kind: ComponentKind, origin: &Origin) -> anyhow::Result<String> {
    let mut lines = match &origin.plugin_api {
        PluginApi::Folder(folder) => format!("plugin-api = {{ path = {} }}\n", quoted(folder)),
        PluginApi::Version(version) => format!("plugin-api = \"{version}\"\n"),
    };
    lines += "tch = { version = \"0.24\", default-features = false }\n";
    if kind == ComponentKind::DataLoader {
        let Some(graph_data) = origin.graph_data() else {
            bail!(Usage("a data loader splits its graph with graph_data of a checkout; name the folder plugin-api of one with --plugin-api".into()));
        };
        lines += &format!(
            "# Splits a graph as PyG's RandomLinkSplit does.\ngraph_data = {{ path = {} }}\n",
            quoted(&graph_data)
        );
    }
    Ok(lines)
}

fn cargo_config(origin: &Origin, target_dir: Option<&Path>) -> String {
    let text = CARGO_CONFIG.replace("{{libtorch}}", &quoted(&origin.libtorch));
    match target_dir {
        None => text,
        Some(folder) => format!("{text}\n[build]\ntarget-dir = {}\n", quoted(folder)),
    }
}

fn config(of_kind: &OfKind) -> String {
    let own = format!("{}:\n  module: my_plugin:MyPlugin\n  params:\n    {}\n", of_kind.section, of_kind.params);
    let section = |(key, text): &(&str, &str)| if *key == of_kind.section { own.clone() } else { (*text).to_owned() };
    let sections: Vec<String> = SECTIONS.iter().map(section).collect();
    CONFIG.replace("{{sections}}\n", &sections.concat())
}

/// Where the library lies, as a command would name it.
fn shown_target(target_dir: Option<&Path>) -> String {
    target_dir.unwrap_or(Path::new("target")).join("debug").display().to_string()
}

/// A TOML string; JSON's are.
fn quoted(path: &Path) -> String {
    serde_json::Value::from(path.display().to_string()).to_string()
}

/// Two tastes of users and items, with noise.
fn example() -> String {
    let mut text = "user,item\n".to_owned();
    for user in 0..60_u32 {
        for item in 0..40_u32 {
            let mixed = (user * 31 + item * 17 + user * item * 7) % 10;
            if mixed < if user % 2 == item % 2 { 6 } else { 1 } {
                text += &format!("user{user},item{item}\n");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another profile would compile libtorch's bindings anew.
    #[test]
    fn the_profile_is_that_of_the_workspace() {
        let workspace = include_str!("../../../Cargo.toml");
        let settings = |text: &str, section: &str| -> Vec<String> {
            let lines =
                text.lines().skip_while(|line| *line != section).skip(1).take_while(|line| !line.starts_with('['));
            lines.filter(|line| line.contains(" = ")).map(str::to_owned).collect()
        };
        for section in ["[profile.dev]", "[profile.dev.build-override]", "[profile.dev.package.torch-sys]"] {
            assert!(!settings(workspace, section).is_empty(), "{section}");
            assert_eq!(settings(MANIFEST, section), settings(workspace, section), "{section}");
        }
        let version = workspace.lines().find_map(|line| line.strip_prefix("tch = ")).unwrap();
        let lines = dependencies(ComponentKind::Model, &Origin::find(None).unwrap()).unwrap();
        assert!(lines.contains(&format!("tch = {version}")), "{lines}");
    }

    #[test]
    fn nothing_is_left_to_fill_in_and_models_are_short() {
        let origin = Origin::find(None).unwrap();
        let name = PluginName::parse("my_thing", origin.lock.as_deref()).unwrap();
        for kind in ComponentKind::ALL {
            for (path, text) in of(kind, &name, &origin, None).unwrap() {
                for left in ["{{", "}}", "my_plugin", "MyPlugin"] {
                    assert!(path == "Cargo.lock" || !text.contains(left), "{kind} {path}: {left}");
                }
            }
        }
        let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
        let n_lines = of_kind(ComponentKind::Model).source.lines().filter(is_code).count();
        assert!(n_lines < 40, "{n_lines} lines");
    }
}

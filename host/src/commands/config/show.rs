//! `recsys-host config show CONFIG [overrides] [--resolve] [--package P]`.

use crate::cli::ConfigArguments;
use crate::commands::print;
use crate::config::{compose, provenance, ConfigErrors, KeyPath, Node};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// With interpolations resolved, as a run would have it.
    #[arg(long)]
    resolve: bool,
    /// This part only: `model`, `trainer.params`.
    #[arg(long, value_name = "KEY")]
    package: Option<String>,
}

pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let request = super::request(arguments.config)?;
    let (composed, root);
    let (tree, to_yaml): (&Node, fn(&Node) -> String) = if arguments.resolve {
        composed = compose(&request)?;
        (composed.root(), provenance::to_yaml_resolved)
    } else {
        root = provenance::unresolved(&request)?;
        (&root, provenance::to_yaml_unresolved)
    };
    let Some(package) = &arguments.package else {
        print(to_yaml(tree).trim_end());
        return Ok(());
    };
    let key = KeyPath::parse(package);
    let part = tree.get(&key).ok_or_else(|| ConfigErrors::one(provenance::unknown_key(tree, &key)))?;
    print(&format!("# @package {key}\n{}", to_yaml(part).trim_end()));
    Ok(())
}

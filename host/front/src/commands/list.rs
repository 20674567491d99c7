//! `recsys-host plugins list`.

use serde_json::json;

use crate::plugins::SearchPath;
use crate::table::table;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, search_path: &SearchPath) -> anyhow::Result<()> {
    let mut rows = table(&["module", "kind", "version", "file"]);
    let mut listed = Vec::new();
    for candidate in search_path.candidates() {
        let identity = match candidate.identity {
            Ok(identity) => identity,
            Err(refusal) => {
                log::warn!("{}: {refusal}", candidate.path.display());
                continue;
            }
        };
        for (kind, name) in &identity.constructors {
            let (module, file) = (format!("{}:{name}", identity.name), candidate.path.display().to_string());
            rows.add_row([module.as_str(), kind.name(), &identity.version, &file]);
            listed.push(json!({
                "module": module, "kind": kind.name(), "version": identity.version, "path": file,
                "api": identity.api.to_string(), "built": identity.built.to_string(), "libtorch": identity.libtorch, "rustc": identity.rustc,
                "license": identity.license, "authors": identity.authors, "description": identity.description,
            }));
        }
    }
    if arguments.json {
        crate::output::print(&serde_json::to_string_pretty(&listed)?);
    } else if listed.is_empty() {
        log::warn!("there are no plugins; build them with `make plugins`, or name their folder with --plugin-dir");
    } else {
        crate::output::print(&rows.to_string());
    }
    Ok(())
}

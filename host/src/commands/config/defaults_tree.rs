//! `recsys-host config defaults-tree CONFIG [overrides]`.

use crate::cli::ConfigArguments;
use crate::commands::print;
use crate::config::provenance;
use crate::terminal::table::table;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
}

pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let request = super::request(arguments.config)?;
    let mut rows = table(&["entry", "goes to", "file"]);
    for line in provenance::defaults_tree(&request)? {
        let entry = format!("{}{}", "  ".repeat(line.depth), line.entry);
        let package = match line.package.as_deref() {
            None => "",
            Some("") => "(top level)",
            Some(package) => package,
        };
        let file = if line.entry == "_self_" { String::new() } else { line.file.display().to_string() };
        rows.add_row([entry.as_str(), package, &file]);
    }
    print(&rows.to_string());
    Ok(())
}

//! `recsys-host config explain KEY [CONFIG] [overrides]`.

use serde_json::json;

use crate::cli::ConfigArguments;
use crate::commands::print;
use crate::config::provenance::{self, History, Step};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// `model.params.dropout`, or a section.
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    config: ConfigArguments,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let request = super::request(arguments.config)?;
    let histories = provenance::explain(&request, &arguments.key)?;
    if arguments.json {
        let all: Vec<_> = histories.iter().map(json_of).collect();
        print(&serde_json::to_string_pretty(&all)?);
    } else {
        print(&histories.iter().map(text_of).collect::<Vec<_>>().join("\n\n"));
    }
    Ok(())
}

fn text_of(history: &History) -> String {
    let last = history.steps.last().and_then(|step| step.value.as_deref());
    let value = match (&history.resolved, last) {
        (Some(resolved), Some(raw)) => format!(" = {} (resolved: {})", in_line(raw), in_line(resolved)),
        (None, Some(raw)) => format!(" = {}", in_line(raw)),
        (_, None) => " is removed".to_owned(),
    };
    let lines = history.steps.iter().enumerate().map(|(index, step)| line_of(index, step));
    format!("{}{value}\n{}", history.key, lines.collect::<Vec<_>>().join("\n"))
}

fn line_of(index: usize, step: &Step) -> String {
    let value = step.value.as_deref().map_or("(removed)".to_owned(), in_line);
    let brought = match &step.brought_by {
        Some((entry, origin)) => format!("\n       `{entry}`, chosen at {origin}"),
        None => String::new(),
    };
    format!("  {:>2}. {}: {value}{brought}", index + 1, step.origin)
}

/// Lists of several lines are one.
fn in_line(yaml: &str) -> String {
    match yaml.strip_prefix("- ") {
        Some(items) => format!("[{}]", items.replace("\n- ", ", ")),
        None => yaml.replace('\n', " "),
    }
}

fn json_of(history: &History) -> serde_json::Value {
    let step = |step: &Step| {
        json!({
            "value": step.value, "at": step.origin.to_string(),
            "entry": step.brought_by.as_ref().map(|(entry, _)| entry),
            "chosen_at": step.brought_by.as_ref().map(|(_, origin)| origin.to_string()),
        })
    };
    json!({
        "key": history.key.to_string(), "resolved": history.resolved,
        "steps": history.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

//! `recsys-host plugins inspect`.

use std::io::IsTerminal;
use std::path::Path;

use serde_json::{json, Value};

use crate::cli::Usage;
use crate::commands::print;
use crate::config::ModuleRef;
use crate::plugins::{Constructor, Identity, Registry, SearchPath};
use crate::terminal::table::table;
use crate::terminal::LOG_SINK;

/// The width of tables of parameters where there is no terminal to tell one.
const WIDTH: u16 = 120;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// `LIBRARY` or `LIBRARY:CONSTRUCTOR`.
    module: String,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, search_path: SearchPath) -> anyhow::Result<()> {
    let module = arguments.module.as_str();
    let (library, wanted) = module.split_once(':').map_or((module, None), |(library, name)| (library, Some(name)));
    let (path, identity) = search_path.find(library).map_err(|error| Usage(error.to_string()))?;
    let mut registry = Registry::new(search_path, LOG_SINK);
    let chosen: Vec<_> =
        identity.constructors.iter().filter(|(_, name)| wanted.is_none_or(|wanted| wanted == name)).collect();
    if let (true, Some(wanted)) = (chosen.is_empty(), wanted) {
        let names: Vec<_> = identity.constructors.iter().map(|(_, name)| name.as_str()).collect();
        let hint = crate::config::nearest(wanted, names.iter().copied());
        let hint = hint.map_or_else(String::new, |name| format!("; did you mean `{library}:{name}`?"));
        return Err(Usage(format!("`{library}` has no `{wanted}`{hint} (it has: {})", names.join(", "))).into());
    }
    let mut constructors = Vec::new();
    for (kind, name) in chosen {
        let module = ModuleRef { library: library.to_owned(), constructor: name.clone() };
        constructors.push(registry.constructor(&module, *kind)?);
    }
    if arguments.json {
        let all: Vec<_> = constructors.iter().map(|constructor| as_value(constructor, &identity, &path)).collect();
        print(&serde_json::to_string_pretty(&all)?);
    } else {
        print(&head(&identity, &path));
        constructors.iter().for_each(|constructor| print(&describe(constructor)));
    }
    Ok(())
}

fn as_value(constructor: &Constructor, identity: &Identity, path: &Path) -> Value {
    json!({
        "module": constructor.module.to_string(), "kind": constructor.kind.name(), "doc": constructor.doc,
        "needs_graph": constructor.needs_graph, "passes_graph": constructor.passes_graph,
        "version": identity.version, "path": path.display().to_string(), "schema": constructor.schema,
    })
}

fn head(identity: &Identity, path: &Path) -> String {
    format!(
        "{} {}  {}\n  file      {}\n  authors   {}\n  license   {}\n  built     plugin-api {}, libtorch {}, {}",
        identity.name,
        identity.version,
        identity.description,
        path.display(),
        identity.authors,
        identity.license,
        identity.api,
        identity.libtorch,
        identity.rustc
    )
}

fn describe(constructor: &Constructor) -> String {
    let mut text = format!("\n{} ({})\n", constructor.module, constructor.kind);
    // Doc comments are broken where the source is; paragraphs are what counts.
    let paragraphs = constructor.doc.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty());
    paragraphs.for_each(|paragraph| text += &format!("  {}\n", one_line(paragraph)));
    if constructor.needs_graph {
        text += "  needs the graph\n";
    }
    if constructor.passes_graph {
        text += "  passes the graph to the model\n";
    }
    let properties = constructor.schema.get("properties").and_then(Value::as_object);
    let Some(properties) = properties.filter(|properties| !properties.is_empty()) else {
        return text + "  no parameters";
    };
    let mut rows = table(&["parameter", "type", "default", "range", "what"]);
    if !std::io::stdout().is_terminal() {
        rows.set_width(WIDTH);
    }
    for (name, property) in properties {
        let default = property.get("default").map_or_else(String::new, Value::to_string);
        let doc = property.get("description").and_then(Value::as_str).unwrap_or_default();
        rows.add_row([
            name.clone(),
            type_of(property, &constructor.schema),
            default,
            range_of(property),
            one_line(doc),
        ]);
    }
    text + &rows.to_string()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn type_of(property: &Value, schema: &Value) -> String {
    if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
        let target = schema.pointer(reference.trim_start_matches('#'));
        return target.map_or_else(|| reference.to_owned(), |target| type_of(target, schema));
    }
    if let Some(options) = property.get("enum").and_then(Value::as_array) {
        return options.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | ");
    }
    if let Some(options) = property.get("oneOf").or(property.get("anyOf")).and_then(Value::as_array) {
        let one = |option: &Value| match option.get("const").and_then(Value::as_str) {
            Some(name) => name.to_owned(),
            None => type_of(option, schema),
        };
        return options.iter().map(one).collect::<Vec<_>>().join(" | ");
    }
    match property.get("type") {
        Some(Value::String(name)) if name == "array" => {
            format!("list of {}", property.get("items").map_or_else(|| "any".into(), |items| type_of(items, schema)))
        }
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        Some(_) | None => "any".into(),
    }
}

fn range_of(property: &Value) -> String {
    let bound = |inclusive: &'static str, exclusive: &'static str| {
        let of = |name: &'static str| Some((name, property.get(name)?));
        of(inclusive).or(of(exclusive))
    };
    let low = bound("minimum", "exclusiveMinimum");
    let high = bound("maximum", "exclusiveMaximum");
    let sign = |name: &str, inclusive: &'static str, exclusive: &'static str| {
        if name.starts_with("exclusive") {
            exclusive
        } else {
            inclusive
        }
    };
    match (low, high) {
        (Some((_, low)), Some((_, high))) => format!("{low} to {high}"),
        (Some((name, low)), None) => format!("{} {low}", sign(name, "at least", "above")),
        (None, Some((name, high))) => format!("{} {high}", sign(name, "at most", "below")),
        (None, None) => String::new(),
    }
}

//! `recsys-host plugins inspect`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use serde_json::{json, Value};

use crate::cli::Usage;
use crate::commands::print;
use crate::config::ModuleRef;
use crate::plugins::schema::{one_line, parameters};
use crate::plugins::{Constructor, Identity, Registry, SearchPath};
use crate::terminal::table::table;
use crate::terminal::LOG_SINK;

/// The width of tables of parameters where there is no terminal to tell one.
const WIDTH: u16 = 120;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A library of the search path or the path of a file, `gat` or `target/debug/libgat.so`; with `:CONSTRUCTOR` one alone.
    #[arg(value_name = "LIBRARY[:CONSTRUCTOR]")]
    module: String,
    /// Print JSON instead of tables.
    #[arg(long, conflicts_with = "schema")]
    json: bool,
    /// Print the JSON Schema of the parameters; of several constructors, by module.
    #[arg(long)]
    schema: bool,
}

pub fn run(arguments: &Arguments, search_path: SearchPath) -> anyhow::Result<()> {
    let Wanted { library, constructor, search_path } = Wanted::parse(&arguments.module, search_path)?;
    let (path, identity) = search_path.find(&library).map_err(|error| Usage(error.to_string()))?;
    let constructors = open(&identity, &library, constructor.as_deref(), search_path)?;
    if arguments.schema {
        print(&serde_json::to_string_pretty(&schemas(&constructors))?);
    } else if arguments.json {
        let all: Vec<_> = constructors.iter().map(|constructor| as_value(constructor, &identity, &path)).collect();
        print(&serde_json::to_string_pretty(&all)?);
    } else {
        print(&head(&identity, &path));
        constructors.iter().for_each(|constructor| print(&describe(constructor)));
    }
    Ok(())
}

/// What the argument names, and where it is to be looked for.
struct Wanted {
    library: String,
    constructor: Option<String>,
    search_path: SearchPath,
}

impl Wanted {
    fn parse(module: &str, search_path: SearchPath) -> Result<Self, Usage> {
        // A folder may have a colon in its name.
        let split = module.rsplit_once(':').filter(|(_, after)| !after.contains(['/', '.']));
        let (name, constructor) = split.map_or((module, None), |(name, after)| (name, Some(after.to_owned())));
        if !name.contains('/') && !name.ends_with(".so") {
            return Ok(Self { library: name.to_owned(), constructor, search_path });
        }
        let path = PathBuf::from(name);
        // Otherwise a good file of the same name elsewhere would be shown in its place.
        Identity::read(&path).map_err(|refusal| Usage(format!("{name}: {refusal}")))?;
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        let library = file.strip_prefix("lib").and_then(|file| file.strip_suffix(".so"));
        let library = library.ok_or_else(|| Usage(format!("{name}: a plugin's file is named libNAME.so")))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self { library: library.to_owned(), constructor, search_path: SearchPath::new(&[folder.to_owned()]) })
    }
}

/// The wanted constructor, or all.
fn open(
    identity: &Identity,
    library: &str,
    wanted: Option<&str>,
    search_path: SearchPath,
) -> anyhow::Result<Vec<Constructor>> {
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
    Ok(constructors)
}

fn schemas(constructors: &[Constructor]) -> Value {
    match constructors {
        [only] => only.schema.clone(),
        several => several.iter().map(|one| (one.module.to_string(), one.schema.clone())).collect(),
    }
}

fn as_value(constructor: &Constructor, identity: &Identity, path: &Path) -> Value {
    json!({
        "module": constructor.module.to_string(), "kind": constructor.kind.name(), "doc": constructor.doc,
        "needs_graph": constructor.needs_graph, "passes_graph": constructor.passes_graph, "devices": DEVICES,
        "library": identity.name, "version": identity.version, "description": identity.description,
        "authors": identity.authors, "license": identity.license, "api": identity.api.to_string(),
        "built": identity.built.to_string(),
        "libtorch": identity.libtorch, "rustc": identity.rustc, "path": path.display().to_string(),
        "parameters": parameters(&constructor.schema), "schema": constructor.schema,
    })
}

/// No plugin can exclude one: each is given the device of the run.
const DEVICES: [&str; 2] = ["cpu", "cuda"];

fn head(identity: &Identity, path: &Path) -> String {
    let stated = |text: &str| if text.is_empty() { "(not stated)".to_owned() } else { text.to_owned() };
    format!(
        "{} {}  {}\n  file      {}\n  authors   {}\n  license   {}\n  built     plugin-api {}, libtorch {}, {}",
        identity.name,
        identity.version,
        identity.description,
        path.display(),
        stated(&identity.authors),
        stated(&identity.license),
        identity.built,
        identity.libtorch,
        identity.rustc
    )
}

fn describe(constructor: &Constructor) -> String {
    let mut text = format!("\n{} ({})\n", constructor.module, constructor.kind);
    let paragraphs = constructor.doc.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty());
    paragraphs.for_each(|paragraph| text += &format!("  {}\n", one_line(paragraph)));
    if constructor.needs_graph {
        text += "  needs the graph: train it with a trainer that passes it\n";
    }
    if constructor.passes_graph {
        text += "  passes the graph to the model\n";
    }
    text += &format!("  runs on {}, as the run does\n", DEVICES.join(" or "));
    let parameters = parameters(&constructor.schema);
    if parameters.is_empty() {
        return text + "  no parameters";
    }
    let mut rows = table(&["parameter", "type", "range", "default", "unit", "what"]);
    if !std::io::stdout().is_terminal() {
        rows.set_width(WIDTH);
    }
    for parameter in parameters {
        let default = match (parameter.default, parameter.required) {
            (Some(default), _) => default.to_string(),
            (None, true) => "(must be given)".to_owned(),
            (None, false) => String::new(),
        };
        rows.add_row([parameter.name, parameter.type_name, parameter.range, default, parameter.unit, parameter.doc]);
    }
    text + &rows.to_string()
}

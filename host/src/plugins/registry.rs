//! [`Registry`]: constructors by `library:Constructor`, each library opened once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plugin_api::abi::logger::LogSink;
use plugin_api::abi::module::PluginLibrary;
use plugin_api::record::Record;
use plugin_api::ComponentKind;
use serde_json::Value;

use crate::config::{nearest, ModuleRef};
use crate::plugins::library::{self, OpenError};
use crate::plugins::search::NotFound;
use crate::plugins::{Identity, SearchPath};

/// The libraries in use.
pub struct Registry {
    search_path: SearchPath,
    sink: LogSink,
    opened: BTreeMap<String, OpenLibrary>,
}

/// A library in use, for `run.json`.
#[derive(Clone)]
pub struct OpenLibrary {
    pub path: PathBuf,
    pub identity: Identity,
    library: PluginLibrary,
}

/// A constructor of the wanted kind, ready to be called.
#[derive(Clone)]
pub struct Constructor {
    pub module: ModuleRef,
    pub kind: ComponentKind,
    pub doc: String,
    /// JSON Schema of its parameters.
    pub schema: Value,
    /// Of a model: it reads edges.
    pub needs_graph: bool,
    /// Of a trainer: it gives the model edges.
    pub passes_graph: bool,
    pub library: PluginLibrary,
}

#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error("{}: {cause}", path.display())]
    Open { path: PathBuf, cause: Box<OpenError> },
    #[error("library `{library}` ({}) has no constructor `{constructor}`{}\n  it has: {}", path.display(),
        suggestion(.constructor, .there), list(.there))]
    NoConstructor { library: String, path: PathBuf, constructor: String, there: Vec<(ComponentKind, String)> },
    #[error("`{module}` is a {found}, but a {wanted} is wanted here\n  of that kind there are: {}",
        if .others.is_empty() { "(none)".into() } else { .others.join(", ") })]
    WrongKind { module: String, found: ComponentKind, wanted: ComponentKind, others: Vec<String> },
    #[error("{}: {message}", path.display())]
    Describe { path: PathBuf, message: String },
}

fn suggestion(constructor: &str, there: &[(ComponentKind, String)]) -> String {
    let names = there.iter().map(|(_, name)| name.as_str());
    nearest(constructor, names).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn list(there: &[(ComponentKind, String)]) -> String {
    there.iter().map(|(kind, name)| format!("{name} ({kind})")).collect::<Vec<_>>().join(", ")
}

impl Registry {
    pub fn new(search_path: SearchPath, sink: LogSink) -> Self {
        Self { search_path, sink, opened: BTreeMap::new() }
    }

    pub fn opened(&self) -> impl Iterator<Item = &OpenLibrary> {
        self.opened.values()
    }

    /// Finds `module`, checks by its library's note that it is of the wanted kind, opens the library and asks for the
    /// constructor's schema.
    pub fn constructor(&mut self, module: &ModuleRef, wanted: ComponentKind) -> Result<Constructor, RegistryError> {
        let (path, identity) = match self.opened.get(&module.library) {
            Some(open) => (open.path.clone(), open.identity.clone()),
            None => self.search_path.find(&module.library)?,
        };
        let of_name = |kind: Option<ComponentKind>| {
            let mut there = identity.constructors.iter().filter(|(_, name)| *name == module.constructor);
            there.find(|(found, _)| kind.is_none_or(|kind| kind == *found)).map(|(found, _)| *found)
        };
        match (of_name(Some(wanted)), of_name(None)) {
            (Some(_), _) => {}
            (None, Some(found)) => {
                let others = self.of_kind(wanted);
                return Err(RegistryError::WrongKind { module: module.to_string(), found, wanted, others });
            }
            (None, None) => {
                return Err(RegistryError::NoConstructor {
                    library: module.library.clone(),
                    constructor: module.constructor.clone(),
                    path,
                    there: identity.constructors,
                });
            }
        }
        let library = self.open(&module.library, &path, identity)?;
        let description = describe(library, &module.constructor, wanted);
        description.map_err(|message| RegistryError::Describe { path, message }).map(|record| Constructor {
            module: module.clone(),
            kind: wanted,
            doc: record.texts.get("doc").cloned().unwrap_or_default(),
            schema: record.texts.get("schema").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
            needs_graph: record.texts.get("needs_graph").is_some_and(|text| text == "true"),
            passes_graph: record.texts.get("passes_graph").is_some_and(|text| text == "true"),
            library,
        })
    }

    fn open(&mut self, name: &str, path: &Path, identity: Identity) -> Result<PluginLibrary, RegistryError> {
        if let Some(open) = self.opened.get(name) {
            return Ok(open.library);
        }
        let library = library::open(path, self.sink)
            .map_err(|cause| RegistryError::Open { path: path.to_owned(), cause: Box::new(cause) })?;
        log::debug!("opened {} ({} {})", path.display(), identity.name, identity.version);
        self.opened.insert(name.to_owned(), OpenLibrary { path: path.to_owned(), identity, library });
        Ok(library)
    }

    /// `library:Constructor` of every constructor of a kind on the search path, by their notes.
    fn of_kind(&self, kind: ComponentKind) -> Vec<String> {
        let candidates = self.search_path.candidates();
        let identities = candidates.into_iter().filter_map(|candidate| candidate.identity.ok());
        let of_kind = |identity: Identity| {
            let constructors = identity.constructors.into_iter().filter(move |(found, _)| *found == kind);
            constructors.map(move |(_, name)| format!("{}:{name}", identity.name))
        };
        identities.flat_map(of_kind).collect()
    }
}

fn describe(library: PluginLibrary, constructor: &str, kind: ComponentKind) -> Result<Record, String> {
    let described = library.describe().map_err(|error| error.to_string())?;
    let is_wanted = |record: &Record| {
        let text = |name: &str| record.texts.get(name).map(String::as_str);
        text("name") == Some(constructor) && text("kind") == Some(kind.name())
    };
    let found = described.into_iter().find(is_wanted);
    found.ok_or_else(|| format!("its note lists {constructor} ({kind}), but the library itself does not"))
}

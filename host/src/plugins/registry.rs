//! [`Registry`]: constructors by `library:Constructor`, each library opened once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use plugin_api::abi::logger::LogSink;
use plugin_api::abi::module::PluginLibrary;
use plugin_api::ComponentKind;
use serde_json::Value;

use crate::config::{nearest, ModuleRef};
use crate::plugins::admission::{admit, Admitted, LibraryFile, Rejection};
use crate::plugins::library::{self, OpenError};
use crate::plugins::search::NotFound;
use crate::plugins::{Identity, SearchPath};

/// The libraries in use.
pub struct Registry {
    search_path: SearchPath,
    sink: LogSink,
    /// By path: what was looked at and is not open yet.
    looked_at: BTreeMap<PathBuf, Result<Admitted, Rejection>>,
    opened: BTreeMap<String, OpenLibrary>,
    /// Opened by child processes, which find them by these handles.
    lent: Vec<Admitted>,
}

#[derive(Clone)]
struct OpenLibrary {
    file: LibraryFile,
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
    #[error(transparent)]
    Rejected(#[from] Rejection),
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
        Self { search_path, sink, looked_at: BTreeMap::new(), opened: BTreeMap::new(), lent: Vec::new() }
    }

    /// The libraries in use, for `run.json`.
    pub fn in_use(&self) -> impl Iterator<Item = &LibraryFile> {
        self.opened.values().map(|open| &open.file).chain(self.lent.iter().map(|lent| &lent.file))
    }

    pub fn search_path_mut(&mut self) -> &mut SearchPath {
        &mut self.search_path
    }

    /// Looks at the libraries of all these constructors at once, so that those never seen before share one child process. What is
    /// wrong with one of them is told when it is asked for.
    pub fn look_at(&mut self, wanted: &[(&ModuleRef, ComponentKind)]) {
        let of_one = |(module, kind): &(&ModuleRef, ComponentKind)| {
            let is_new = !self.opened.contains_key(&module.library);
            let found = is_new.then(|| self.find(module, *kind).ok()).flatten();
            found.map(|(path, _)| (path, module.library.clone()))
        };
        let mut files: Vec<_> = wanted.iter().filter_map(of_one).collect();
        files.sort();
        files.dedup();
        let looked_at = admit(&files);
        self.looked_at.extend(files.into_iter().map(|(path, _)| path).zip(looked_at));
    }

    /// Finds `module`, checks by its library's note that it is of the wanted kind, opens the library and asks for the
    /// constructor's schema.
    pub fn constructor(&mut self, module: &ModuleRef, wanted: ComponentKind) -> Result<Constructor, RegistryError> {
        let OpenLibrary { file, library } = self.library(module, wanted)?;
        let fault = |message| RegistryError::Describe { path: file.path.clone(), message };
        let described = library.describe().map_err(|error| fault(error.to_string()))?;
        let described: Vec<Texts> = described.into_iter().map(|record| record.texts).collect();
        let texts = description(&described, module, wanted).map_err(fault)?;
        Ok(Constructor {
            module: module.clone(),
            kind: wanted,
            doc: texts.get("doc").cloned().unwrap_or_default(),
            schema: schema(texts),
            needs_graph: texts.get("needs_graph").is_some_and(|text| text == "true"),
            passes_graph: texts.get("passes_graph").is_some_and(|text| text == "true"),
            library,
        })
    }

    /// Where a child process finds the library of `module`, which this process does not open.
    pub fn lend(&mut self, module: &ModuleRef, wanted: ComponentKind) -> Result<PathBuf, RegistryError> {
        let admitted = self.admitted(module, wanted)?;
        let place = admitted.place_for_others();
        self.lent.push(admitted);
        Ok(place)
    }

    /// The library of `module`, opened if it is not.
    fn library(&mut self, module: &ModuleRef, wanted: ComponentKind) -> Result<OpenLibrary, RegistryError> {
        if self.opened.contains_key(&module.library) {
            self.find(module, wanted)?;
        }
        if let Some(open) = self.opened.get(&module.library) {
            return Ok(open.clone());
        }
        let admitted = self.admitted(module, wanted)?;
        self.open(&module.library, admitted)
    }

    /// The file of `module`, once it may be opened. Where the first one dies in the child process, the next one is tried.
    fn admitted(&mut self, module: &ModuleRef, wanted: ComponentKind) -> Result<Admitted, RegistryError> {
        let mut former: Option<(PathBuf, Rejection)> = None;
        loop {
            let (path, _) = self.find(module, wanted)?;
            former = match former {
                // The search would have passed over it, if the cache could be written.
                Some((tried, rejection)) if tried == path => return Err(rejection.into()),
                Some(_) | None => match self.admit(&path, &module.library) {
                    Ok(admitted) => return Ok(admitted),
                    Err(rejection) if rejection.is_quarantine() => Some((path, rejection)),
                    Err(rejection) => return Err(rejection.into()),
                },
            }
        }
    }

    /// The file with the constructor, and its note, which says that it is of the wanted kind.
    fn find(&self, module: &ModuleRef, wanted: ComponentKind) -> Result<(PathBuf, Identity), RegistryError> {
        let (path, identity) = match self.opened.get(&module.library) {
            Some(OpenLibrary { file, .. }) => (file.path.clone(), file.identity.clone()),
            None => self.search_path.find(&module.library)?,
        };
        let of_name = |kind: Option<ComponentKind>| {
            let mut there = identity.constructors.iter().filter(|(_, name)| *name == module.constructor);
            there.find(|(found, _)| kind.is_none_or(|kind| kind == *found)).map(|(found, _)| *found)
        };
        match (of_name(Some(wanted)), of_name(None)) {
            (Some(_), _) => Ok((path, identity)),
            (None, Some(found)) => {
                let others = self.of_kind(wanted);
                Err(RegistryError::WrongKind { module: module.to_string(), found, wanted, others })
            }
            (None, None) => Err(RegistryError::NoConstructor {
                library: module.library.clone(),
                constructor: module.constructor.clone(),
                path,
                there: identity.constructors,
            }),
        }
    }

    fn admit(&mut self, path: &std::path::Path, library: &str) -> Result<Admitted, Rejection> {
        let looked_at = self.looked_at.remove(path);
        let looked_at = looked_at.or_else(|| admit(&[(path.to_owned(), library.to_owned())]).pop());
        looked_at.unwrap_or_else(|| Err(Rejection::Replaced(path.to_owned())))
    }

    fn open(&mut self, name: &str, admitted: Admitted) -> Result<OpenLibrary, RegistryError> {
        let file = admitted.file.clone();
        let library = library::open_admitted(admitted, self.sink)
            .map_err(|cause| RegistryError::Open { path: file.path.clone(), cause: Box::new(cause) })?;
        log::debug!("opened {} ({} {})", file.path.display(), file.identity.name, file.identity.version);
        let open = OpenLibrary { file, library };
        self.opened.insert(name.to_owned(), open.clone());
        Ok(open)
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

/// Texts by name, as a library describes a constructor.
pub type Texts = BTreeMap<String, String>;

/// What a library says of a constructor.
pub fn description<'a>(described: &'a [Texts], module: &ModuleRef, kind: ComponentKind) -> Result<&'a Texts, String> {
    let is_wanted = |texts: &&Texts| {
        let text = |name: &str| texts.get(name).map(String::as_str);
        text("name") == Some(module.constructor.as_str()) && text("kind") == Some(kind.name())
    };
    let missing = || format!("its note lists {} ({kind}), but the library itself does not", module.constructor);
    described.iter().find(is_wanted).ok_or_else(missing)
}

/// The JSON Schema of a constructor's parameters.
pub fn schema(texts: &Texts) -> Value {
    texts.get("schema").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

//! Who a file says it is: the note section that `export_plugin!` writes, read with the crate `object`; no code of the file runs.

use std::path::Path;

use object::read::elf::ElfFile64;
use object::{Architecture, Object, ObjectSection, ObjectSymbol, ReadCache};
use plugin_api::abi::note;
use plugin_api::{ApiVersion, ComponentKind, API_VERSION, LIBTORCH_VERSION};

/// The identity note of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The library's name in configs.
    pub name: String,
    pub version: String,
    pub api: ApiVersion,
    pub libtorch: String,
    pub rustc: String,
    pub authors: String,
    pub license: String,
    pub description: String,
    pub constructors: Vec<(ComponentKind, String)>,
}

/// Why a file is not opened.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("no whole 64-bit ELF library ({0}); it may be truncated: build it again")]
    NotElf(String),
    #[error("built for {found}, this host runs on {host}")]
    Architecture { found: String, host: &'static str },
    #[error(
        "no recsys-host plugin: it has no section `{}`; does its lib.rs end with `export_plugin!`?",
        note::SECTION
    )]
    NoNote,
    #[error("its identity note cannot be read: {0}")]
    BadNote(String),
    #[error(
        "built with plugin-api {found}, this host speaks {}; rebuild it against this host's plugin-api",
        API_VERSION
    )]
    Api { found: ApiVersion },
    #[error(
        "built with libtorch {found}, this host runs {}; rebuild it with LIBTORCH pointing at this host's .libtorch",
        LIBTORCH_VERSION
    )]
    Libtorch { found: String },
    #[error("built with panic = \"abort\", so its panics would end the host; build it with panic = \"unwind\"")]
    PanicAbort,
    #[error("it carries a libtorch of its own; link the host's dynamically")]
    BundlesLibtorch,
    #[error("it says it is `{name}`, version {version}; name the file lib{name}.so")]
    Renamed { name: String, version: String },
}

impl Identity {
    /// Reads the note and checks that this host may open the file.
    pub fn read(path: &Path) -> Result<Self, Refusal> {
        // Reads headers and the note only, not the megabytes between.
        let cache = ReadCache::new(std::fs::File::open(path)?);
        let elf =
            ElfFile64::<object::Endianness, _>::parse(&cache).map_err(|error| Refusal::NotElf(error.to_string()))?;
        let architecture = elf.architecture();
        if architecture != host_architecture() {
            let found = format!("{architecture:?}").to_lowercase();
            return Err(Refusal::Architecture { found, host: std::env::consts::ARCH });
        }
        let section = elf.section_by_name(note::SECTION).ok_or(Refusal::NoNote)?;
        let section = section.data().map_err(|error| Refusal::NotElf(error.to_string()))?;
        let text = note::description(section).ok_or_else(|| Refusal::BadNote("it is malformed".into()))?;
        let identity = Self::parse(text)?;
        let own_torch = elf
            .dynamic_symbols()
            .any(|symbol| symbol.is_definition() && symbol.name().is_ok_and(|name| name == "aoti_torch_abi_version"));
        if own_torch {
            return Err(Refusal::BundlesLibtorch);
        }
        Ok(identity)
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let lines = || text.lines().filter_map(|line| line.split_once('='));
        let value = |key: &str| {
            let found = lines().find(|(name, _)| *name == key).map(|(_, value)| value.to_owned());
            found.ok_or_else(|| Refusal::BadNote(format!("it does not tell `{key}`")))
        };
        let api: ApiVersion =
            value("api")?.parse().map_err(|error: plugin_api::PluginError| Refusal::BadNote(error.message))?;
        if !API_VERSION.accepts(api) {
            return Err(Refusal::Api { found: api });
        }
        let libtorch = value("libtorch")?;
        if libtorch != LIBTORCH_VERSION {
            return Err(Refusal::Libtorch { found: libtorch });
        }
        if value("panic")? == "abort" {
            return Err(Refusal::PanicAbort);
        }
        // Keys of kinds that this host does not know are passed over: a later minor version may add some.
        let constructors = lines().filter_map(|(key, name)| Some((ComponentKind::from_name(key)?, name.to_owned())));
        Ok(Self {
            name: value("name")?,
            version: value("version")?,
            api,
            libtorch,
            rustc: value("rustc")?,
            authors: value("authors").unwrap_or_default(),
            license: value("license").unwrap_or_default(),
            description: value("description").unwrap_or_default(),
            constructors: constructors.collect(),
        })
    }
}

fn host_architecture() -> Architecture {
    if cfg!(target_arch = "aarch64") {
        Architecture::Aarch64
    } else {
        Architecture::X86_64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(api: &str, libtorch: &str, panic: &str) -> String {
        format!("name=gat\nversion=0.1.0\napi={api}\nlibtorch={libtorch}\nrustc=rustc 1.95\npanic={panic}\nmodel=GAT\nstrategy=New\n")
    }

    #[test]
    fn what_a_note_must_tell() {
        let good = Identity::parse(&note("1.0", LIBTORCH_VERSION, "unwind")).unwrap();
        assert_eq!(good.constructors, [(ComponentKind::Model, "GAT".to_owned())]);
        assert!(matches!(Identity::parse(&note("2.0", LIBTORCH_VERSION, "unwind")), Err(Refusal::Api { .. })));
        assert!(matches!(Identity::parse(&note("1.9", LIBTORCH_VERSION, "unwind")), Err(Refusal::Api { .. })));
        assert!(matches!(Identity::parse(&note("1.0", "2.10.0", "unwind")), Err(Refusal::Libtorch { .. })));
        assert!(matches!(Identity::parse(&note("1.0", LIBTORCH_VERSION, "abort")), Err(Refusal::PanicAbort)));
        assert!(matches!(Identity::parse("name=gat"), Err(Refusal::BadNote(_))));
    }
}

//! Who a file says it is: the note section that `export_plugin!` writes, read with the crate `object`; no code of the file runs.

use std::fs::File;
use std::path::Path;

use object::ReadCache;
use plugin_identity::{ApiVersion, ComponentKind, API_VERSION, LIBTORCH_VERSION};

use crate::plugins::elf::Elf;
use crate::plugins::Refusal;

/// The identity note of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The library's name in configs.
    pub name: String,
    pub version: String,
    /// The least API of a host that can run it.
    pub api: ApiVersion,
    /// The API it was built against.
    pub built: ApiVersion,
    pub libtorch: String,
    pub rustc: String,
    pub authors: String,
    pub license: String,
    pub description: String,
    pub constructors: Vec<(ComponentKind, String)>,
    /// The text of the note.
    pub note: String,
}

impl Identity {
    /// Reads the note and checks that this host may open the file.
    pub fn read(path: &Path) -> Result<Self, Refusal> {
        Self::of(&File::open(path)?)
    }

    /// Of an open file: reads headers and the note only, not the megabytes between.
    pub fn of(file: &File) -> Result<Self, Refusal> {
        let cache = ReadCache::new(file);
        let elf = Elf::parse(&cache)?;
        let identity = Self::parse(elf.note()?)?;
        if let Some(how) = elf.own_libtorch()? {
            return Err(Refusal::BundlesLibtorch { how });
        }
        if let Some((needs, has)) = elf.missing_glibc()? {
            return Err(Refusal::Glibc { needs, has });
        }
        Ok(identity)
    }

    /// The same, if it is that of the library of this name.
    pub fn named(self, library: &str) -> Result<Self, Refusal> {
        if self.name != library {
            return Err(Refusal::Renamed { name: self.name, version: self.version });
        }
        Ok(self)
    }

    /// From the text of a note.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let lines = || text.lines().filter_map(|line| line.split_once('='));
        let value = |key: &str| {
            let found = lines().find(|(name, _)| *name == key).map(|(_, value)| value.to_owned());
            found.ok_or_else(|| Refusal::BadNote(format!("it does not tell `{key}`")))
        };
        let version = |text: String| text.parse::<ApiVersion>().map_err(|error| Refusal::BadNote(error.to_string()));
        let api = version(value("api")?)?;
        // Notes of API 1.0 tell one number for both.
        let built = value("built").map_or(Ok(api), version)?;
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
            built,
            libtorch,
            rustc: value("rustc")?,
            authors: value("authors").unwrap_or_default(),
            license: value("license").unwrap_or_default(),
            description: value("description").unwrap_or_default(),
            constructors: constructors.collect(),
            note: text.trim_end().to_owned(),
        })
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
        assert_eq!(good.built, good.api);
        let newer = note("1.0", LIBTORCH_VERSION, "unwind") + "built=1.7\n";
        assert_eq!(Identity::parse(&newer).unwrap().built.to_string(), "1.7");
        assert!(matches!(Identity::parse(&note("2.0", LIBTORCH_VERSION, "unwind")), Err(Refusal::Api { .. })));
        assert!(matches!(Identity::parse(&note("1.9", LIBTORCH_VERSION, "unwind")), Err(Refusal::Api { .. })));
        assert!(matches!(Identity::parse(&note("1.0", "2.10.0", "unwind")), Err(Refusal::Libtorch { .. })));
        assert!(matches!(Identity::parse(&note("1.0", LIBTORCH_VERSION, "abort")), Err(Refusal::PanicAbort)));
        assert!(matches!(Identity::parse("name=gat"), Err(Refusal::BadNote(_))));
    }
}

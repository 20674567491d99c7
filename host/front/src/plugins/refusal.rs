//! [`Refusal`]: why a file is not opened, with the cure. `plugins doctor` shows both; elsewhere they are one line.

use std::fmt;

use plugin_identity::note;
use plugin_identity::{ApiVersion, API_VERSION, LIBTORCH_VERSION};

use crate::plugins::permissions::Exposure;
use crate::plugins::scan_cache::Quarantine;

/// Why a file is not opened.
#[derive(Debug)]
pub enum Refusal {
    Unreadable(std::io::Error),
    NotElf(String),
    Architecture {
        found: String,
        host: &'static str,
    },
    /// It wants a newer C library than that of this process.
    Glibc {
        needs: String,
        has: String,
    },
    NoNote,
    BadNote(String),
    Api {
        found: ApiVersion,
    },
    Libtorch {
        found: String,
    },
    PanicAbort,
    BundlesLibtorch {
        how: String,
    },
    Renamed {
        name: String,
        version: String,
    },
    /// Others than the user may change what is opened.
    Exposed(Exposure),
    /// A child process that opened it did not survive.
    Quarantined(Box<Quarantine>),
}

impl Refusal {
    /// One word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::NotElf(_) => "not_elf",
            Self::Architecture { .. } => "architecture",
            Self::Glibc { .. } => "glibc",
            Self::NoNote => "no_note",
            Self::BadNote(_) => "bad_note",
            Self::Api { .. } => "api",
            Self::Libtorch { .. } => "libtorch",
            Self::PanicAbort => "panic_abort",
            Self::BundlesLibtorch { .. } => "bundled_libtorch",
            Self::Renamed { .. } => "renamed",
            Self::Exposed(_) => "writable_by_others",
            Self::Quarantined(_) => "quarantined",
        }
    }

    pub fn reason(&self) -> String {
        match self {
            Self::Unreadable(error) => format!("cannot be read: {error}"),
            Self::NotElf(why) => format!("no whole 64-bit ELF library ({why})"),
            Self::Architecture { found, host } => format!("built for {found}, this host runs on {host}"),
            Self::Glibc { needs, has } => format!("it needs glibc {needs}, this machine has {has}"),
            Self::NoNote => format!("no recsys-host plugin: it has no section `{}`", note::SECTION),
            Self::BadNote(why) => format!("its identity note cannot be read: {why}"),
            Self::Api { found } => format!("it needs a host of API {found}, this one has {API_VERSION}"),
            Self::Libtorch { found } => format!("built with libtorch {found}, this host runs {LIBTORCH_VERSION}"),
            Self::PanicAbort => "built with panic = \"abort\", so its panics would end the host".to_owned(),
            Self::BundlesLibtorch { how } => format!("it carries a libtorch of its own ({how})"),
            Self::Renamed { name, version } => format!("it says it is `{name}`, version {version}"),
            Self::Exposed(exposure) => exposure.reason(),
            Self::Quarantined(quarantine) => quarantine.reason(),
        }
    }

    pub fn cure(&self) -> String {
        match self {
            Self::Unreadable(_) => "give yourself the right to read it, or take it off the search path".to_owned(),
            Self::NotElf(_) => "it may be truncated: build it again".to_owned(),
            Self::Architecture { host, .. } => format!("build it for {host}, best on this machine"),
            Self::Glibc { .. } => "build it on this machine, or on the oldest system it is to run on".to_owned(),
            Self::NoNote => "does its lib.rs end with `export_plugin!`?".to_owned(),
            Self::BadNote(_) => "build it again with this host's plugin-api".to_owned(),
            Self::Api { .. } => "rebuild it against this host's plugin-api".to_owned(),
            Self::Libtorch { .. } => "rebuild it with LIBTORCH pointing at this host's .libtorch".to_owned(),
            Self::PanicAbort => "build it with panic = \"unwind\"".to_owned(),
            Self::BundlesLibtorch { .. } => "link the host's dynamically".to_owned(),
            Self::Renamed { name, .. } => format!("name the file lib{name}.so"),
            Self::Exposed(exposure) => exposure.cure(),
            Self::Quarantined(quarantine) => quarantine.cure(),
        }
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.reason(), self.cure())
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::Unreadable(error)
    }
}

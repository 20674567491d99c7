//! Who a plugin says it is: the identity note, the versions of the contract, the kinds of component.
//!
//! A crate of its own, without libtorch, because a program that only looks at plugins must not pay for starting libtorch. Plugins
//! get it through `plugin-api`.

pub mod kind;
pub mod note;

pub use kind::ComponentKind;

/// The version of the contract. How it changes stands in `plugin-api/EVOLUTION.md`.
///
/// | version | new |
/// |---|---|
/// | 1.1 | spans (`plugin_api::profile`), losses that score their edges themselves (`Loss::forward_edges`); a plugin built for 1.0 does neither |
/// | 1.0 | the first |
pub const API_VERSION: ApiVersion = ApiVersion { major: 1, minor: 1 };

/// The least version of a host that can run what is built with `plugin-api`: all that was added since is called by hosts only.
pub const LEAST_HOST: ApiVersion = ApiVersion { major: 1, minor: 0 };

/// The libtorch that `plugin-api` was compiled against, for example `2.11.0`.
pub const LIBTORCH_VERSION: &str = env!("PLUGIN_API_LIBTORCH");

/// A version of the contract; kept apart from crate versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion {
    pub major: u16,
    pub minor: u16,
}

impl ApiVersion {
    /// Whether a host of this version can run a plugin that needs at least a host of version `least`.
    pub fn accepts(self, least: ApiVersion) -> bool {
        self.major == least.major && least.minor <= self.minor
    }
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl std::str::FromStr for ApiVersion {
    type Err = MalformedVersion;

    fn from_str(text: &str) -> Result<Self, MalformedVersion> {
        let malformed = || MalformedVersion(text.to_owned());
        let (major, minor) = text.split_once('.').ok_or_else(malformed)?;
        match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) => Ok(ApiVersion { major, minor }),
            (Err(_), _) | (_, Err(_)) => Err(malformed()),
        }
    }
}

/// A text that is no `MAJOR.MINOR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedVersion(String);

impl std::error::Error for MalformedVersion {}

impl std::fmt::Display for MalformedVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is no API version; expected MAJOR.MINOR", self.0)
    }
}

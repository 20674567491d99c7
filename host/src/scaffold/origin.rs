//! Where a new crate finds the contract and libtorch: in the checkout that this host was built from, unless told otherwise.

use std::path::{Path, PathBuf};

use plugin_api::{ApiVersion, API_VERSION};

use crate::cli::Usage;

/// The checkout that this host was built from, on the machine where it was.
const CHECKOUT: &str = env!("RECSYS_CHECKOUT");
/// The folder of libtorch as the build was given it.
const LIBTORCH: &str = env!("RECSYS_LIBTORCH");
/// `target/<profile>` of that build.
const BUILD_DIR: &str = env!("RECSYS_BUILD_DIR");

/// What a new crate depends on.
#[derive(Debug)]
pub struct Origin {
    pub plugin_api: PluginApi,
    pub libtorch: PathBuf,
    /// `Cargo.lock` of the checkout: the same versions need no network and are compiled already.
    pub lock: Option<String>,
    /// `target/<profile>` of the checkout.
    pub build_dir: Option<PathBuf>,
}

/// The dependency as cargo is told it.
#[derive(Debug, PartialEq, Eq)]
pub enum PluginApi {
    /// The folder `plugin-api` of a checkout.
    Folder(PathBuf),
    /// From a registry.
    Version(String),
}

impl Origin {
    /// `given` is a folder or a version.
    pub fn find(given: Option<&str>) -> Result<Self, Usage> {
        match given {
            None => Self::of_this_build(),
            Some(version) if is_version(version) => Ok(Self {
                plugin_api: PluginApi::Version(version.to_owned()),
                libtorch: libtorch_in(Path::new(CHECKOUT))?,
                lock: None,
                build_dir: None,
            }),
            Some(folder) => {
                let found = Path::new(folder).canonicalize().ok().filter(|folder| is_plugin_api(folder));
                let message = || {
                    format!("--plugin-api {folder} is neither a version such as {API_VERSION} nor the folder plugin-api of a checkout of recsys-host")
                };
                Self::of_checkout(&found.ok_or_else(|| Usage(message()))?)
            }
        }
    }

    fn of_this_build() -> Result<Self, Usage> {
        let folder = Path::new(CHECKOUT).join("plugin-api");
        if is_plugin_api(&folder) {
            return Self::of_checkout(&folder);
        }
        Err(Usage(format!(
            "this host was built from {CHECKOUT}, which is gone, so a new plugin has no contract to build against; name the folder \
             `plugin-api` of another checkout, or a version in a registry, with --plugin-api, or run `make setup` in a checkout anew"
        )))
    }

    fn of_checkout(plugin_api: &Path) -> Result<Self, Usage> {
        let checkout = plugin_api.parent().unwrap_or(Path::new("/"));
        warn_of_a_newer_contract(plugin_api);
        let is_this_build = checkout == Path::new(CHECKOUT);
        let build_dir = if is_this_build { PathBuf::from(BUILD_DIR) } else { checkout.join("target/debug") };
        Ok(Self {
            plugin_api: PluginApi::Folder(plugin_api.to_owned()),
            libtorch: libtorch_in(checkout)?,
            lock: std::fs::read_to_string(checkout.join("Cargo.lock")).ok(),
            build_dir: Some(build_dir).filter(|folder| folder.is_dir()),
        })
    }

    /// The folder of the library that data loaders share.
    pub fn graph_data(&self) -> Option<PathBuf> {
        match &self.plugin_api {
            PluginApi::Folder(folder) => Some(folder.parent()?.join("plugins/graph_data")),
            PluginApi::Version(_) => None,
        }
    }
}

fn libtorch_in(checkout: &Path) -> Result<PathBuf, Usage> {
    let linked = checkout.join(".libtorch");
    let built_with = Path::new(LIBTORCH);
    let candidates =
        if checkout == Path::new(CHECKOUT) { [built_with, linked.as_path()] } else { [linked.as_path(), built_with] };
    let found = candidates.into_iter().find(|folder| folder.join("build-version").is_file());
    found
        .map(Path::to_owned)
        .ok_or_else(|| Usage(format!("there is no libtorch in {}; run `make setup` there", candidates[0].display())))
}

/// A plugin built against a newer contract than the host's is refused by it.
fn warn_of_a_newer_contract(plugin_api: &Path) {
    let manifest = std::fs::read_to_string(plugin_api.join("Cargo.toml")).unwrap_or_default();
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    let minor =
        version.and_then(|version| version.rsplit_once('.')).and_then(|(minor, _)| minor.parse::<ApiVersion>().ok());
    if let Some(found) = minor.filter(|found| !API_VERSION.accepts(*found)) {
        log::warn!(
            "{} is plugin-api {found}, this host speaks {API_VERSION} and will refuse the plugin; run `make setup` in that checkout",
            plugin_api.display()
        );
    }
}

fn is_plugin_api(folder: &Path) -> bool {
    std::fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| text.contains("name = \"plugin-api\""))
}

fn is_version(text: &str) -> bool {
    let digits = text.trim_start_matches(['^', '=', '~']);
    digits.starts_with(|first: char| first.is_ascii_digit()) && !text.contains(['/', '"', '\\', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_folders() {
        for (text, expected) in
            [("1.1", true), ("^1.1.0", true), ("=1.1.0", true), ("../plugin-api", false), ("1/2", false)]
        {
            assert_eq!(is_version(text), expected, "{text}");
        }
        assert!(Origin::find(Some("/nowhere")).unwrap_err().to_string().contains("neither a version"));
    }

    #[test]
    fn this_build_knows_its_checkout() {
        let origin = Origin::find(None).unwrap();
        assert_eq!(
            origin.plugin_api,
            PluginApi::Folder(Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("plugin-api"))
        );
        assert!(origin.lock.is_some() && origin.graph_data().is_some_and(|folder| folder.join("Cargo.toml").is_file()));
    }
}

//! The contract as a test: `plugin_api::contract_test!();` in `tests/contract.rs` of a plugin runs `recsys-host plugins check` on the
//! library that `cargo test` built.
//!
//! The crate is a `cdylib`, which the host opens, and an `rlib`: only then does cargo build the library for its tests. No cargo feature
//! guards this module; one would have the whole contract compiled twice, for the plugin and for its tests.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A test that fails with the report of `recsys-host plugins check`, should a check of it fail. Arguments are handed on:
/// `contract_test!("--params", r#"{"k": 5}"#);`.
#[macro_export]
macro_rules! contract_test {
    ($($argument:expr),* $(,)?) => {
        #[test]
        fn the_plugin_keeps_the_contract() {
            if let Err(report) = $crate::testing::check(env!("CARGO_PKG_NAME"), &[$($argument),*]) {
                panic!("{report}");
            }
        }
    };
}

/// Runs the checks on the library of this package, built for the test that calls this.
///
/// # Errors
/// The host's report if a check failed; else what is missing and where it was looked for.
pub fn check(package: &str, arguments: &[&str]) -> Result<(), String> {
    let library = library(package)?;
    let host = host();
    let output = Command::new(&host).args(["plugins", "check"]).arg(&library).args(arguments).output();
    let output = output.map_err(|error| {
        format!(
            "{}: {error}; `make setup` in a checkout of recsys-host puts recsys-host on the PATH, or set RECSYS_HOST to it",
            Path::new(&host).display()
        )
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Err(format!(
        "{} plugins check {}: {}\n{}{}",
        Path::new(&host).display(),
        library.display(),
        output.status,
        said(&output.stdout),
        said(&output.stderr)
    ))
}

/// `RECSYS_HOST`, else the one on the PATH, else that of the checkout that this contract is of.
fn host() -> OsString {
    if let Some(host) = std::env::var_os("RECSYS_HOST").filter(|host| !host.is_empty()) {
        return host;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("recsys-host")).find(|host| host.is_file());
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target").join("debug/recsys-host");
    on_path.or(Some(built).filter(|host| host.is_file())).unwrap_or_else(|| "recsys-host".into()).into()
}

/// Test binaries lie in `deps`, and so does the library that they are linked with.
fn library(package: &str) -> Result<PathBuf, String> {
    let file = format!("lib{}.so", package.replace('-', "_"));
    let test = std::env::current_exe().map_err(|error| format!("where this test lies is unknown: {error}"))?;
    let folders: Vec<_> = test.ancestors().skip(1).take(2).map(Path::to_owned).collect();
    let found = folders.iter().map(|folder| folder.join(&file)).find(|library| library.is_file());
    found.ok_or_else(|| {
        let looked: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        format!(
            "no {file} in {}; it is built with the tests if Cargo.toml says `crate-type = [\"cdylib\", \"rlib\"]`",
            looked.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_package_without_a_library_is_told_how_to_get_one() {
        let message = super::check("no-such-plugin", &[]).unwrap_err();
        assert!(message.contains("no libno_such_plugin.so in") && message.contains("crate-type"), "{message}");
    }
}

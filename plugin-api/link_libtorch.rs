//! The build script of every package here: gives binaries, tests and plugins the run path of the libtorch they link.
//!
//! A build script rather than `rustflags` in `.cargo/config.toml`, because a `RUSTFLAGS` variable in the user's shell
//! replaces those, and because the installed binary needs the absolute path of the cache that `.libtorch` points to.

use std::path::PathBuf;

pub fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let Some(libtorch) = std::env::var_os("LIBTORCH").map(PathBuf::from) else { return };
    // The link `.libtorch` leads to a cache that outlives this checkout, and so must the installed binary.
    if let Ok(libtorch) = libtorch.canonicalize() {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", libtorch.join("lib").display());
    }
}

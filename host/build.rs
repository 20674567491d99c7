//! Tells the host where it was built, so that it finds the plugins built beside it, and gives it the run path of libtorch.

use std::path::Path;

#[path = "../plugin-api/link_libtorch.rs"]
mod link_libtorch;

fn main() {
    link_libtorch::main();
    // OUT_DIR is target/<profile>/build/host-<hash>/out.
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    let profile = Path::new(&out).ancestors().nth(3).unwrap_or(Path::new(""));
    println!("cargo:rustc-env=RECSYS_BUILD_DIR={}", profile.display());
}

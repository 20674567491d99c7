//! Tells where it was built, so that the plugins built beside it are found.

use std::path::Path;

fn main() {
    // OUT_DIR is target/<profile>/build/front-<hash>/out.
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    let profile = Path::new(&out).ancestors().nth(3).unwrap_or(Path::new(""));
    println!("cargo:rustc-env=RECSYS_BUILD_DIR={}", profile.display());
    println!("cargo:rerun-if-changed=build.rs");
}

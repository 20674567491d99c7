//! Tells the host where it was built and from what, so that it finds the plugins built beside it and can scaffold new ones
//! against the same contract; and gives it the run path of libtorch.

use std::path::Path;

#[path = "../plugin-api/link_libtorch.rs"]
mod link_libtorch;

fn main() {
    link_libtorch::main();
    // OUT_DIR is target/<profile>/build/host-<hash>/out.
    let out = variable("OUT_DIR");
    let profile = Path::new(&out).ancestors().nth(3).unwrap_or(Path::new(""));
    println!("cargo:rustc-env=RECSYS_BUILD_DIR={}", profile.display());
    let manifest = variable("CARGO_MANIFEST_DIR");
    let checkout = Path::new(&manifest).parent().unwrap_or(Path::new(""));
    println!("cargo:rustc-env=RECSYS_CHECKOUT={}", checkout.display());
    // As cargo gave it, letter for letter: another spelling of the same folder would compile the bindings anew.
    println!("cargo:rustc-env=RECSYS_LIBTORCH={}", variable("LIBTORCH"));
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

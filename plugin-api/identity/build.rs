//! Records what the identity note of a plugin tells: the compiler and the libtorch it was built with.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=PLUGIN_API_RUSTC={}", rustc_version());
    println!("cargo:rustc-env=PLUGIN_API_LIBTORCH={}", libtorch_version());
}

fn rustc_version() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    output.map_or_else(|_| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `build-version` is in every libtorch, ours and PyTorch's own; it may carry a suffix such as `+cpu`.
fn libtorch_version() -> String {
    let Some(libtorch) = std::env::var_os("LIBTORCH") else {
        panic!(
            "LIBTORCH is not set: run `make setup` in recsys-host, then point LIBTORCH (in .cargo/config.toml) at its .libtorch"
        )
    };
    let file = Path::new(&libtorch).join("build-version");
    println!("cargo:rerun-if-changed={}", file.display());
    match std::fs::read_to_string(&file) {
        Ok(version) => version.trim().split('+').next().unwrap_or_default().to_owned(),
        Err(error) => panic!("{}: {error}: no libtorch there; run `make setup` in recsys-host", file.display()),
    }
}

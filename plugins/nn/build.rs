//! Compiles the one C++ file, which gives Rust kernels a place in libtorch's autograd.

use std::path::PathBuf;

#[path = "../../plugin-api/link_libtorch.rs"]
mod link_libtorch;

fn main() {
    link_libtorch::main();
    println!("cargo:rerun-if-changed=src/autograd/function.cpp");
    let Some(libtorch) = std::env::var_os("LIBTORCH").map(PathBuf::from) else { return };
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .file("src/autograd/function.cpp")
        // As a system's headers, so that their warnings are not ours.
        .flag("-isystem")
        .flag(libtorch.join("include"))
        .flag("-isystem")
        .flag(libtorch.join("include/torch/csrc/api/include"))
        .warnings(true)
        .compile("recsys_autograd");
}

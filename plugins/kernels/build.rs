//! Compiles the one C function that enters libtorch's pool of threads.

fn main() {
    println!("cargo:rerun-if-changed=src/parallel.c");
    cc::Build::new().file("src/parallel.c").flag("-fopenmp").warnings(true).compile("recsys_parallel");
    println!("cargo:rustc-link-lib=gomp");
}

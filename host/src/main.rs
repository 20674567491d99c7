//! The binary: everything is in the library `host`.

fn main() -> std::process::ExitCode {
    host::cli::main()
}

//! The binary `recsys-host-engine`, which `recsys-host` becomes: every command, with libtorch.

fn main() -> std::process::ExitCode {
    host::cli::main()
}

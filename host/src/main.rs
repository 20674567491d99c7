//! The binary `recsys-host`. It names the crate `front` alone, so that it starts without libtorch.

fn main() -> std::process::ExitCode {
    front::launch::main()
}

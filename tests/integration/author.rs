//! What an author of plugins uses: `plugins new` ([`scaffold`]), the walk-through ([`walk_through`]), `check` ([`check`]), `--dry-run`
//! ([`dry_run`]), `plugins inspect` and the schemas of configs ([`schema`]).

mod check;
mod dry_run;
mod scaffold;
mod schema;
mod walk_through;

use std::path::PathBuf;
use std::process::Command;

use crate::support::{host_binary, Said, Sandbox};

/// A copy of the host away from where it was built, as installing makes one.
pub struct Installed<'a> {
    pub sandbox: &'a Sandbox,
    binary: PathBuf,
}

impl<'a> Installed<'a> {
    pub fn in_sandbox(sandbox: &'a Sandbox) -> Self {
        std::fs::create_dir_all(sandbox.path("bin")).unwrap();
        for name in ["recsys-host", "recsys-host-engine"] {
            let built = host_binary().with_file_name(name);
            std::fs::copy(built, sandbox.path("bin").join(name)).unwrap();
        }
        Self { sandbox, binary: sandbox.path("bin/recsys-host") }
    }

    /// The sandbox's command with this binary in place of the built one.
    pub fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(&self.binary);
        command.args(arguments).current_dir(self.sandbox.path(""));
        for variable in ["RECSYS_PLUGIN_PATH", "RECSYS_BACKTRACE", "RECSYS_KERNELS", "LIBTORCH", "LD_LIBRARY_PATH"] {
            command.env_remove(variable);
        }
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs it to a good end; gives what it printed.
    #[track_caller]
    pub fn does(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {}{}", said.stdout, said.stderr);
        said.stdout
    }
}

/// Cargo as an author starts it: none of the tests' own settings.
pub fn authors_cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    for variable in ["CARGO_TARGET_DIR", "CARGO_BUILD_BUILD_DIR", "LIBTORCH", "LD_LIBRARY_PATH", "RECSYS_PLUGIN_PATH"] {
        cargo.env_remove(variable);
    }
    // What cargo tells the tests of their own package is not the author's.
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG") || name.starts_with("CARGO_MANIFEST"))
    {
        cargo.env_remove(name);
    }
    cargo
}

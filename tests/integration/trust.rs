//! What the host asks of libraries before it opens them: the first look in a child process ([`first_look`]), `plugins doctor`
//! ([`doctor`]), `plugins.lock` ([`lock`]), and where they come from ([`places`]).

mod doctor;
mod first_look;
mod lock;
mod places;

use std::path::Path;

use crate::support::{plugin_dir, Said, Sandbox};

/// Options of every command here: the sandbox's own plugins first.
const HERE: [&str; 2] = ["--plugin-dir", "plugins"];
const TRAIN: [&str; 4] = ["train", "configs/config.yaml", "trainer.params.num_epochs=1", "model.params.hidden_dim=8"];

impl Sandbox {
    /// Runs the host with these variables and the sandbox's plugins.
    fn host_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Said {
        let output = self.command().args(HERE).args(arguments).envs(variables.iter().copied()).output().unwrap();
        Said::from(output)
    }

    /// The same, to a good end; gives what it printed.
    #[track_caller]
    fn does(&self, arguments: &[&str]) -> Said {
        let said = self.host_with(&[], arguments);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        said
    }

    /// With a copy of a shipped library in `folder`.
    fn with_copy(self, folder: &str, name: &str) -> Self {
        let bytes = std::fs::read(plugin_dir().join(format!("lib{name}.so"))).unwrap();
        self.write(&format!("{folder}/lib{name}.so"), bytes);
        self
    }
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

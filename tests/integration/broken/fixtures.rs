//! The plugins of `tests/broken-plugins` in a sandbox, as built or with a spoilt file.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::support::{cargo, plugin_dir, workspace, Sandbox};

/// `libNAME.so` of `tests/broken-plugins/NAME`.
pub fn plugin_fixture(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut build = cargo();
        let packages =
            ["faulty", "aborting", "nonconforming", "crashing_on_open", "hanging_on_open", "crashing_in_use"];
        build.args(["build", "--examples", "--offline", "--quiet"]);
        build.args(packages.iter().flat_map(|package| ["-p", package]));
        assert!(build.current_dir(workspace()).status().unwrap().success(), "the broken plugins do not build");
    });
    plugin_dir().join("examples").join(format!("lib{name}.so"))
}

impl Sandbox {
    /// With `plugins/libNAME.so`.
    pub fn with_plugin(self, name: &str) -> Self {
        let bytes = std::fs::read(plugin_fixture(name)).unwrap();
        self.write(&format!("plugins/lib{name}.so"), bytes);
        self
    }

    /// With a `plugins/libfaulty.so` whose identity note says `to` where it said `from`, which is at least as long.
    pub fn with_note(self, from: &str, to: &str) -> Self {
        let mut bytes = std::fs::read(plugin_fixture("faulty")).unwrap();
        let note = find(&bytes, b"recsys-host\0name=faulty\n");
        let at = note + find(&bytes[note..], from.as_bytes());
        // Empty lines say nothing.
        bytes[at..at + from.len()].fill(b'\n');
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        self.write("plugins/libfaulty.so", bytes);
        self
    }
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).unwrap()
}

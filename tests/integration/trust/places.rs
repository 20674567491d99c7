//! Where libraries may come from: nowhere that others may write to, and where a config leads only as far as the user allows.

use std::path::{Path, PathBuf};

use super::{chmod, TRAIN};
use crate::support::{Said, Sandbox};

const INSPECT: [&str; 3] = ["plugins", "inspect", "losses"];

/// Whether the sandbox's own copy of `losses` is what is used.
fn is_used(sandbox: &Sandbox) -> bool {
    let said = sandbox.does(&INSPECT);
    said.stdout.contains("plugins/liblosses.so")
}

#[test]
fn what_everybody_may_write_to_is_not_opened() {
    let sandbox = Sandbox::new().with_copy("plugins", "losses");
    let (folder, file) = (sandbox.path("plugins"), sandbox.path("plugins/liblosses.so"));
    assert!(is_used(&sandbox));
    let top = sandbox.path("");
    for (path, safe, open) in [(&file, 0o644, 0o646), (&folder, 0o755, 0o777), (&top, 0o700, 0o707)] {
        chmod(path, open);
        let said = sandbox.does(&INSPECT);
        let real = path.canonicalize().unwrap();
        let warning = format!("everybody on this machine may write to {}", real.display());
        assert!(said.stderr.contains(&warning), "{}", said.stderr);
        assert!(said.stderr.contains(&format!("`chmod o-w {}`", real.display())), "{}", said.stderr);
        assert!(!said.stdout.contains("plugins/liblosses.so"), "{}", said.stdout);
        chmod(path, safe);
        assert!(is_used(&sandbox));
    }
    // The cure of a folder that is meant for everybody is another folder.
    chmod(&folder, 0o1777);
    let said = sandbox.does(&INSPECT);
    assert!(said.stderr.contains("into which everybody may put files; move it"), "{}", said.stderr);
    chmod(&folder, 0o755);
    std::fs::rename(&file, sandbox.path("elsewhere.so")).unwrap();
    chmod(&sandbox.path("elsewhere.so"), 0o666);
    std::os::unix::fs::symlink("../elsewhere.so", &file).unwrap();
    let said = sandbox.does(&INSPECT);
    assert!(said.stderr.contains("elsewhere.so; check who wrote there last"), "a link hides it: {}", said.stderr);
}

#[test]
fn what_belongs_to_another_user_is_not_opened() {
    let sandbox = Sandbox::new().with_copy("plugins", "losses");
    let file = sandbox.path("plugins/liblosses.so");
    // Only root may give files away; elsewhere the rule is tested where it stands.
    if std::os::unix::fs::chown(&file, Some(12_345), None).is_err() {
        return;
    }
    let said = sandbox.does(&INSPECT);
    assert!(said.stderr.contains("belongs to another user (id 12345)"), "{}", said.stderr);
    assert!(!said.stdout.contains("plugins/liblosses.so"), "{}", said.stdout);
}

/// A folder of somebody else with a config, which names the library beside it.
struct Outside {
    here: Sandbox,
    there: Sandbox,
}

impl Outside {
    fn new() -> Self {
        let there = Sandbox::new().with_copy("libraries", "two_tower");
        let lines = format!("defaults: [config, _self_]\nplugin_path: [{}]\n", there.path("libraries").display());
        there.write("configs/theirs.yaml", lines);
        Self { here: Sandbox::new().with_ratings(40, 30), there }
    }

    fn config(&self) -> PathBuf {
        self.there.path("configs/theirs.yaml")
    }

    fn train(&self, variables: &[(&str, &Path)], more: &[&str]) -> Said {
        let mut command = self.here.command();
        command.args(["-v", "train"]).arg(self.config()).args(&TRAIN[2..]).args(more);
        Said::from(command.envs(variables.iter().copied()).output().unwrap())
    }

    /// Whether the library beside the config was opened.
    #[track_caller]
    fn is_followed(&self, said: &Said) {
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        let opened = format!("opened {}", self.there.path("libraries/libtwo_tower.so").display());
        assert!(said.stderr.contains(&opened), "{}", said.stderr);
    }
}

#[test]
fn a_config_from_elsewhere_cannot_widen_the_search_path() {
    let outside = Outside::new();
    let folder = outside.there.path("libraries").canonicalize().unwrap();
    let what = format!("this config may not make the host open libraries of {}", folder.display());
    let cure = format!("--plugin-dir {}", outside.there.path("libraries").display());
    let parts = [&what, "theirs.yaml:2:", "key path: plugin_path", "allowed are folders below", &cure];
    outside.train(&[], &[]).is_error(2, &parts.map(|part| part as &str));
    assert!(!outside.here.path("runs").exists());
    // Neither for the commands that only want the data, nor by way of links or `..`.
    let mut load = outside.here.command();
    load.arg("load").arg(outside.config());
    Said::from(load.output().unwrap()).is_error(2, &[&what]);
    std::os::unix::fs::symlink(&folder, outside.here.path("link")).unwrap();
    let up = format!("configs/../..{}", "/..".repeat(20)) + folder.to_str().unwrap();
    for path in ["link", &up] {
        outside.there.write("configs/theirs.yaml", format!("defaults: [config, _self_]\nplugin_path: {path}\n"));
        outside.train(&[], &[]).is_error(2, &[&what]);
    }
}

#[test]
fn the_user_may_allow_roots_or_name_folders() {
    let outside = Outside::new();
    let folder = outside.there.path("");
    outside.is_followed(&outside.train(&[("RECSYS_ALLOWED_PLUGIN_ROOTS", &folder)], &[]));
    let typed = format!("plugin_path=[{}]", outside.there.path("libraries").display());
    outside.is_followed(&outside.train(&[], &[&typed]));
    let settings = "settings/recsys-host/settings.yaml";
    outside.here.write(settings, format!("allowed_plugin_roots: [{}]\n", folder.display()));
    outside.is_followed(&outside.train(&[], &[]));
    outside.here.write(settings, format!("allowed_plugin_root: [{}]\n", folder.display()));
    outside
        .train(&[], &[])
        .is_error(2, &["unknown setting `allowed_plugin_root`", "did you mean `allowed_plugin_roots`?"]);
    outside.here.write(settings, format!("allowed_plugin_roots: [{}]\n", folder.display()));
    chmod(&outside.here.path(settings), 0o666);
    outside.train(&[], &[]).is_error(2, &["settings.yaml is not heeded: everybody on this machine may write to"]);
}

#[test]
fn a_config_may_name_folders_below_the_working_folder() {
    let sandbox = Sandbox::new().with_ratings(40, 30).with_copy("libraries", "two_tower");
    sandbox.write("configs/ours.yaml", "defaults: [config, _self_]\nplugin_path: [libraries, not_there]\n");
    let said = sandbox.host(&[&["-v", "train", "configs/ours.yaml"], &TRAIN[2..]].concat());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("opened libraries/libtwo_tower.so"), "{}", said.stderr);
}

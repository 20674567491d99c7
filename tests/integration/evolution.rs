//! The contract as it evolves (`plugin-api/EVOLUTION.md`): a plugin of every version that was left behind, and one compiled with other
//! settings, train under today's host.

use std::path::PathBuf;
use std::process::Command;

use crate::author::{authors_cargo, Installed};
use crate::broken::RAW_ONLY;
use crate::support::{plugin_dir, workspace, Sandbox};

/// The sources of a version, as `tests/evolution/keep.sh` packed them.
fn kept() -> Vec<(String, PathBuf)> {
    let files = std::fs::read_dir(workspace().join("tests/evolution")).unwrap().map(|entry| entry.unwrap().path());
    let version = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix("api-")?.strip_suffix(".tar.gz").map(str::to_owned)
    };
    files.filter_map(|path| Some((version(&path)?, path))).collect()
}

/// A checkout of that version, with today's versions of dependencies and what is compiled of them.
fn checkout(sandbox: &Sandbox, archive: &PathBuf) -> PathBuf {
    let folder = sandbox.path("old");
    std::fs::create_dir_all(&folder).unwrap();
    let tar = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&folder).status();
    assert!(tar.unwrap().success(), "{} cannot be unpacked", archive.display());
    std::fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    std::os::unix::fs::symlink(plugin_dir().parent().unwrap(), folder.join("target")).unwrap();
    folder
}

/// Scaffolds the model `mine`, builds it, and trains it.
fn trains(host: &Installed, scaffold: &[&str], settings: &[&str]) {
    host.does(&[&["plugins", "new", "model", "mine"], scaffold].concat());
    let mut cargo = authors_cargo();
    cargo.args(["build", "--offline", "--quiet"]).args(settings.iter().flat_map(|setting| ["--config", setting]));
    let output = cargo.current_dir(host.sandbox.path("mine")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let train = ["train", "mine/configs/mine.yaml", RAW_ONLY, "seed=3", "trainer.params.learning_rate=0.05"];
    let run = host.does(&[&train[..], &["--plugin-dir", "mine/target/debug"]].concat());
    let auc = host.sandbox.json(&format!("{}/result.json", run.trim_end()))["metrics"]["test.auc"].as_f64().unwrap();
    assert!(auc > 0.65, "test.auc {auc}");
}

#[test]
fn plugins_of_all_versions_that_were_left_behind_train() {
    let kept = kept();
    assert!(!kept.is_empty());
    for (version, archive) in kept {
        let sandbox = Sandbox::new().with_ratings(60, 50);
        let host = Installed::in_sandbox(&sandbox);
        let contract = checkout(&sandbox, &archive).join("plugin-api");
        trains(&host, &["--plugin-api", contract.to_str().unwrap()], &[]);
        let library = std::fs::read(sandbox.path("mine/target/debug/libmine.so")).unwrap();
        let note = format!("\napi={version}\nlibtorch=");
        assert!(library.windows(note.len()).any(|bytes| bytes == note.as_bytes()), "it is not of API {version}");
    }
}

#[test]
fn a_plugin_compiled_with_other_settings_trains() {
    let sandbox = Sandbox::new().with_ratings(60, 50);
    let host = Installed::in_sandbox(&sandbox);
    let settings = ["mine", "plugin-api"].map(|package| {
        [("opt-level", 0), ("codegen-units", 1)]
            .map(|(key, value)| format!("profile.dev.package.{package}.{key}={value}"))
    });
    let settings: Vec<_> = settings.iter().flatten().map(String::as_str).collect();
    trains(&host, &[], &settings);
}

//! `plugins.lock`: only what it lists is opened.

use serde_json::Value;

use super::{chmod, TRAIN};
use crate::support::{Said, Sandbox};

fn sandbox() -> Sandbox {
    Sandbox::new().with_ratings(40, 30).with_copy("plugins", "two_tower")
}

fn locked(sandbox: &Sandbox) -> Vec<Value> {
    sandbox.json("plugins.lock")["plugins"].as_array().unwrap().clone()
}

fn entry<'a>(locked: &'a [Value], name: &str) -> &'a Value {
    locked.iter().find(|locked| locked["name"] == name).unwrap_or_else(|| panic!("no {name} in {locked:#?}"))
}

/// Other bytes that are the same library: some behind its end.
fn change(sandbox: &Sandbox) {
    let path = sandbox.path("plugins/libtwo_tower.so");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, [&bytes[..], b"\n"].concat()).unwrap();
}

#[test]
fn a_locked_library_that_changed_is_refused_until_it_is_locked_anew() {
    let sandbox = sandbox();
    let said = sandbox.does(&["plugins", "lock", "configs/config.yaml"]);
    assert!(said.stdout.contains("two_tower") && said.stdout.contains("new"), "{}", said.stdout);
    let first = locked(&sandbox);
    let names: Vec<_> = first.iter().map(|locked| locked["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["evaluators", "losses", "movielens", "trainers", "two_tower"]);
    let two_tower = entry(&first, "two_tower");
    for (key, value) in
        [("path", "plugins/libtwo_tower.so"), ("version", "0.1.0"), ("api", "1.0"), ("libtorch", "2.11.0")]
    {
        assert_eq!(two_tower[key], value, "{two_tower:#}");
    }
    sandbox.does(&TRAIN);
    change(&sandbox);
    let said = sandbox.host_with(&[], &TRAIN);
    let former = two_tower["sha256"].as_str().unwrap();
    let parts = [
        "plugins/libtwo_tower.so is not the library `two_tower` that plugins.lock lists",
        former,
        "this file:   sha256",
        "recsys-host plugins lock",
        "key path: model.module",
    ];
    said.is_error(2, &parts);
    sandbox.does(&["plugins", "lock", "configs/config.yaml"]);
    let second = locked(&sandbox);
    assert!(said.stderr.contains(entry(&second, "two_tower")["sha256"].as_str().unwrap()), "{}", said.stderr);
    sandbox.does(&TRAIN);
    // The build's own copy is the former content, and no longer listed.
    let said = sandbox.host(&TRAIN);
    said.is_error(2, &["libtwo_tower.so is not the library `two_tower`", former]);
}

#[test]
fn a_change_is_seen_however_well_it_is_hidden() {
    let sandbox = sandbox();
    sandbox.does(&["plugins", "lock", "configs/config.yaml"]);
    std::thread::sleep(std::time::Duration::from_millis(3500));
    sandbox.does(&TRAIN);
    // The same size, place and time of change; the lock is about bytes.
    let path = sandbox.path("plugins/libtwo_tower.so");
    let modified = path.metadata().unwrap().modified().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(12).position(|window| window == b"description=").unwrap() + 12;
    bytes[at] ^= 0x20;
    std::fs::write(&path, bytes).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    sandbox.host_with(&[], &TRAIN).is_error(2, &["is not the library `two_tower` that plugins.lock lists"]);
}

#[test]
fn a_library_that_is_not_listed_is_refused_and_its_code_never_runs() {
    let sandbox = Sandbox::new().with_own_cache().with_ratings(40, 30).with_plugin("crashing_on_open");
    sandbox.does(&["plugins", "lock", "configs/config.yaml"]);
    let trace = sandbox.path("trace");
    let variables = [("CRASHING_ON_OPEN_TRACE", trace.to_str().unwrap())];
    let model = ["model.module=crashing_on_open:Crashes", "~model.params"];
    let parts = ["plugins/libcrashing_on_open.so does not stand in plugins.lock", "in the lock: evaluators, losses,"];
    sandbox.host_with(&variables, &[&TRAIN[..3], &model].concat()).is_error(2, &parts);
    assert!(!trace.exists(), "it was opened");
    // Every command that opens libraries asks the lock.
    sandbox.host_with(&variables, &["plugins", "inspect", "crashing_on_open"]).is_error(1, &parts);
    assert!(!trace.exists(), "it was opened");
}

#[test]
fn without_a_config_all_libraries_are_locked_and_with_one_the_others_stay() {
    let sandbox = sandbox();
    sandbox.does(&["plugins", "lock", "configs/config.yaml"]);
    sandbox.does(&["plugins", "lock", "configs/config_gat.yaml"]);
    entry(&locked(&sandbox), "two_tower");
    entry(&locked(&sandbox), "gat");
    assert!(!sandbox.read("plugins.lock").contains("popularity"));
    sandbox.does(&["plugins", "lock"]);
    entry(&locked(&sandbox), "popularity");
    sandbox.does(&TRAIN);
}

#[test]
fn a_lock_that_is_asked_for_must_be_there() {
    let sandbox = sandbox();
    let parts = ["--locked: there is no plugins.lock; write it with `recsys-host plugins lock CONFIG`"];
    sandbox.host_with(&[], &[&TRAIN[..], &["--locked"]].concat()).is_error(2, &parts);
    sandbox.host_with(&[], &[&TRAIN[..], &["--lock-file", "other.lock"]].concat()).is_error(2, &["no other.lock"]);
    sandbox.does(&["plugins", "lock", "configs/config.yaml", "--lock-file", "other.lock"]);
    assert!(!sandbox.path("plugins.lock").exists());
    sandbox.does(&[&TRAIN[..], &["--lock-file", "other.lock", "--locked"]].concat());
    change(&sandbox);
    sandbox.host_with(&[], &[&TRAIN[..], &["--lock-file", "other.lock"]].concat()).is_error(2, &["other.lock lists"]);
    // Nothing is locked here.
    sandbox.does(&TRAIN);
}

#[test]
fn a_lock_that_others_may_write_or_nobody_can_read_vouches_for_nothing() {
    let sandbox = sandbox();
    let refused = |parts: &[&str]| -> Said {
        let said = sandbox.host_with(&[], &TRAIN);
        said.is_error(2, parts);
        said
    };
    sandbox.does(&["plugins", "lock", "configs/config.yaml"]);
    chmod(&sandbox.path("plugins.lock"), 0o666);
    refused(&["plugins.lock: everybody on this machine may write to", "so it vouches for nothing", "chmod o-w"]);
    sandbox.write("plugins.lock", "{\"version\": 1, \"plugins\": [");
    chmod(&sandbox.path("plugins.lock"), 0o644);
    refused(&["plugins.lock: EOF while parsing", "write it anew with `recsys-host plugins lock`"]);
    sandbox.write("plugins.lock", "{\"version\": 2, \"plugins\": []}");
    refused(&["it is of version 2, this host knows 1"]);
    sandbox.does(&["plugins", "lock", "configs/config.yaml"]);
    sandbox.does(&TRAIN);
}

//! Libraries and constructors that are not there, or that this host must not open.

use super::{fails, plugin_fixture};
use crate::support::{workspace, Said, Sandbox};

const FAULTY: &[&str] =
    &["--plugin-dir", "plugins", "train", "configs/config.yaml", "model.module=faulty:UnequalWidths", "~model.params"];

/// Trains with the sandbox's `libfaulty.so`, which must be refused for `reason` before a run is begun.
#[track_caller]
fn is_refused(sandbox: &Sandbox, reason: &str) {
    let refused = format!("plugins (--plugin-dir): libfaulty.so: {reason}");
    fails(sandbox, FAULTY, 2, &["no usable plugin library `faulty`", &refused, "key path: model.module"]);
    assert!(!sandbox.path("runs").exists());
    // One bad file spoils no list.
    let listed = sandbox.host(&["--plugin-dir", "plugins", "plugins", "list"]);
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    assert!(listed.stderr.contains(&format!("warn: plugins/libfaulty.so: {reason}")), "{}", listed.stderr);
    assert!(!listed.stdout.contains("faulty") && listed.stdout.contains("gat:GAT"), "{}", listed.stdout);
}

#[test]
fn a_missing_library_names_every_place_and_the_nearest_name() {
    let sandbox = Sandbox::new();
    sandbox.write("first/libother.so", "");
    sandbox.write(
        "configs/lost.yaml",
        "defaults: [config, _self_]\nmodel:\n  module: two_towr:TwoTower\nplugin_path: [third]\n",
    );
    let mut host = sandbox.command();
    host.env("RECSYS_PLUGIN_PATH", "second").args(["train", "configs/lost.yaml", "--plugin-dir", "first"]);
    let said = Said::from(host.output().unwrap());
    let places = [
        "first (--plugin-dir): no libtwo_towr.so",
        "second (RECSYS_PLUGIN_PATH): no such folder",
        "third (plugin_path in the config): no such folder",
        "(the build): no libtwo_towr.so",
        "(the install): no",
    ];
    said.is_error(2, &places);
    said.is_error(
        2,
        &["no usable plugin library `two_towr`; did you mean `two_tower`?", "there are: evaluators, gat,"],
    );
    said.is_error(2, &["configs/lost.yaml:3:", "key path: model.module"]);
    let at = places.map(|place| said.stderr.find(place).unwrap());
    assert!(at.is_sorted(), "not in the order of search:\n{}", said.stderr);
}

#[test]
fn a_missing_constructor_names_the_near_ones() {
    let sandbox = Sandbox::new();
    let parts =
        ["no constructor `BPRLos`; did you mean `BPRLoss`?", "it has: BCEWithLogitsLoss (loss), BPRLoss (loss)"];
    fails(&sandbox, &["train", "configs/config.yaml", "loss.module=losses:BPRLos"], 2, &parts);
}

#[test]
fn a_constructor_of_the_wrong_kind_names_those_of_the_right_one() {
    let sandbox = Sandbox::new();
    let parts = [
        "`gat:GAT` is a model, but a loss is wanted here",
        "of that kind there are: losses:BCEWithLogitsLoss, losses:BPRLoss",
        "key path: loss.module",
    ];
    fails(&sandbox, &["train", "configs/config.yaml", "loss.module=gat:GAT"], 2, &parts);
}

#[test]
fn a_truncated_library_is_refused_at_every_length() {
    let whole = std::fs::read(plugin_fixture("faulty")).unwrap();
    for length in [0, 10, 64, 100_000, whole.len() / 2, whole.len() - 1] {
        let sandbox = Sandbox::new();
        sandbox.write("plugins/libfaulty.so", &whole[..length]);
        is_refused(&sandbox, "no whole 64-bit ELF library");
    }
}

#[test]
fn a_library_without_our_note_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("plugins/libfaulty.so", std::fs::read(workspace().join(".libtorch/lib/libc10.so")).unwrap());
    is_refused(&sandbox, "no recsys-host plugin: it has no section `.note.recsys-host`");
}

#[test]
fn a_text_file_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("plugins/libfaulty.so", "INPUT ( libother.so )\n");
    is_refused(&sandbox, "no whole 64-bit ELF library");
}

#[test]
fn another_major_version_of_the_api_is_refused() {
    let sandbox = Sandbox::new().with_note("api=1.", "api=2.");
    let (least, api) = (plugin_api::LEAST_HOST, plugin_api::API_VERSION);
    is_refused(&sandbox, &format!("it needs a host of API 2.{}, this one has {api}; rebuild it", least.minor));
}

#[test]
fn another_libtorch_is_refused() {
    let sandbox = Sandbox::new().with_note("libtorch=2.11.0", "libtorch=2.10.0");
    is_refused(&sandbox, "built with libtorch 2.10.0, this host runs 2.11.0; rebuild it");
}

#[test]
fn a_plugin_whose_panics_abort_is_refused() {
    let sandbox = Sandbox::new().with_note("panic=unwind", "panic=abort");
    is_refused(&sandbox, "built with panic = \"abort\", so its panics would end the host");
}

#[test]
fn a_plugin_under_another_name_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("plugins/libfaulty.so", std::fs::read(plugin_fixture("aborting")).unwrap());
    is_refused(&sandbox, "it says it is `aborting`, version 0.1.0; name the file libaborting.so");
}

#[test]
fn a_refused_file_before_a_good_one_is_told_and_passed_over() {
    let sandbox = Sandbox::new();
    sandbox.write("plugins/libgat.so", "");
    for command in [["plugins", "list"], ["plugins", "inspect"]] {
        let module: &[&str] = if command[1] == "inspect" { &["gat"] } else { &[] };
        let said = sandbox.host(&[&["--plugin-dir", "plugins"], &command[..], module].concat());
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert!(said.stderr.contains("warn: plugins/libgat.so: no whole 64-bit ELF library"), "{}", said.stderr);
        assert!(said.stdout.contains("gat:GAT"), "{}", said.stdout);
    }
}

//! The program that users call starts without libtorch, and becomes the engine where it must.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::{host_binary, Sandbox};

#[test]
fn it_is_linked_without_libtorch() {
    let needed = |name: &str| {
        let mut command = Command::new(host_binary().with_file_name(name));
        // The loader lists what it would load, and runs nothing.
        let output = command.env("LD_TRACE_LOADED_OBJECTS", "1").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(needed("recsys-host-engine").contains("libtorch_cpu"));
    let launcher = needed("recsys-host");
    assert!(launcher.contains("libc.so"), "{launcher}");
    assert!(!launcher.contains("torch") && !launcher.contains("libc10"), "{launcher}");
}

#[test]
fn alone_it_looks_at_plugins_and_says_what_is_missing_for_the_rest() {
    let sandbox = Sandbox::new();
    let alone = sandbox.path("recsys-host");
    std::fs::copy(host_binary(), &alone).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(&alone).args(arguments).current_dir(sandbox.path("")).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, listed, said) =
        run(&["plugins", "list", "--plugin-dir", host_binary().parent().unwrap().to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    assert!(listed.contains("gat:GAT"), "{listed}");
    for arguments in [&["--help"][..], &["train", "configs/config.yaml"], &["plugins", "list", "--jsno"]] {
        let (code, _, said) = run(arguments);
        assert_eq!(code, Some(1));
        assert!(said.contains("recsys-host-engine: No such file") && said.contains("`make setup`"), "{said}");
    }
}

#[test]
fn the_engine_begins_with_huge_pages_unless_the_user_says_otherwise() {
    let sandbox = Sandbox::new();
    let (program, engine) = (sandbox.path("recsys-host"), sandbox.path("recsys-host-engine"));
    std::fs::copy(host_binary(), &program).unwrap();
    std::fs::write(&engine, "#!/bin/sh\nprintf %s \"$GLIBC_TUNABLES\"\n").unwrap();
    std::fs::set_permissions(&engine, std::fs::Permissions::from_mode(0o755)).unwrap();
    let told = |set: Option<&str>| {
        let mut command = Command::new(&program);
        command.arg("--version").env_remove("GLIBC_TUNABLES");
        String::from_utf8(command.envs(set.map(|value| ("GLIBC_TUNABLES", value))).output().unwrap().stdout).unwrap()
    };
    assert_eq!(told(None), "glibc.malloc.hugetlb=1");
    assert_eq!(told(Some("glibc.malloc.hugetlb=0")), "glibc.malloc.hugetlb=0");
}

#[test]
fn the_engine_answers_alike() {
    let sandbox = Sandbox::new();
    let engine = host_binary().with_file_name("recsys-host-engine");
    for arguments in [
        &["plugins", "list"][..],
        &["plugins", "list", "--json"],
        &["plugins", "doctor", "--json"],
        &["-q", "plugins", "doctor"],
    ] {
        let here = sandbox.host(arguments);
        let output = sandbox.command_of(&engine).args(arguments).output().unwrap();
        assert_eq!(here.code, output.status.code());
        assert_eq!(here.stdout, String::from_utf8(output.stdout).unwrap());
    }
}

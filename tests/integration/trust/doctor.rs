//! `plugins doctor`: every file that is not used, why, and the cure.

use serde_json::Value;

use super::chmod;
use crate::broken::plugin_fixture;
use crate::support::{workspace, Said, Sandbox};

/// What is wrong with a file.
struct Case {
    code: &'static str,
    bytes: Vec<u8>,
    reason: &'static str,
    cure: &'static str,
}

/// `libfaulty.so` with bytes of it replaced by others, as many.
fn with(from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = std::fs::read(plugin_fixture("faulty")).unwrap();
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|window| window == from);
    let at = at.unwrap_or_else(|| panic!("no {}", String::from_utf8_lossy(from)));
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

fn case(code: &'static str, bytes: Vec<u8>, reason: &'static str, cure: &'static str) -> Case {
    Case { code, bytes, reason, cure }
}

fn cases() -> Vec<Case> {
    let faulty = || std::fs::read(plugin_fixture("faulty")).unwrap();
    let mut other_processor = faulty();
    // e_machine: RISC-V.
    other_processor[18..20].copy_from_slice(&243u16.to_le_bytes());
    let mut narrow = faulty();
    narrow[4] = 1;
    let no_plugin = std::fs::read(workspace().join(".libtorch/lib/libc10.so")).unwrap();
    vec![
        case("architecture", other_processor, "built for riscv64", "best on this machine"),
        case("architecture", narrow, "built for a 32-bit processor", "best on this machine"),
        case(
            "architecture",
            b"\xcf\xfa\xed\xfe and so on, long enough".to_vec(),
            "built for macOS",
            "best on this machine",
        ),
        case("not_elf", b"INPUT ( libother.so )\n".to_vec(), "no whole 64-bit ELF library", "build it again"),
        case("not_elf", faulty()[..100_000].to_vec(), "no whole 64-bit ELF library", "it may be truncated"),
        case(
            "glibc",
            with(b"\0GLIBC_2.14\0", b"\0GLIBC_9.14\0"),
            "it needs glibc 9.14, this machine has 2.",
            "oldest system",
        ),
        case("no_note", no_plugin, "no recsys-host plugin", "export_plugin!"),
        case("bad_note", with(b"recsys-host\0name=", b"recsys-host\0game="), "does not tell `name`", "build it again"),
        case("api", with(b"\napi=1.", b"\napi=2."), "it needs a host of API 2.", "rebuild it against"),
        case("libtorch", with(b"libtorch=2.11.0", b"libtorch=2.12.0"), "built with libtorch 2.12.0", "LIBTORCH"),
        case(
            "bundled_libtorch",
            with(b"\0libtorch_cpu.so\0", b"\0libtorch_xyz.so\0"),
            "it needs libtorch_xyz.so",
            "link the host's",
        ),
        case("panic_abort", with(b"panic=unwind\n", b"panic=abort\n\n"), "panic = \"abort\"", "panic = \"unwind\""),
        case("renamed", faulty(), "it says it is `faulty`, version 0.1.0", "name the file libfaulty.so"),
    ]
}

fn findings(said: &Said) -> Vec<Value> {
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {}", said.stdout))
}

fn of_file<'a>(findings: &'a [Value], file: &str) -> &'a Value {
    findings.iter().find(|finding| finding["path"] == file).unwrap_or_else(|| panic!("no {file} in {findings:#?}"))
}

#[test]
fn every_refused_file_is_explained_with_its_cure() {
    let sandbox = Sandbox::new().with_own_cache();
    let cases = cases();
    let file = |index: usize| format!("plugins/libcase{index}.so");
    for (index, case) in cases.iter().enumerate() {
        sandbox.write(&file(index), &case.bytes);
    }
    let open = sandbox.write("plugins/libopen.so", b"");
    chmod(&open, 0o666);
    let said = sandbox.host_with(&[], &["plugins", "doctor", "--json"]);
    said.is_error(1, &[&format!("error: {} of ", cases.len() + 1), "plugin files cannot be used"]);
    let findings = findings(&said);
    for (index, case) in cases.iter().enumerate() {
        let finding = of_file(&findings, &file(index));
        let text = |key: &str| finding[key].as_str().unwrap_or_default();
        assert_eq!((text("status"), text("code")), ("refused", case.code), "{finding:#}");
        assert!(text("reason").contains(case.reason), "{finding:#}");
        assert!(text("cure").contains(case.cure), "{finding:#}");
    }
    let finding = of_file(&findings, "plugins/libopen.so");
    assert_eq!(finding["code"], "writable_by_others", "{finding:#}");
    let text = sandbox.host_with(&[], &["plugins", "doctor"]);
    text.is_error(1, &[]);
    let expected = "NOT USED  plugins/libcase0.so (--plugin-dir)\n  why:  built for riscv64";
    assert!(text.stdout.contains(expected), "{}", text.stdout);
}

#[test]
fn where_all_is_well_it_says_so() {
    let sandbox = Sandbox::new().with_own_cache().with_copy("plugins", "losses");
    let said = sandbox.does(&["plugins", "doctor", "--json"]);
    let findings = findings(&said);
    assert_eq!(of_file(&findings, "plugins/liblosses.so")["status"], "ok");
    let behind = findings.iter().find(|finding| finding["status"] == "behind").unwrap();
    assert_eq!((behind["library"].as_str(), behind["behind"].as_str()), (Some("losses"), Some("plugins/liblosses.so")));
    assert!(behind["code"].is_null());
}

#[test]
fn what_is_quarantined_is_listed_wherever_it_lies() {
    let sandbox = Sandbox::new().with_own_cache().with_plugin("crashing_on_open");
    sandbox.host_with(&[], &["plugins", "inspect", "crashing_on_open"]).is_error(1, &["SIGSEGV"]);
    let said = sandbox.host_with(&[], &["plugins", "doctor", "--json"]);
    said.is_error(1, &["error: 1 of "]);
    let finding = findings(&said);
    let finding = of_file(&finding, "plugins/libcrashing_on_open.so");
    assert_eq!((finding["status"].as_str(), finding["code"].as_str()), (Some("quarantined"), Some("quarantined")));
    let reason = finding["reason"].as_str().unwrap();
    assert!(reason.contains("SIGSEGV") && reason.contains("a table that nobody made"), "{reason}");
    // Without its folder on the path, too; and not once it is another file.
    let doctor = || sandbox.host(&["plugins", "doctor"]);
    let said = doctor();
    said.is_error(1, &["error: 1 of "]);
    assert!(said.stdout.contains("libcrashing_on_open.so (not on the search path)"), "{}", said.stdout);
    sandbox.write("plugins/libcrashing_on_open.so", "mended");
    assert_eq!(doctor().code, Some(0));
}

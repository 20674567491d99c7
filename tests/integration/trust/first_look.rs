//! Libraries that were never seen before are opened in a child process first; what crashes or hangs there is quarantined.

use super::TRAIN;
use crate::broken::plugin_fixture;
use crate::support::Sandbox;

/// No child process can open anything in so short a time, so a run that goes well started none.
const NO_CHILD: [(&str, &str); 1] = [("RECSYS_PROBE_TIMEOUT", "0")];

const CRASHING: &str = "model.module=crashing_on_open:Crashes";

fn fresh() -> Sandbox {
    Sandbox::new().with_own_cache().with_ratings(40, 30)
}

#[test]
fn a_library_that_crashes_on_opening_is_quarantined_and_never_opened_again() {
    let sandbox = fresh().with_plugin("crashing_on_open");
    let trace = sandbox.path("trace");
    let variables = [("CRASHING_ON_OPEN_TRACE", trace.to_str().unwrap())];
    let n_openings = || std::fs::read_to_string(&trace).unwrap().lines().count();
    let train = [&TRAIN[..3], &[CRASHING, "~model.params"]].concat();
    let story = [
        "libcrashing_on_open.so: quarantined: opening it in a child process ended it by SIGSEGV (20",
        "its last output: crashing_on_open: looking up a table that nobody made",
        "plugins doctor --forget",
        "key path: model.module",
    ];
    let first = sandbox.host_with(&variables, &train);
    first.is_error(2, &story);
    assert!(!sandbox.path("runs").exists());
    // Together with the others, then alone to make sure that it was this one.
    assert_eq!(n_openings(), 2);
    sandbox.host_with(&variables, &train).is_error(2, &story);
    assert_eq!(n_openings(), 2, "it was opened again");
    let listed = sandbox.does(&["plugins", "list"]);
    assert!(listed.stderr.contains("warn: plugins/libcrashing_on_open.so: quarantined:"), "{}", listed.stderr);
    assert!(!listed.stdout.contains("crashing_on_open"), "{}", listed.stdout);
    // The others of the config have been cleared meanwhile.
    sandbox.host_with(&NO_CHILD, &["plugins", "inspect", "trainers"]).is_fine();
    sandbox.host_with(&NO_CHILD, &["plugins", "inspect", "movielens"]).is_fine();
}

/// `libaborting.so` with a note that says it is the model `two_tower:TwoTower`.
fn disguised() -> Vec<u8> {
    let mut bytes = std::fs::read(plugin_fixture("aborting")).unwrap();
    let position = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).position(|window| window == part).unwrap();
    let begin = position(&bytes, b"recsys-host\0name=aborting\n") + "recsys-host\0".len();
    let end = begin + position(&bytes[begin..], b"model=Aborts\n") + "model=Aborts\n".len();
    let note = String::from_utf8(bytes[begin..end].to_vec()).unwrap();
    let lines = note.lines().filter(|line| !line.starts_with("description="));
    let mut note = lines.map(|line| format!("{line}\n")).collect::<String>();
    note = note.replace("name=aborting", "name=two_tower").replace("model=Aborts", "model=TwoTower");
    // Empty lines say nothing.
    bytes[begin..end].fill(b'\n');
    bytes[begin..begin + note.len()].copy_from_slice(note.as_bytes());
    bytes
}

#[test]
fn a_sound_copy_further_down_the_path_is_used_instead() {
    let sandbox = fresh();
    sandbox.write("plugins/libtwo_tower.so", disguised());
    for _ in 0..2 {
        let said = sandbox.does(&TRAIN);
        let warning = "warn: plugins/libtwo_tower.so: quarantined: opening it in a child process ended it by SIGABRT";
        assert!(said.stderr.contains(warning) && said.stderr.contains("; using "), "{}", said.stderr);
    }
}

#[test]
fn a_library_that_hangs_on_opening_is_killed_and_quarantined() {
    let sandbox = fresh().with_plugin("hanging_on_open");
    let variables = [("RECSYS_PROBE_TIMEOUT", "3")];
    let inspect = ["plugins", "inspect", "hanging_on_open"];
    let parts = ["did not come to an end within 3 s", "hanging_on_open: waiting for a licence server"];
    sandbox.host_with(&variables, &inspect).is_error(1, &parts);
    sandbox.host_with(&[], &inspect).is_error(2, &parts);
}

#[test]
fn what_was_opened_once_is_opened_without_a_child() {
    let sandbox = fresh();
    sandbox.does(&TRAIN);
    sandbox.host_with(&NO_CHILD, &TRAIN).is_fine();
    // The same content under another path.
    let sandbox = sandbox.with_copy("plugins", "two_tower");
    sandbox.host_with(&NO_CHILD, &TRAIN).is_fine();
    // The proof that the limit bites: content that is new.
    let library = sandbox.path("plugins/libtwo_tower.so");
    let bytes = std::fs::read(&library).unwrap();
    std::fs::write(&library, [&bytes[..], b"\n"].concat()).unwrap();
    let said = sandbox.host_with(&NO_CHILD, &TRAIN);
    let warning =
        "warn: plugins/libtwo_tower.so: quarantined: opening it in a child process did not come to an end within 0 s";
    assert!(said.stderr.contains(warning), "{}", said.stderr);
}

#[test]
fn who_wants_no_first_look_says_so() {
    let sandbox = fresh().with_plugin("aborting");
    for (option, variable) in [(Some("--no-probe"), ""), (None, "1")] {
        let arguments = [option.as_slice(), &["plugins", "inspect", "aborting"][..]].concat();
        let said = sandbox.host_with(&[("RECSYS_NO_PROBE", variable)], &arguments);
        assert_eq!(said.code, None, "it was not opened here: {}", said.stderr);
    }
}

#[test]
fn a_quarantine_is_lifted_by_hash_or_file() {
    let sandbox = fresh().with_plugin("aborting");
    let inspect = ["plugins", "inspect", "aborting"];
    let quarantined = || {
        sandbox.host_with(&[], &inspect).is_error(1, &["SIGABRT"]);
        sandbox.host_with(&[], &inspect).is_error(2, &["no usable plugin library `aborting`", "quarantined"]);
    };
    quarantined();
    let doctor = sandbox.host_with(&[], &["plugins", "doctor"]);
    let at = doctor.stdout.find("--forget ").unwrap_or_else(|| panic!("{}", doctor.stdout)) + "--forget ".len();
    let hash = &doctor.stdout[at..at + 12];
    sandbox.does(&["plugins", "doctor", "--forget", hash]);
    // Tried anew, as if never seen.
    quarantined();
    sandbox.does(&["plugins", "doctor", "--forget", "plugins/libaborting.so"]);
    quarantined();
    let parts = ["`123456789abc` is not quarantined", "quarantined is: ", "plugins/libaborting.so)"];
    sandbox.host_with(&[], &["plugins", "doctor", "--forget", "123456789abc"]).is_error(2, &parts);
}

#[test]
fn a_cache_that_is_damaged_or_cannot_be_written_costs_time_only() {
    let sandbox = fresh();
    // A file where the folder should be.
    sandbox.write("cache", "");
    sandbox.does(&TRAIN);
    let sandbox = sandbox.with_plugin("aborting");
    sandbox.host_with(&[], &["plugins", "inspect", "aborting"]).is_error(1, &["quarantined", "SIGABRT"]);

    let sandbox = fresh();
    sandbox.does(&["plugins", "inspect", "losses"]);
    let cache = std::fs::read_dir(sandbox.path("cache/recsys-host")).unwrap().map(|entry| entry.unwrap().path());
    let cache = cache.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "json")).unwrap();
    sandbox.host_with(&NO_CHILD, &["plugins", "inspect", "losses"]).is_fine();
    std::fs::write(&cache, "{\"opened\":").unwrap();
    sandbox.host_with(&NO_CHILD, &["plugins", "inspect", "losses"]).is_error(1, &["liblosses.so", "within 0 s"]);
}

#[test]
fn list_reads_notes_once_and_opens_nothing() {
    let sandbox = fresh().with_plugin("aborting").with_copy("plugins", "losses");
    // Files that have just changed are not remembered.
    std::thread::sleep(std::time::Duration::from_millis(3500));
    let listed = sandbox.does(&["plugins", "list"]);
    assert!(listed.stdout.contains("aborting:Aborts"), "{}", listed.stdout);
    let folder = sandbox.path("cache/recsys-host");
    let cache = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let cache = cache.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "json")).unwrap();
    // What comes from the cache says what the cache says.
    let text = std::fs::read_to_string(&cache).unwrap();
    assert!(text.contains("name=losses\\nversion=0.1.0"), "{text}");
    std::fs::write(&cache, text.replace("name=losses\\nversion=0.1.0", "name=losses\\nversion=9.9.9")).unwrap();
    let again = sandbox.does(&["plugins", "list"]);
    assert!(again.stdout.contains("9.9.9"), "{}", again.stdout);
    // A file that changed is read again.
    let library = sandbox.path("plugins/liblosses.so");
    std::fs::copy(&library, sandbox.path("copy")).unwrap();
    std::fs::rename(sandbox.path("copy"), &library).unwrap();
    let again = sandbox.does(&["plugins", "list"]);
    let row = again.stdout.lines().find(|line| line.contains("plugins/liblosses.so")).unwrap();
    assert!(row.contains("0.1.0"), "{row}");
}

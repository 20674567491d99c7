//! House rules that no compiler checks: length of files, places of `unsafe`, a `//!` on every file.

use std::path::{Path, PathBuf};

use crate::support::workspace;

const LONGEST: usize = 400;

/// The files in which `unsafe` may stand; a trailing slash allows a folder.
const UNSAFE: [&str; 6] = [
    "plugin-api/src/abi/",
    "plugin-api/src/tensor.rs",
    "host/src/plugins/library.rs",
    "plugins/kernels/src/",
    "plugins/nn/src/autograd.rs",
    "plugins/nn/src/slices.rs",
];

/// Every Rust file of the project with its path relative to the checkout.
fn sources() -> Vec<(String, String)> {
    let mut folders: Vec<PathBuf> =
        ["host", "plugin-api", "plugins", "tests"].iter().map(|name| workspace().join(name)).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(workspace()).unwrap().display().to_string();
                sources.push((relative, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(sources.len() > 50, "only {} files found", sources.len());
    sources
}

fn complain(faults: Vec<String>) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn files_are_short() {
    let long = sources().into_iter().filter(|(_, text)| text.lines().count() > LONGEST);
    complain(long.map(|(path, text)| format!("{path}: {} lines, more than {LONGEST}", text.lines().count())).collect());
}

#[test]
fn every_file_says_what_it_defines() {
    let silent = sources().into_iter().filter(|(_, text)| !text.starts_with("//!"));
    complain(silent.map(|(path, _)| format!("{path}: does not begin with `//!`")).collect());
}

#[test]
fn no_function_is_longer_than_a_screen() {
    const LONGEST: usize = 60;
    let mut faults = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| !path.starts_with("tests/")) {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            if !is_function(line) || line.ends_with(';') {
                continue;
            }
            let closing = format!("{}}}", " ".repeat(indent));
            let length = lines[number..].iter().position(|line| *line == closing).unwrap_or(0);
            if length > LONGEST {
                faults.push(format!("{path}:{}: a function of {length} lines", number + 1));
            }
        }
    }
    complain(faults);
}

fn is_function(line: &str) -> bool {
    let line = line.trim_start();
    let after =
        ["pub(crate) ", "pub(super) ", "pub "].iter().find_map(|prefix| line.strip_prefix(prefix)).unwrap_or(line);
    after.starts_with("fn ") || after.starts_with("const fn ") || after.starts_with("extern \"C\" fn ")
}

#[test]
fn unsafe_stands_only_where_it_may_and_with_a_reason() {
    let mut faults = Vec::new();
    // Deliberately bad plugins do what they are there to do.
    for (path, text) in sources().iter().filter(|(path, _)| !Path::new(path).starts_with("tests")) {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            // Attributes and function pointer types are no blocks.
            if !code.contains("unsafe {") && !code.contains("unsafe impl") {
                continue;
            }
            let place = format!("{path}:{}", number + 1);
            if !UNSAFE.iter().any(|allowed| path.starts_with(allowed)) {
                faults.push(format!("{place}: `unsafe` outside its places"));
            }
            let reason = lines[number.saturating_sub(6)..number].iter().any(|line| line.contains("// SAFETY:"));
            if !reason {
                faults.push(format!("{place}: `unsafe` without a SAFETY reason"));
            }
        }
    }
    complain(faults);
}

#[test]
fn modules_are_files_named_after_them() {
    let old = sources().into_iter().filter(|(path, _)| path.ends_with("/mod.rs"));
    complain(old.map(|(path, _)| format!("{path}: use NAME.rs beside the folder NAME")).collect());
}

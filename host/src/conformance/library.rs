//! Tests of a library: the note, without running its code; opening; what it says it has.

use std::ffi::OsString;
use std::path::Path;

use super::process::{self, Stopwatch};
use super::verdict::{ensure, fail, skip, Checked, During, Finding};
use crate::plugins::{library, Identity};
use crate::terminal::LOG_SINK;

/// Longer is felt by whoever lists plugins.
const LONGEST_OPEN: f64 = 0.2;

pub fn note(path: &Path) -> Checked {
    let identity = identity(path)?;
    ensure(!identity.constructors.is_empty(), || "it exports no constructor of a kind that this host knows".into())?;
    for (kind, name) in &identity.constructors {
        let same = identity.constructors.iter().filter(|other| **other == (*kind, name.clone()));
        ensure(same.count() == 1, || format!("it exports `{name}` ({kind}) more than once"))?;
    }
    let file = format!("lib{}.so", identity.name);
    if path.file_name() != Some(&OsString::from(&file)) {
        return Err(Finding::Warned(format!("the host finds it under the name {file} only")));
    }
    Ok(())
}

fn identity(path: &Path) -> Checked<Identity> {
    Identity::read(path).map_err(|refusal| Finding::Failed(refusal.to_string()))
}

/// What the host refuses by its note, it does not open.
fn welcome(path: &Path) -> Checked<Identity> {
    identity(path).or_else(|_| skip("this host does not open it; see the test `note`"))
}

pub fn open(path: &Path) -> Checked {
    welcome(path)?;
    // Loaded on first use, by whoever uses it first.
    drop(tch::Tensor::f_zeros([1], (tch::Kind::Float, tch::Device::Cpu))?);
    let n_threads = process::n_threads();
    let clock = Stopwatch::start();
    opened(path)?;
    let seconds = clock.seconds();
    let n_started = process::n_threads().saturating_sub(n_threads);
    ensure(n_started == 0, || format!("opening it started {n_started} threads"))?;
    ensure(seconds <= LONGEST_OPEN, || format!("opening it took {seconds:.3} s, more than {LONGEST_OPEN} s"))
}

fn opened(path: &Path) -> Checked<plugin_api::abi::module::PluginLibrary> {
    library::open(path, LOG_SINK).map_err(|error| Finding::Failed(error.to_string()))
}

pub fn describe(path: &Path) -> Checked {
    let identity = welcome(path)?;
    let library = opened(path).or_else(|_| skip("it cannot be opened; see the test `open`"))?;
    let described = library.describe().during("describe")?;
    let text = |record: &plugin_api::record::Record, name: &str| record.texts.get(name).cloned().unwrap_or_default();
    let listed: Vec<_> =
        identity.constructors.iter().map(|(kind, name)| (kind.name().to_owned(), name.clone())).collect();
    for (kind, name) in &listed {
        let there = described.iter().any(|record| text(record, "kind") == *kind && text(record, "name") == *name);
        ensure(there, || format!("its note lists `{name}` ({kind}), but the library itself does not"))?;
    }
    let mut silent = Vec::new();
    for record in &described {
        let (kind, name) = (text(record, "kind"), text(record, "name"));
        if !listed.contains(&(kind.clone(), name.clone())) {
            return fail(format!("the library lists `{name}` ({kind}), but its note does not"));
        }
        if text(record, "doc").trim().is_empty() {
            silent.push(name);
        }
    }
    match silent.as_slice() {
        [] => Ok(()),
        [_, ..] => Err(Finding::Warned(format!("without documentation: {}", silent.join(", ")))),
    }
}

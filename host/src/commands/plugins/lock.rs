//! `recsys-host plugins lock [CONFIG [overrides]]`.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cli::{ConfigArguments, Usage};
use crate::config::{Config, ConfigErrors, ExperimentConfig, Section};
use crate::plugins::admission::LibraryFile;
use crate::plugins::lock::{self, Lock, Locked};
use crate::plugins::policy::Policy;
use crate::plugins::{content, roots, Identity, SearchPath};
use crate::terminal::table::table;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// With a config: its libraries are added to the lock. Without: the lock lists all on the search path, and no others.
    #[command(flatten)]
    config: ConfigArguments,
}

pub fn run(arguments: Arguments, search_path: SearchPath) -> anyhow::Result<()> {
    let place = lock::path(&Policy::current());
    let has_config = !arguments.config.arguments.is_empty() || arguments.config.config_name.is_some();
    // A lock that cannot be read is what this command mends.
    let former = Lock::read(&place).unwrap_or_else(|error| {
        log::warn!("{error}");
        None
    });
    let former = former.map_or_else(Vec::new, |lock| lock.plugins);
    let files = if has_config { of_config(&arguments.config.compose()?, search_path)? } else { all(&search_path) };
    if files.is_empty() {
        return Err(Usage("there are no plugins to lock; name their folder with --plugin-dir".to_owned()).into());
    }
    let mut locked =
        files.iter().map(|(path, identity)| entry(path, identity, &place)).collect::<Result<Vec<_>, _>>()?;
    show(&locked, &former);
    if has_config {
        let is_other = |known: &&Locked| locked.iter().all(|locked| locked.name != known.name);
        let others: Vec<_> = former.iter().filter(is_other).cloned().collect();
        locked.extend(others);
    }
    Lock::new(locked).write(&place).with_context(|| place.display().to_string())?;
    log::info!("wrote {}: from here the host opens only what it lists", place.display());
    Ok(())
}

fn entry(path: &Path, identity: &Identity, place: &Path) -> anyhow::Result<Locked> {
    let hash = || content::sha256(&File::open(path)?);
    let sha256 = hash().with_context(|| path.display().to_string())?;
    Ok(Locked::new(&LibraryFile { path: path.to_owned(), identity: identity.clone(), sha256 }, place))
}

fn of_config(config: &Config, mut search_path: SearchPath) -> anyhow::Result<Vec<(PathBuf, Identity)>> {
    let experiment = ExperimentConfig::from_config(config)?;
    let (folders, faults) = roots::judge(&experiment.settings.plugin_path);
    ConfigErrors::check((), faults)?;
    search_path.add_from_config(folders);
    let mut libraries: Vec<_> =
        Section::ALL.iter().map(|section| &experiment.component(*section).module.library).collect();
    libraries.sort();
    libraries.dedup();
    let found = libraries.into_iter().map(|library| search_path.find(library));
    found.map(|found| found.map_err(|error| Usage(error.to_string()).into())).collect()
}

fn all(search_path: &SearchPath) -> Vec<(PathBuf, Identity)> {
    let usable = search_path.candidates().into_iter().filter_map(|candidate| match candidate.identity {
        Ok(identity) => Some((candidate.path, identity)),
        Err(refusal) => {
            log::warn!("{}: {refusal}", candidate.path.display());
            None
        }
    });
    usable.collect()
}

fn show(locked: &[Locked], former: &[Locked]) {
    let mut rows = table(&["library", "version", "sha256", "file", ""]);
    for locked in locked {
        let change = match former.iter().find(|known| known.name == locked.name) {
            None => "new",
            Some(known) if known.sha256 == locked.sha256 => "as before",
            Some(_) => "changed",
        };
        rows.add_row([&locked.name, &locked.version, &locked.sha256, &locked.path, change]);
    }
    crate::commands::print(&rows.to_string());
}

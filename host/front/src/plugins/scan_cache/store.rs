//! The file of the scan cache: read whatever is there, written beside its place under a lock, kept small.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use plugin_identity::{API_VERSION, LIBTORCH_VERSION};

use super::Content;
use crate::plugins::{elf, permissions};

/// Entries kept of each sort; the oldest go.
const KEPT: usize = 1024;
/// A process that was stopped while it held the lock must not stop the others.
const PATIENCE: Duration = Duration::from_secs(1);

/// `$XDG_CACHE_HOME/recsys-host/plugins-VERSIONS.json`; `~/.cache` in place of the variable.
pub fn place() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    let glibc = elf::running_glibc().map_or_else(|| "none".to_owned(), elf::text);
    let host = env!("CARGO_PKG_VERSION");
    let name = format!(
        "plugins-host{host}-api{API_VERSION}-libtorch{LIBTORCH_VERSION}-{}-glibc{glibc}.json",
        std::env::consts::ARCH
    );
    Some(cache.join("recsys-host").join(name))
}

/// What is there; nothing if it cannot be read, or if others may write to it.
pub fn read(place: &Path) -> Content {
    let Ok(bytes) = std::fs::read(place) else { return Content::default() };
    match permissions::exposure(place) {
        Ok(None) => {}
        Ok(Some(exposure)) => {
            log::warn!("the plugin cache is not used: {}; {}", exposure.reason(), exposure.cure());
            return Content::default();
        }
        Err(error) => {
            log::debug!("{}: {error}", place.display());
            return Content::default();
        }
    }
    serde_json::from_slice(&bytes).unwrap_or_else(|error| {
        log::debug!("{} is damaged and begun anew: {error}", place.display());
        Content::default()
    })
}

/// Reads, changes and replaces the file while no other process of this host does.
pub fn update(place: &Path, change: impl FnOnce(&mut Content)) -> io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let guard = File::options().create(true).append(true).open(place.with_extension("guard"))?;
    acquire(&guard)?;
    let mut content = read(place);
    change(&mut content);
    prune(&mut content);
    let mut staged = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut staged, &content)?;
    staged.flush()?;
    staged.persist(place)?;
    Ok(())
}

fn acquire(guard: &File) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match guard.try_lock() {
            Ok(()) => return Ok(()),
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn prune(content: &mut Content) {
    if content.files.len() > KEPT {
        content.files.retain(|path, _| Path::new(path).exists());
    }
    keep_newest(&mut content.files, |seen| seen.at);
    keep_newest(&mut content.opened, |at| *at);
    keep_newest(&mut content.quarantined, |quarantine| quarantine.at);
}

fn keep_newest<T>(entries: &mut BTreeMap<String, T>, at: impl Fn(&T) -> i64) {
    if entries.len() <= KEPT {
        return;
    }
    let mut ages: Vec<i64> = entries.values().map(&at).collect();
    ages.sort_unstable_by(|left, right| right.cmp(left));
    let oldest = ages[KEPT - 1];
    entries.retain(|_, entry| at(entry) >= oldest);
    // Many of one second.
    while entries.len() > KEPT {
        entries.pop_first();
    }
}

#[cfg(test)]
mod tests {
    use super::super::Change;
    use super::*;

    fn opened(place: &Path) -> Vec<String> {
        read(place).opened.into_keys().collect()
    }

    fn add(place: &Path, sha256: &str) {
        update(place, |content| content.apply(&Change::Opened(sha256.to_owned()))).unwrap();
    }

    #[test]
    fn writers_add_to_each_other_and_damage_costs_no_more_than_the_entries() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("deep/plugins.json");
        assert!(opened(&place).is_empty());
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let place = &place;
                scope.spawn(move || add(place, &format!("{writer}")));
            }
        });
        assert_eq!(opened(&place).len(), 8);
        for damage in [&b"{\"opened\": [1]}"[..], b"", b"\xff{", b"{\"opened\":{\"0\":1}"] {
            std::fs::write(&place, damage).unwrap();
            assert!(opened(&place).is_empty());
            add(&place, "again");
            assert_eq!(opened(&place), ["again"]);
        }
    }

    #[test]
    fn it_stays_small() {
        let mut entries: BTreeMap<String, i64> = (0..KEPT as i64 + 10).map(|at| (at.to_string(), at)).collect();
        keep_newest(&mut entries, |at| *at);
        assert_eq!((entries.len(), entries.values().min()), (KEPT, Some(&10)));
        let mut entries: BTreeMap<String, i64> = (0..KEPT + 10).map(|name| (name.to_string(), 1)).collect();
        keep_newest(&mut entries, |at| *at);
        assert_eq!(entries.len(), KEPT);
    }
}

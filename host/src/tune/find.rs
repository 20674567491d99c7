//! Where studies lie, and how one is found again: `studies/NAME/study.sqlite`.

use std::path::{Path, PathBuf};

use super::storage::{Definition, Storage};
use super::trial::Trial;
use crate::cli::Usage;
use crate::config::nearest;

const STUDIES: &str = "studies";
const FILE: &str = "study.sqlite";

/// A study as it was read.
pub struct Study {
    pub path: PathBuf,
    pub definition: Definition,
    pub trials: Vec<Trial>,
}

/// The file of a study that names none.
pub fn place_of(name: &str) -> PathBuf {
    Path::new(STUDIES).join(name).join(FILE)
}

/// Opens the study of a name, a folder or a file; without one, the one that was written last.
pub fn open(wanted: Option<&str>) -> anyhow::Result<Study> {
    let path = match wanted {
        Some(wanted) => named(wanted)?,
        None => newest()?,
    };
    let storage = Storage::read(&path)?;
    let definition = storage.definition()?;
    let definition = definition.ok_or_else(|| anyhow::anyhow!("{}: the study was never begun", path.display()))?;
    Ok(Study { trials: storage.trials()?, definition, path })
}

fn named(wanted: &str) -> anyhow::Result<PathBuf> {
    let candidates = [PathBuf::from(wanted), Path::new(wanted).join(FILE), place_of(wanted)];
    if let Some(found) = candidates.into_iter().find(|path| path.is_file()) {
        return Ok(found);
    }
    let names: Vec<String> =
        all().iter().filter_map(|path| Some(path.parent()?.file_name()?.to_string_lossy().into())).collect();
    let guess = nearest(wanted, names.iter().map(String::as_str))
        .map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    let there = if names.is_empty() { "there are none".to_owned() } else { format!("there are: {}", names.join(", ")) };
    anyhow::bail!(Usage(format!("there is no study `{wanted}`{guess}\n  {there}")))
}

fn newest() -> anyhow::Result<PathBuf> {
    let written = |path: &PathBuf| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let none =
        || Usage(format!("there is no study below {STUDIES}/; `recsys-host tune CONFIG` makes one, or name its file"));
    Ok(all().into_iter().max_by_key(written).ok_or_else(none)?)
}

fn all() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(STUDIES).into_iter().flatten().flatten();
    let mut files: Vec<_> = folders.map(|folder| folder.path().join(FILE)).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

//! [`Ledger`]: what became of the jobs of a sweep, one line of JSON an event, appended and flushed to the disk at once.
//!
//! A line that was cut off by a kill or a full disk is as good as never written: it is removed when the ledger is opened again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::artifacts::ArtifactError;

pub const LEDGER: &str = "ledger.jsonl";

/// Something that happened to a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Started,
    /// With its `result.json`.
    Finished {
        result: Value,
    },
    Failed {
        message: String,
        code: Option<i32>,
    },
    /// By Ctrl-C.
    Interrupted,
}

/// A line.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    time: String,
    job: usize,
    /// The hash of the job's config.
    key: String,
    #[serde(flatten)]
    event: Event,
}

pub struct Ledger {
    path: PathBuf,
    file: File,
    /// The last event of each job, by the hash of its config.
    latest: BTreeMap<String, Event>,
}

impl Ledger {
    /// Of a sweep's folder, of which this process holds the lock.
    pub fn open(folder: &Path) -> Result<Self, ArtifactError> {
        let path = folder.join(LEDGER);
        let failed = |error: std::io::Error| ArtifactError::new(&path, error);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(failed)?;
        }
        file.seek(SeekFrom::Start(whole as u64)).map_err(failed)?;
        sync_folder(folder);
        Ok(Self { latest: latest(&bytes[..whole], &path), path, file })
    }

    /// What a ledger says, without opening it for more.
    pub fn peek(folder: &Path) -> BTreeMap<String, Event> {
        let path = folder.join(LEDGER);
        let bytes = std::fs::read(&path).unwrap_or_default();
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        latest(&bytes[..whole], &path)
    }

    pub fn latest(&self, key: &str) -> Option<&Event> {
        self.latest.get(key)
    }

    /// It is on the disk when this returns.
    pub fn append(&mut self, job: usize, key: &str, event: Event) -> Result<(), ArtifactError> {
        let time = jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string();
        let line = Line { time, job, key: key.to_owned(), event };
        let failed = |error: std::io::Error| ArtifactError::new(&self.path, error);
        let text = serde_json::to_string(&line).map_err(|error| ArtifactError::new(&self.path, error))? + "\n";
        let end = self.file.stream_position().map_err(failed)?;
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| {
            // What a full disk took of the line goes again.
            let _ = self.file.set_len(end).and_then(|()| self.file.seek(SeekFrom::Start(end)));
            failed(error)
        })?;
        self.latest.insert(line.key, line.event);
        Ok(())
    }
}

/// A line that cannot be read is told and passed over: at worst its job is run once more.
fn latest(bytes: &[u8], path: &Path) -> BTreeMap<String, Event> {
    let mut latest = BTreeMap::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        match serde_json::from_slice::<Line>(line) {
            Ok(line) => drop(latest.insert(line.key, line.event)),
            Err(error) => log::warn!("{}:{}: passed over: {error}", path.display(), index + 1),
        }
    }
    latest
}

/// So that a file's name outlives a crash of the machine, too. Not all file systems can.
fn sync_folder(folder: &Path) {
    if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
        log::debug!("{}: {error}", folder.display());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(kind: u8) -> Event {
        match kind % 4 {
            0 => Event::Started,
            1 => Event::Finished { result: serde_json::json!({"metrics": {"test.auc": 0.1 + f64::from(kind)}}) },
            2 => Event::Failed { message: "several\nlines".into(), code: Some(1) },
            _ => Event::Interrupted,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
        /// Cut off anywhere, a ledger holds exactly the events whose lines are whole, and goes on behind them.
        #[test]
        fn a_ledger_cut_anywhere_holds_what_was_whole(kinds in prop::collection::vec(any::<u8>(), 1..12), cut in 0.0..1.0) {
            let folder = tempfile::tempdir().unwrap();
            let mut ledger = Ledger::open(folder.path()).unwrap();
            for (job, kind) in kinds.iter().enumerate() {
                ledger.append(job, &format!("key{job}"), event(*kind)).unwrap();
            }
            drop(ledger);
            let path = folder.path().join(LEDGER);
            let bytes = std::fs::read(&path).unwrap();
            let kept = &bytes[..(cut * bytes.len() as f64) as usize];
            std::fs::write(&path, kept).unwrap();
            let n_whole = kept.iter().filter(|byte| **byte == b'\n').count();
            let mut ledger = Ledger::open(folder.path()).unwrap();
            prop_assert_eq!(ledger.latest.len(), n_whole);
            ledger.append(99, "after", Event::Started).unwrap();
            let read = Ledger::peek(folder.path());
            prop_assert_eq!(read.len(), n_whole + 1);
            for (job, kind) in kinds.iter().enumerate().take(n_whole) {
                prop_assert_eq!(format!("{:?}", read[&format!("key{job}")]), format!("{:?}", event(*kind)));
            }
        }
    }
}

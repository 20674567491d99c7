//! [`Storage`]: a study in one SQLite file.
//!
//! Every change is a transaction, so that a study killed at any moment is read back as it was before or after one. One process writes,
//! which a lock beside the file sees to; any number read. Leaves out: what the values mean.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rusqlite::{params, Connection, OpenFlags, OptionalExtension, Row};
use serde::{Deserialize, Serialize};

use super::settings::Method;
use super::space::SearchSpace;
use super::trial::{State, Trial};

/// Of the tables below; an older host refuses a newer file.
const SCHEMA_VERSION: i64 = 1;
/// `recs`: whose file this is.
const APPLICATION_ID: i64 = 0x7265_6373;

const SCHEMA: &str = "
    CREATE TABLE study (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        name TEXT NOT NULL,
        definition TEXT NOT NULL, -- JSON: method and space
        config TEXT NOT NULL      -- YAML, without what the trials vary
    ) STRICT;
    CREATE TABLE trials (
        number INTEGER PRIMARY KEY,
        state TEXT NOT NULL CHECK (state IN ('running', 'complete', 'pruned', 'failed')),
        point TEXT NOT NULL,      -- JSON: a number for each parameter
        value REAL,
        epoch INTEGER,
        seconds REAL NOT NULL,
        message TEXT,
        run_dir TEXT NOT NULL,
        config TEXT NOT NULL      -- YAML
    ) STRICT;
    CREATE TABLE epochs (
        trial INTEGER NOT NULL REFERENCES trials (number),
        epoch INTEGER NOT NULL,
        value REAL,               -- NULL: not a number
        PRIMARY KEY (trial, epoch)
    ) STRICT, WITHOUT ROWID;
";

/// What a study is; it does not change while it lasts.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub name: String,
    pub method: Method,
    pub space: SearchSpace,
    /// The config without what the trials vary, as YAML.
    pub config: String,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    method: Method,
    space: SearchSpace,
}

#[derive(Debug)]
pub struct Storage {
    connection: Connection,
    path: PathBuf,
    lock: Option<File>,
}

impl Storage {
    /// To write: makes the file if it is not there, and waits for nobody.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).with_context(|| {
            format!("{}; the study goes there, choose another file with sweeper.storage", folder.display())
        })?;
        let lock = lock(path)?;
        let connection = Connection::open(path).with_context(|| place(path))?;
        let mut storage = Self { connection, path: path.to_owned(), lock: Some(lock) };
        storage.prepare().with_context(|| place(path))?;
        Ok(storage)
    }

    /// To read, also while another process writes.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // A process killed within a transaction leaves a journal, which only a writer may roll back.
        let connection = Connection::open_with_flags(path, flags)
            .or_else(|_| Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY))
            .with_context(|| place(path))?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        let storage = Self { connection, path: path.to_owned(), lock: None };
        storage.check_version().with_context(|| place(path))?;
        Ok(storage)
    }

    /// Held by the trials, too: as long as one of them runs, no other process writes.
    pub fn lock(&self) -> std::io::Result<Option<File>> {
        self.lock.as_ref().map(File::try_clone).transpose()
    }

    fn prepare(&mut self) -> anyhow::Result<()> {
        self.connection.busy_timeout(std::time::Duration::from_secs(10))?;
        let is_new: bool = self.connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
        if is_new {
            let transaction = self.connection.transaction()?;
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            transaction.commit()?;
        }
        self.check_version()
    }

    fn check_version(&self) -> anyhow::Result<()> {
        let pragma = |name: &str| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        if pragma("application_id")? != APPLICATION_ID {
            anyhow::bail!("this is no study of recsys-host");
        }
        let version = pragma("user_version")?;
        if version != SCHEMA_VERSION {
            anyhow::bail!("the study has version {version} of the format, this host reads {SCHEMA_VERSION}");
        }
        Ok(())
    }

    /// Nothing if the file is new.
    pub fn definition(&self) -> anyhow::Result<Option<Definition>> {
        let read = |row: &Row<'_>| Ok((row.get("name")?, row.get::<_, String>("definition")?, row.get("config")?));
        let found = self.connection.query_row("SELECT name, definition, config FROM study", [], read).optional();
        let Some((name, stored, config)) = found.with_context(|| place(&self.path))? else { return Ok(None) };
        let Stored { method, space } = serde_json::from_str(&stored).with_context(|| place(&self.path))?;
        Ok(Some(Definition { name, method, space, config }))
    }

    pub fn define(&self, definition: &Definition) -> anyhow::Result<()> {
        let stored = Stored { method: definition.method.clone(), space: definition.space.clone() };
        let stored = serde_json::to_string(&stored)?;
        let insert = "INSERT INTO study (id, name, definition, config) VALUES (1, ?, ?, ?)";
        self.write(insert, params![definition.name, stored, definition.config])
    }

    /// All trials, by their numbers.
    pub fn trials(&self) -> anyhow::Result<Vec<Trial>> {
        let read = || -> anyhow::Result<Vec<Trial>> {
            let mut statement = self.connection.prepare("SELECT * FROM trials ORDER BY number")?;
            let mut trials = statement.query_map([], trial)?.collect::<Result<Vec<Trial>, _>>()?;
            let mut statement =
                self.connection.prepare("SELECT epoch, value FROM epochs WHERE trial = ? ORDER BY epoch")?;
            for trial in &mut trials {
                let report = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, Option<f64>>(1)?.unwrap_or(f64::NAN)));
                trial.curve = statement.query_map([trial.number], report)?.collect::<Result<_, _>>()?;
            }
            Ok(trials)
        };
        read().with_context(|| place(&self.path))
    }

    /// A new trial, or an old one that begins anew; without its reports.
    pub fn start(&mut self, trial: &Trial) -> anyhow::Result<()> {
        let point = serde_json::to_string(&trial.values)?;
        let write = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction()?;
            transaction.execute("DELETE FROM epochs WHERE trial = ?", [trial.number])?;
            transaction.execute(
                "INSERT OR REPLACE INTO trials (number, state, point, seconds, run_dir, config) VALUES (?, ?, ?, 0, ?, ?)",
                params![trial.number, trial.state.name(), point, trial.run_dir.to_string_lossy(), trial.config],
            )?;
            transaction.commit()
        };
        let mut write = write;
        write().with_context(|| place(&self.path))
    }

    pub fn report(&self, number: usize, epoch: u64, value: f64) -> anyhow::Result<()> {
        let value = Some(value).filter(|value| !value.is_nan());
        self.write(
            "INSERT OR REPLACE INTO epochs (trial, epoch, value) VALUES (?, ?, ?)",
            params![number, epoch, value],
        )
    }

    /// How a trial ended.
    pub fn finish(&self, trial: &Trial) -> anyhow::Result<()> {
        let Trial { number, state, value, epoch, seconds, message, .. } = trial;
        self.write(
            "UPDATE trials SET state = ?, value = ?, epoch = ?, seconds = ?, message = ? WHERE number = ?",
            params![state.name(), value, epoch, seconds, message, number],
        )
    }

    fn write(&self, statement: &str, values: impl rusqlite::Params) -> anyhow::Result<()> {
        self.connection.execute(statement, values).map(drop).with_context(|| place(&self.path))
    }
}

fn trial(row: &Row<'_>) -> rusqlite::Result<Trial> {
    let invalid = |column: usize| {
        move |error| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error)
    };
    let state: String = row.get("state")?;
    let found = State::ALL.into_iter().find(|known| known.name() == state);
    let point: String = row.get("point")?;
    Ok(Trial {
        number: row.get("number")?,
        state: found.ok_or_else(|| invalid(1)(format!("there is no state `{state}`").into()))?,
        values: serde_json::from_str(&point).map_err(|error| invalid(2)(error.into()))?,
        value: row.get("value")?,
        epoch: row.get("epoch")?,
        seconds: row.get("seconds")?,
        message: row.get("message")?,
        run_dir: PathBuf::from(row.get::<_, String>("run_dir")?),
        config: row.get("config")?,
        curve: Vec::new(),
    })
}

fn place(path: &Path) -> String {
    path.display().to_string()
}

/// A file of its own: SQLite's locks on the study are lost where this process closes any handle of it.
fn lock(path: &Path) -> anyhow::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = File::options().create(true).truncate(false).write(true).open(&name).with_context(|| place(&name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => anyhow::bail!(
            "{}: another process is tuning this study; wait for it, or choose another one with sweeper.study_name=NAME",
            path.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| place(&name)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pruner::Pruner;
    use super::super::sampler::{Sampler, Tpe};
    use super::super::settings::{Direction, Take};
    use super::super::space::{Domain, Parameter};
    use super::*;

    fn definition() -> Definition {
        let domain = Domain::Number { low: 1e-5, high: 0.1, step: None, log: true, integer: false };
        Definition {
            name: "a study".into(),
            method: Method {
                metric: "val.ndcg@10".into(),
                direction: Direction::Maximize,
                take: Take::Best,
                sampler: Sampler::Tpe(Tpe::default()),
                pruner: Pruner::Median { n_startup_trials: 5, n_warmup_steps: 0, interval_steps: 1 },
            },
            space: SearchSpace(vec![Parameter { key: "+a.b".into(), domain }]),
            config: "a: 1\n".into(),
        }
    }

    fn trial(number: usize) -> Trial {
        let values = vec![0.1 + 0.2, -1.0, 1e-300];
        let (config, run_dir) = ("x: 1\n".to_owned(), PathBuf::from("runs/1"));
        let curve = vec![(1, 0.1), (10, f64::NAN)];
        Trial {
            number,
            state: State::Running,
            values,
            value: None,
            epoch: None,
            seconds: 0.0,
            message: None,
            run_dir,
            config,
            curve,
        }
    }

    #[test]
    fn what_is_written_is_read_back_to_the_last_digit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/study.sqlite");
        let mut storage = Storage::open(&path).unwrap();
        assert_eq!(storage.definition().unwrap(), None);
        storage.define(&definition()).unwrap();
        let mut written = trial(0);
        storage.start(&written).unwrap();
        for (epoch, value) in &written.curve {
            storage.report(0, *epoch, *value).unwrap();
        }
        written = Trial { state: State::Pruned, value: Some(0.1 + 0.7), epoch: Some(10), seconds: 0.5, ..written };
        storage.finish(&written).unwrap();
        drop(storage);
        let storage = Storage::read(&path).unwrap();
        assert_eq!(storage.definition().unwrap(), Some(definition()));
        let read = &storage.trials().unwrap()[0];
        assert_eq!(format!("{read:?}"), format!("{written:?}"));
    }

    #[test]
    fn one_writes_and_others_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("study.sqlite");
        let mut storage = Storage::open(&path).unwrap();
        storage.start(&trial(0)).unwrap();
        let refused = Storage::open(&path).unwrap_err().to_string();
        assert!(refused.contains("another process is tuning"), "{refused}");
        assert_eq!(Storage::read(&path).unwrap().trials().unwrap().len(), 1);
        drop(storage);
        // An old trial begins anew without its reports.
        let mut storage = Storage::open(&path).unwrap();
        storage.report(0, 3, 0.5).unwrap();
        storage.start(&trial(0)).unwrap();
        assert_eq!(storage.trials().unwrap()[0].curve, []);
    }

    #[test]
    fn other_files_and_newer_studies_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("study.sqlite");
        drop(Storage::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
        for opened in [Storage::open(&path), Storage::read(&path)] {
            let refused = format!("{:#}", opened.unwrap_err());
            assert!(refused.contains("version 2") && refused.contains("study.sqlite"), "{refused}");
        }
        std::fs::write(&path, "no database at all, but long enough to have a header ...........................")
            .unwrap();
        assert!(format!("{:#}", Storage::open(&path).unwrap_err()).contains("not a database"));
        Connection::open(folder.path().join("other")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        let refused = format!("{:#}", Storage::open(&folder.path().join("other")).unwrap_err());
        assert!(refused.contains("no study of recsys-host"), "{refused}");
        assert!(Storage::read(&folder.path().join("missing")).is_err());
    }
}

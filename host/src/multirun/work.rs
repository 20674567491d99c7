//! [`Sweeping`]: hands out the jobs that are left to do, and keeps what comes of them.

use std::collections::{BTreeMap, VecDeque};

use plugin_api::context::Progress;
use serde_json::{Map, Value};

use super::folder::SweepFolder;
use super::ledger::{Event, Ledger};
use super::plan::Planned;
use super::table::{self, Row};
use super::Swept;
use crate::jobs::{Job, Outcome, Verdict, Work};
use crate::terminal::terminal;

pub struct Sweeping {
    folder: SweepFolder,
    ledger: Ledger,
    pending: VecDeque<usize>,
    threads: usize,
    /// The last epoch of each running job.
    running: BTreeMap<usize, u64>,
}

impl Sweeping {
    /// Jobs with a result are not run again; those that failed are.
    pub fn new(folder: SweepFolder, threads: usize) -> anyhow::Result<Self> {
        let mut ledger = Ledger::open(&folder.path)?;
        let mut pending = VecDeque::new();
        for (index, planned) in folder.manifest.jobs.iter().enumerate() {
            let is_known = matches!(ledger.latest(&planned.key), Some(Event::Finished { .. }));
            // The job came to its end, but its host not to noting it.
            let result = if is_known { None } else { folder.finished(planned) };
            match result {
                Some(result) => ledger.append(planned.number, &planned.key, Event::Finished { result })?,
                None if is_known => {}
                None => pending.push_back(index),
            }
        }
        let n_jobs = folder.manifest.jobs.len();
        log::info!("{n_jobs} jobs, {} to be run", pending.len());
        Ok(Self { folder, ledger, pending, threads, running: BTreeMap::new() })
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let jobs = self.folder.manifest.jobs.iter();
        jobs.map(|planned| Row {
            planned,
            event: self.ledger.latest(&planned.key),
            run_dir: self.folder.run_dir(planned),
        })
        .collect()
    }

    /// `results.csv` and `summary.csv`, each whole.
    pub fn write_tables(&self) -> anyhow::Result<()> {
        Ok(table::write(&self.folder.path, &self.rows())?)
    }

    /// For the terminal.
    pub fn table(&self) -> String {
        table::summary(&self.rows())
    }

    /// Says what is missing and why.
    pub fn tell(&self) -> Swept {
        let rows = self.rows();
        let failed: Vec<_> = rows.iter().filter_map(|row| Some((row.planned, row.failure()?))).collect();
        let n_missing = rows.iter().filter(|row| row.result().is_none() && row.failure().is_none()).count();
        let n = rows.len();
        for (planned, message) in &failed {
            log::error!("job {} failed ({}): {message}", planned.number, planned.label());
        }
        let again = format!("`recsys-host train --resume {}`", self.folder.path.display());
        match (n_missing, failed.len()) {
            (0, 0) => Swept::Whole,
            (0, n_failed) => {
                log::error!("{n_failed} of {n} jobs failed; {again} runs them again");
                Swept::Failed
            }
            (n_missing, _) => {
                log::warn!("{n_missing} of {n} jobs are left to do; {again} goes on");
                Swept::Interrupted
            }
        }
    }

    fn planned(&self, number: usize) -> &Planned {
        // Numbers are places in the list.
        &self.folder.manifest.jobs[number]
    }

    fn note(&mut self, number: usize, event: Event) -> anyhow::Result<()> {
        let key = self.planned(number).key.clone();
        Ok(self.ledger.append(number, &key, event)?)
    }

    fn show(&self) {
        let running: Vec<_> = self.running.iter().map(|(number, epoch)| format!("{number} at epoch {epoch}")).collect();
        let total = self.folder.manifest.jobs.len();
        terminal().progress(&Progress {
            task: "jobs".into(),
            done: (total - self.pending.len() - self.running.len()) as u64,
            total: Some(total as u64),
            unit: String::new(),
            note: running.join(", "),
        });
    }

    fn say(&self, number: usize, outcome: &Outcome) {
        let planned = self.planned(number);
        let what = match outcome {
            Outcome::Finished(result) => table::headline(result),
            Outcome::Failed { message, .. } => format!("failed: {}", message.lines().next().unwrap_or_default()),
            Outcome::Stopped | Outcome::Interrupted => "interrupted".to_owned(),
        };
        log::info!("job {number}  {}  {what}", planned.label());
    }
}

impl Work for Sweeping {
    fn next(&mut self) -> anyhow::Result<Option<Job>> {
        let Some(number) = self.pending.pop_front() else { return Ok(None) };
        let job = self.folder.job(self.planned(number), self.threads)?;
        self.note(number, Event::Started)?;
        self.running.insert(number, 0);
        self.show();
        Ok(Some(job))
    }

    fn epoch(&mut self, job: &Job, metrics: &Map<String, Value>) -> anyhow::Result<Verdict> {
        let epoch = metrics.get("epoch").and_then(Value::as_u64).unwrap_or_default();
        self.running.insert(job.number, epoch);
        self.show();
        Ok(Verdict::Continue)
    }

    fn ended(&mut self, job: &Job, outcome: Outcome) -> anyhow::Result<()> {
        self.running.remove(&job.number);
        self.say(job.number, &outcome);
        let event = match outcome {
            Outcome::Finished(result) => Event::Finished { result },
            Outcome::Failed { message, code } => Event::Failed { message, code },
            Outcome::Stopped | Outcome::Interrupted => Event::Interrupted,
        };
        self.note(job.number, event)?;
        self.show();
        self.write_tables()
    }
}

//! [`run_all`]: several jobs at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use super::{run_while, Job, Launch, Outcome, Verdict, Watch};
use crate::services::is_cancelled;

/// Where jobs come from and where their results go. Called by one thread at a time.
pub trait Work: Send {
    /// The next job; `None` if no more is to be started.
    fn next(&mut self) -> anyhow::Result<Option<Job>>;

    /// A line of a running job's `metrics.jsonl`.
    fn epoch(&mut self, _job: &Job, _metrics: &Map<String, Value>) -> anyhow::Result<Verdict> {
        Ok(Verdict::Continue)
    }

    /// What came of a job.
    fn ended(&mut self, job: &Job, outcome: Outcome) -> anyhow::Result<()>;
}

/// The threads of each of so many jobs at a time: all cores, shared out.
pub fn threads_each(n_parallel: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / n_parallel.max(1)).max(1)
}

/// Runs jobs until there are no more, `n_parallel` at a time. On Ctrl-C none is started and those that run are asked to stop, as they are
/// when `work` fails.
///
/// # Errors
/// The first of `work` or of starting a job.
pub fn run_all(n_parallel: usize, work: &mut dyn Work, launch: &Launch) -> anyhow::Result<()> {
    let pool = Pool {
        work: Mutex::new(work),
        launch,
        is_broken: AtomicBool::new(false),
        has_begun: AtomicBool::new(n_parallel < 2),
    };
    // Each child is started and waited for by one thread: it dies with the thread that started it, not only with the process.
    let ends: Vec<anyhow::Result<()>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..n_parallel.max(1))
            .map(|index| {
                let pool = &pool;
                scope.spawn(move || pool.serve(index))
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    ends.into_iter().collect()
}

const NAP: Duration = Duration::from_millis(20);

struct Pool<'a> {
    work: Mutex<&'a mut dyn Work>,
    launch: &'a Launch,
    /// No more can be done: what comes of the jobs cannot be kept.
    is_broken: AtomicBool,
    /// A job trains or has ended: the data are there, and are not fetched by all jobs at once.
    has_begun: AtomicBool,
}

impl Pool<'_> {
    /// A worker: job after job.
    fn serve(&self, index: usize) -> anyhow::Result<()> {
        while index > 0 && !self.has_begun.load(Ordering::Relaxed) && !self.is_over() {
            std::thread::sleep(NAP);
        }
        let served = self.serve_all();
        if served.is_err() {
            self.is_broken.store(true, Ordering::Relaxed);
        }
        // Whatever came of it, nobody is to wait for this worker any longer.
        self.has_begun.store(true, Ordering::Relaxed);
        served
    }

    fn serve_all(&self) -> anyhow::Result<()> {
        while !self.is_over() {
            let Some(job) = self.with(|work| work.next())? else { break };
            let outcome = run_while(&job, &mut Watched { pool: self, job: &job }, self.launch, || self.is_over())?;
            self.with(|work| work.ended(&job, outcome))?;
            self.has_begun.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        is_cancelled() || self.is_broken.load(Ordering::Relaxed)
    }

    fn with<T>(&self, act: impl FnOnce(&mut dyn Work) -> T) -> T {
        act(&mut **self.work.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Watched<'a, 'pool> {
    pool: &'a Pool<'pool>,
    job: &'a Job,
}

impl Watch for Watched<'_, '_> {
    fn epoch(&mut self, metrics: &Map<String, Value>) -> anyhow::Result<Verdict> {
        self.pool.has_begun.store(true, Ordering::Relaxed);
        self.pool.with(|work| work.epoch(self.job, metrics))
    }
}

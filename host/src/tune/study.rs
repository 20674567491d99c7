//! [`Study`]: trial after trial, each a job; what comes of them goes into the storage.
//!
//! It is the [`Work`] of a pool of jobs. Leaves out: which point is next (`sampler`) and whether a trial goes on (`pruner`).

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Map, Value};

use super::pruner::Other;
use super::storage::{Definition, Storage};
use super::tell;
use super::trial::{State, Trial};
use super::trials::Composer;
use crate::jobs::{Job, Outcome, Verdict, Work};

pub struct Study {
    pub storage: Storage,
    pub definition: Definition,
    pub trials: Vec<Trial>,
    pub composer: Composer,
    pub n_trials: usize,
    /// For each trial.
    pub threads: usize,
    /// The folder in which every trial has its run directory.
    pub folder: PathBuf,
    /// Trials that an earlier session left unfinished.
    interrupted: VecDeque<usize>,
    running: Vec<Running>,
    /// Which trials were done in this session.
    pub n_done: usize,
}

/// What is known of a trial while it runs.
struct Running {
    number: usize,
    started: Instant,
    is_pruned: bool,
    /// The names in the last line of its metrics.
    metrics: Vec<String>,
}

impl Study {
    pub fn new(
        storage: Storage,
        definition: Definition,
        composer: Composer,
        n_trials: usize,
        threads: usize,
        folder: PathBuf,
    ) -> anyhow::Result<Self> {
        let trials = storage.trials()?;
        let unfinished = trials.iter().filter(|trial| trial.state == State::Running).map(|trial| trial.number);
        let interrupted = unfinished.collect();
        Ok(Self {
            storage,
            definition,
            trials,
            composer,
            n_trials,
            threads,
            folder,
            interrupted,
            running: Vec::new(),
            n_done: 0,
        })
    }

    /// The next trial, in the storage already.
    fn next_trial(&mut self) -> anyhow::Result<Option<usize>> {
        if let Some(number) = self.interrupted.pop_front() {
            let trial = &mut self.trials[number];
            trial.curve.clear();
            self.storage.start(trial)?;
            return Ok(Some(number));
        }
        while self.trials.len() < self.n_trials {
            let number = self.trials.len();
            let Definition { method, space, .. } = &self.definition;
            let history: Vec<_> = self.trials.iter().filter_map(|trial| trial.past(method.direction)).collect();
            let Some(values) = method.sampler.propose(space, &history, number) else { break };
            let run_dir = self.folder.join(format!("{number:04}"));
            let composed = self.composer.compose(&space.overrides(&values), &run_dir);
            let (config, message) = match composed {
                Ok(config) => (config, None),
                Err(error) => (String::new(), Some(error.to_string())),
            };
            let state = if message.is_some() { State::Failed } else { State::Running };
            let trial = Trial {
                number,
                state,
                values,
                value: None,
                epoch: None,
                seconds: 0.0,
                message,
                run_dir,
                config,
                curve: Vec::new(),
            };
            self.storage.start(&trial)?;
            self.trials.push(trial);
            if state == State::Running {
                return Ok(Some(number));
            }
            self.finish(number)?;
        }
        Ok(None)
    }

    /// Writes how a trial ended, and tells it.
    fn finish(&mut self, number: usize) -> anyhow::Result<()> {
        self.n_done += 1;
        self.storage.finish(&self.trials[number])?;
        tell::trial(&self.definition, &self.trials, number, self.n_trials);
        Ok(())
    }

    fn is_pruned(&self, number: usize) -> bool {
        let direction = self.definition.method.direction;
        let signed = |trial: &Trial| -> Vec<(u64, f64)> {
            trial.curve.iter().map(|(epoch, value)| (*epoch, direction.signed(*value))).collect()
        };
        let curves: Vec<(Vec<(u64, f64)>, bool)> = self
            .trials
            .iter()
            .filter(|trial| trial.number != number && trial.state != State::Failed)
            .map(|trial| (signed(trial), trial.state == State::Complete))
            .collect();
        let others: Vec<_> =
            curves.iter().map(|(curve, is_complete)| Other { curve, is_complete: *is_complete }).collect();
        self.definition.method.pruner.prunes(&signed(&self.trials[number]), &others)
    }

    /// State, value, epoch and message of a trial that is over; nothing if it is to be done again.
    fn judge(&self, number: usize, running: &Running, outcome: Outcome) -> Option<Ending> {
        let method = &self.definition.method;
        let trial = &self.trials[number];
        let best = trial.best_of_curve(method.direction);
        if running.is_pruned {
            let epoch = trial.curve.last().map(|(epoch, _)| *epoch);
            return Some(Ending { state: State::Pruned, value: best.map(|(_, value)| value), epoch, message: None });
        }
        let failed = |message| Some(Ending { state: State::Failed, value: None, epoch: None, message: Some(message) });
        match outcome {
            Outcome::Finished(result) => {
                let found = match method.take {
                    super::settings::Take::Best => best,
                    super::settings::Take::Kept => {
                        let kept = result["best_epoch"].as_u64();
                        trial.curve.iter().copied().find(|(epoch, value)| Some(*epoch) == kept && !value.is_nan())
                    }
                };
                match found {
                    Some((epoch, value)) => {
                        Some(Ending { state: State::Complete, value: Some(value), epoch: Some(epoch), message: None })
                    }
                    None => failed(no_metric(&method.metric, &running.metrics)),
                }
            }
            Outcome::Failed { message, .. } => failed(message),
            Outcome::Stopped | Outcome::Interrupted => None,
        }
    }
}

struct Ending {
    state: State,
    value: Option<f64>,
    epoch: Option<u64>,
    message: Option<String>,
}

fn no_metric(metric: &str, there: &[String]) -> String {
    let there = if there.is_empty() { "there are none".to_owned() } else { format!("there are {}", there.join(", ")) };
    let ranking =
        if metric.contains('@') { "; ranking metrics come every trainer.params.eval_every epochs" } else { "" };
    format!("the trial ended without `{metric}` in its metrics.jsonl at the epoch that counts; {there}{ranking}")
}

impl Work for Study {
    fn next(&mut self) -> anyhow::Result<Option<Job>> {
        let Some(number) = self.next_trial()? else { return Ok(None) };
        self.running.push(Running { number, started: Instant::now(), is_pruned: false, metrics: Vec::new() });
        let trial = &self.trials[number];
        Ok(Some(Job {
            number,
            config: trial.config.clone(),
            overrides: self.composer.overrides(&self.definition.space.overrides(&trial.values)),
            run_dir: trial.run_dir.clone(),
            threads: self.threads,
            held: self.storage.lock()?,
        }))
    }

    fn epoch(&mut self, job: &Job, metrics: &Map<String, Value>) -> anyhow::Result<Verdict> {
        let Some(running) = self.running.iter_mut().find(|running| running.number == job.number) else {
            return Ok(Verdict::Continue);
        };
        running.metrics = metrics.keys().filter(|name| *name != "epoch" && *name != "seconds").cloned().collect();
        let epoch = metrics.get("epoch").and_then(Value::as_u64);
        let (Some(epoch), Some(value)) = (epoch, metrics.get(&self.definition.method.metric)) else {
            return Ok(Verdict::Continue);
        };
        // JSON has no NaN; the run directory writes null for it.
        let value = value.as_f64().unwrap_or(f64::NAN);
        self.storage.report(job.number, epoch, value)?;
        self.trials[job.number].curve.push((epoch, value));
        if !self.is_pruned(job.number) {
            return Ok(Verdict::Continue);
        }
        self.running
            .iter_mut()
            .filter(|running| running.number == job.number)
            .for_each(|running| running.is_pruned = true);
        Ok(Verdict::Stop)
    }

    fn ended(&mut self, job: &Job, outcome: Outcome) -> anyhow::Result<()> {
        let Some(place) = self.running.iter().position(|running| running.number == job.number) else { return Ok(()) };
        let running = self.running.remove(place);
        let Some(Ending { state, value, epoch, message }) = self.judge(job.number, &running, outcome) else {
            return Ok(());
        };
        let seconds = running.started.elapsed().as_secs_f64();
        let trial = &mut self.trials[job.number];
        (trial.state, trial.value, trial.epoch, trial.message, trial.seconds) = (state, value, epoch, message, seconds);
        self.finish(job.number)
    }
}

//! [`Settings`]: the `sweeper` section of a config, read and checked; all faults together.
//!
//! Leaves out: the space itself ([`super::params`]).

mod fields;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::{Config, Fault, KeyPath, Node};
use fields::Fields;

use super::pruner::Pruner;
use super::sampler::{Sampler, Tpe};

/// The section's key.
pub const SWEEPER: &str = "sweeper";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Minimize,
    Maximize,
}

/// Which epoch's metric is the value of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// The best of all epochs.
    Best,
    /// That of the epoch whose weights the run keeps: the best by the trainer's `monitor`.
    Kept,
}

/// What decides about the trials: two studies that agree in it, in space and config are one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Method {
    pub metric: String,
    pub direction: Direction,
    pub take: Take,
    pub sampler: Sampler,
    pub pruner: Pruner,
}

#[derive(Debug)]
pub struct Settings {
    pub study_name: Option<String>,
    pub storage: Option<PathBuf>,
    /// Of the whole study, those of earlier sessions included.
    pub n_trials: Option<usize>,
    pub n_jobs: usize,
    pub method: Method,
}

impl Direction {
    /// The value with the sign with which lower is better.
    pub fn signed(self, value: f64) -> f64 {
        match self {
            Self::Minimize => value,
            Self::Maximize => -value,
        }
    }
}

const KEYS: [&str; 10] =
    ["sampler", "pruner", "direction", "metric", "value", "n_trials", "n_jobs", "study_name", "storage", "params"];

/// Reads the section of a config; without one, the defaults.
pub fn read(config: &Config) -> (Option<Settings>, Vec<Fault>) {
    let empty = Node::new(crate::config::Value::Map(crate::config::Map::default()), config.root().origin.clone());
    let node = config.get(SWEEPER).filter(|node| !matches!(node.value, crate::config::Value::Null)).unwrap_or(&empty);
    let mut faults = Vec::new();
    let mut fields = Fields::new(node, KeyPath::parse(SWEEPER), &mut faults);
    let map = fields.of_mapping(&KEYS);
    let metric = fields.text("metric");
    if metric.is_none() && map {
        let fault = Fault::new("what is to be made best is not said").key(&KeyPath::parse("sweeper.metric"));
        fields.push(fault.at(&node.origin).cure("name a metric of metrics.jsonl: `++sweeper.metric=val.ndcg@10`"));
    }
    let by_name = match &metric {
        Some(metric) if metric.ends_with("loss") => Direction::Minimize,
        Some(_) | None => Direction::Maximize,
    };
    let directions = [("minimize", Direction::Minimize), ("maximize", Direction::Maximize)];
    let direction = fields.choice("direction", &directions).unwrap_or(by_name);
    let take = fields.choice("value", &[("best", Take::Best), ("kept", Take::Kept)]).unwrap_or(Take::Best);
    let n_trials = fields.whole("n_trials", 1).map(|n| n as usize);
    let n_jobs = fields.whole("n_jobs", 1).unwrap_or(1) as usize;
    let study_name = fields.text("study_name");
    let storage = fields.text("storage").map(PathBuf::from);
    let sampler = sampler(&mut fields);
    let pruner = pruner(&mut fields);
    drop(fields);
    let method = metric.map(|metric| Method { metric, direction, take, sampler, pruner });
    (method.map(|method| Settings { study_name, storage, n_trials, n_jobs, method }), faults)
}

#[derive(Clone, Copy)]
enum SamplerName {
    Tpe,
    Random,
    Grid,
}

fn sampler(section: &mut Fields<'_>) -> Sampler {
    let defaults = Tpe::default();
    let Some(mut fields) = section.below("sampler") else { return Sampler::Tpe(defaults) };
    let names = [("tpe", SamplerName::Tpe), ("random", SamplerName::Random), ("grid", SamplerName::Grid)];
    let seed = |fields: &mut Fields<'_>| fields.whole("seed", 0).unwrap_or(defaults.seed);
    match fields.choice("name", &names).unwrap_or(SamplerName::Tpe) {
        SamplerName::Tpe => {
            fields.of_mapping(&["name", "seed", "n_startup_trials", "n_ei_candidates", "gamma"]);
            Sampler::Tpe(Tpe {
                seed: seed(&mut fields),
                n_startup_trials: fields.whole("n_startup_trials", 1).map_or(defaults.n_startup_trials, |n| n as usize),
                n_ei_candidates: fields.whole("n_ei_candidates", 1).map_or(defaults.n_ei_candidates, |n| n as usize),
                gamma: fields.part("gamma").unwrap_or(defaults.gamma),
            })
        }
        SamplerName::Random => {
            fields.of_mapping(&["name", "seed"]);
            Sampler::Random { seed: seed(&mut fields) }
        }
        SamplerName::Grid => {
            fields.of_mapping(&["name"]);
            Sampler::Grid
        }
    }
}

#[derive(Clone, Copy)]
enum PrunerName {
    None,
    Median,
    SuccessiveHalving,
}

fn pruner(section: &mut Fields<'_>) -> Pruner {
    let Some(mut fields) = section.below("pruner") else { return Pruner::None };
    let names = [
        ("none", PrunerName::None),
        ("median", PrunerName::Median),
        ("successive_halving", PrunerName::SuccessiveHalving),
    ];
    match fields.choice("name", &names).unwrap_or(PrunerName::None) {
        PrunerName::None => {
            fields.of_mapping(&["name"]);
            Pruner::None
        }
        PrunerName::Median => {
            fields.of_mapping(&["name", "n_startup_trials", "n_warmup_steps", "interval_steps"]);
            Pruner::Median {
                n_startup_trials: fields.whole("n_startup_trials", 1).unwrap_or(5) as usize,
                n_warmup_steps: fields.whole("n_warmup_steps", 0).unwrap_or(0),
                interval_steps: fields.whole("interval_steps", 1).unwrap_or(1),
            }
        }
        PrunerName::SuccessiveHalving => {
            fields.of_mapping(&["name", "min_resource", "reduction_factor", "min_early_stopping_rate"]);
            Pruner::SuccessiveHalving {
                min_resource: fields.whole("min_resource", 1).unwrap_or(1),
                reduction_factor: fields.whole("reduction_factor", 2).unwrap_or(4),
                min_early_stopping_rate: fields.whole("min_early_stopping_rate", 0).unwrap_or(0).min(32) as u32,
            }
        }
    }
}

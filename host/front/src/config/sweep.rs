//! The overrides of several runs: which of them vary, over what, and the overrides of each run.
//!
//! `a=1,2`, `a=choice(1,2)`, `a=range(1,4)`, `a=interval(0,1)` and `model=glob(*)` vary, as in Hydra; the runs of a grid come in Hydra's
//! order, the last key fastest. Leaves out: composing a run's config, and running it.

mod glob;

use std::path::Path;

use super::defaults::files::ConfigFiles;
use super::errors::{ConfigErrors, Fault};
use super::origin::Origin;
use super::overrides::functions::{self, steps, Evaluated, SweepKind, SweepValue};
use super::overrides::{parse, Override};

/// More runs than anybody waits for; a slip of the keyboard must not fill the memory.
const MAX_JOBS: usize = 100_000;

/// The overrides of a multirun, read: those of all jobs, and those that differ.
#[derive(Debug, Clone, Default)]
pub struct Sweep {
    pub common: Vec<String>,
    pub dimensions: Vec<Dimension>,
    /// How many of `common` stand before each dimension on the command line, where the order may matter.
    before: Vec<usize>,
}

/// One override that varies.
#[derive(Debug, Clone)]
pub struct Dimension {
    /// With its prefix and package: `+model.params.dropout`.
    pub key: String,
    pub space: Space,
    /// The names given with `tag(...)`.
    pub tags: Vec<String>,
    pub origin: Origin,
}

/// What an override varies over.
#[derive(Debug, Clone, PartialEq)]
pub enum Space {
    /// Texts of the right side, each as it would be typed; shuffled already if they are to be.
    Choice { options: Vec<String> },
    /// Half-open: `stop` is not reached. `integer` if all three were written as integers.
    Range { start: f64, stop: f64, step: f64, integer: bool },
    /// `integer` after `int(interval(1, 5))` or with the tag `int`, `log` with the tag `log`.
    Interval { start: f64, end: f64, integer: bool, log: bool },
}

/// Reads the overrides of several runs. A group that `glob` asks for lies in `config_dir`.
pub fn read(texts: &[String], config_dir: &Path) -> Result<Sweep, ConfigErrors> {
    let (items, mut faults) = parse::parse_all(texts);
    let files = ConfigFiles::new(config_dir);
    let mut read: Vec<(Override, Option<Dimension>)> = Vec::new();
    for item in items {
        match dimension(&item, &files) {
            Ok(dimension) => {
                // As in Hydra, a sweep and whatever else is said of its key later or before replace each other.
                read.retain(|(known, old)| {
                    known.left_side() != item.left_side() || (old.is_none() && dimension.is_none())
                });
                read.push((item, dimension));
            }
            Err(fault) => faults.push(fault),
        }
    }
    let mut sweep = Sweep::default();
    for (item, dimension) in read {
        match dimension {
            Some(dimension) => {
                sweep.before.push(sweep.common.len());
                sweep.dimensions.push(dimension);
            }
            None => sweep.common.push(item.text.to_string()),
        }
    }
    ConfigErrors::check(sweep, faults)
}

/// One `key=space`, as the `params` of a sweeper have it; `origin` is where the text stands. A single value is a choice of one.
pub fn read_space(key: &str, text: &str, origin: Origin, config_dir: &Path) -> Result<Dimension, Fault> {
    let read = || {
        let item = parse::parse(&format!("{key}={text}"))?;
        let known = dimension(&item, &ConfigFiles::new(config_dir))?;
        let fixed = || Dimension {
            key: item.left_side(),
            space: Space::Choice { options: vec![text.trim().to_owned()] },
            tags: Vec::new(),
            origin: origin.clone(),
        };
        Ok(known.unwrap_or_else(fixed))
    };
    match read() {
        Ok(dimension) => Ok(Dimension { origin, ..dimension }),
        Err(fault) => Err(Fault::at(fault, &origin)),
    }
}

/// Nothing for an override that is the same in all runs.
fn dimension(item: &Override, files: &ConfigFiles) -> Result<Option<Dimension>, Fault> {
    let Some(Evaluated::Sweep(sweep)) = item.evaluated()? else {
        return Ok(None);
    };
    let tags = sweep.tags.clone();
    let space = space(sweep, item, files)?;
    Ok(Some(Dimension { key: item.left_side(), space, tags, origin: item.origin() }))
}

fn space(sweep: SweepValue, item: &Override, files: &ConfigFiles) -> Result<Space, Fault> {
    let has_tag = |name: &str| sweep.tags.iter().any(|tag| tag == name);
    let space = match &sweep.kind {
        SweepKind::Choice { items, .. } => Space::Choice { options: items.iter().map(functions::text).collect() },
        SweepKind::Glob { include, exclude } => Space::Choice { options: globbed(item, files, include, exclude)? },
        SweepKind::Range { start, stop, step } => Space::Range {
            start: start.as_f64(),
            stop: stop.as_f64(),
            step: step.as_f64(),
            integer: start.is_int() && stop.is_int() && step.is_int(),
        },
        SweepKind::Interval { start, end } => {
            let space = Space::Interval {
                start: start.as_f64(),
                end: end.as_f64(),
                integer: (start.is_int() && end.is_int()) || has_tag("int"),
                log: has_tag("log"),
            };
            check_interval(&space, item)?;
            return Ok(space);
        }
    };
    let count = space.count().unwrap_or(0);
    if count == 0 || count > MAX_JOBS {
        let what = if count == 0 { "this sweep has no values" } else { "this sweep has more than 100000 values" };
        return Err(Fault::new(what).at(&item.value_origin()).cure("correct its bounds or its step"));
    }
    if !sweep.is_shuffled {
        return Ok(space);
    }
    let mut options = space.values().unwrap_or_default();
    functions::shuffle_by_content(&mut options, String::clone);
    Ok(Space::Choice { options })
}

fn check_interval(space: &Space, item: &Override) -> Result<(), Fault> {
    let Space::Interval { start, end, log, .. } = space else { return Ok(()) };
    let fault = |what: &str, cure: &str| Err(Fault::new(what).at(&item.value_origin()).cure(cure));
    if start >= end {
        return fault("an interval goes from a smaller to a larger number", "write interval(START, END)");
    }
    if *log && *start <= 0.0 {
        return fault("on a log scale an interval begins above 0", "give it a small positive start");
    }
    Ok(())
}

/// The options of the group of the override's key.
fn globbed(item: &Override, files: &ConfigFiles, include: &[String], exclude: &[String]) -> Result<Vec<String>, Fault> {
    if !files.has_group(&item.key) {
        let what = format!("`glob` lists the options of a config group, `{}` is none", item.key);
        return Err(Fault::new(what).at(&item.origin()).choices("groups", &item.key, files.groups()));
    }
    let options = files.options(&item.key);
    let matches = |patterns: &[String], name: &str| patterns.iter().any(|pattern| glob::matches(pattern, name));
    let found: Vec<String> = options
        .iter()
        .filter(|name| matches(include, name) && !matches(exclude, name))
        .map(|name| functions::text_of_name(name))
        .collect();
    if found.is_empty() {
        let what = format!("no option of the group `{}` matches", item.key);
        return Err(Fault::new(what).at(&item.value_origin()).choices("options", "", options));
    }
    Ok(found)
}

impl Space {
    /// The values as they would be typed; nothing for an interval.
    pub fn values(&self) -> Option<Vec<String>> {
        match self {
            Self::Choice { options } => Some(options.clone()),
            Self::Range { start, stop, step, integer } => Some(steps::values(*start, *stop, *step, *integer)),
            Self::Interval { .. } => None,
        }
    }

    /// How many values there are.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Choice { options } => Some(options.len()),
            Self::Range { start, stop, step, .. } => Some(steps::count(*start, *stop, *step)),
            Self::Interval { .. } => None,
        }
    }
}

impl Sweep {
    /// The overrides of one job, in the order of the command line; a value for each dimension.
    pub fn job(&self, values: &[String]) -> Vec<String> {
        let mut texts = Vec::with_capacity(self.common.len() + values.len());
        let mut dimensions = self.dimensions.iter().zip(&self.before).zip(values).peekable();
        for place in 0..=self.common.len() {
            while let Some(((dimension, _), value)) = dimensions.next_if(|((_, before), _)| **before == place) {
                texts.push(format!("{}={value}", dimension.key));
            }
            texts.extend(self.common.get(place).cloned());
        }
        texts
    }

    /// The overrides of every job: all combinations, the last key fastest.
    pub fn grid(&self) -> Result<Vec<Vec<String>>, ConfigErrors> {
        let mut faults = Vec::new();
        let mut jobs: Vec<Vec<String>> = vec![Vec::new()];
        let mut count = 1_usize;
        for dimension in &self.dimensions {
            let Some(values) = dimension.space.values() else {
                faults.push(
                    Fault::new(format!("`{}` varies over an interval, of which a grid has no end", dimension.key))
                        .at(&dimension.origin)
                        .cure("search it with `recsys-host tune`, or write `range(START, STOP, step=STEP)`"),
                );
                continue;
            };
            count = count.saturating_mul(values.len());
            if count > MAX_JOBS {
                let what = format!("the sweep has more than {MAX_JOBS} runs");
                faults.push(
                    Fault::new(what).at(&dimension.origin).cure("leave some values out, or use `recsys-host tune`"),
                );
                break;
            }
            jobs = jobs
                .iter()
                .flat_map(|job| values.iter().map(move |value| [job.as_slice(), std::slice::from_ref(value)].concat()))
                .collect();
        }
        ConfigErrors::check(jobs.iter().map(|values| self.job(values)).collect(), faults)
    }
}

#[cfg(test)]
mod tests;

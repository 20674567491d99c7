//! `recsys-host tune`: which values of some parameters give the best metric.
//!
//! In the order of the data: the `sweeper` section is read ([`settings`]), and the space ([`params`], [`space`]); every trial is composed
//! and checked ([`trials`]), a point proposed ([`sampler`]), run as a job and judged epoch by epoch ([`pruner`]), and kept
//! ([`study`], [`storage`]). Afterwards a study is found again ([`find`]) and shown ([`winner`], [`report`], [`importance`]).

pub mod find;
pub mod importance;
pub mod params;
pub mod pruner;
pub mod report;
pub mod sampler;
pub mod settings;
pub mod space;
pub mod storage;
pub mod study;
pub mod tell;
pub mod trial;
pub mod trials;
pub mod winner;

use std::path::{Path, PathBuf};

use crate::config::{sweep, Config, ConfigErrors, Fault, Request};
use crate::jobs::{run_all, threads_each, Launch};
use params::Found;
use sampler::Sampler;
use settings::{Settings, SWEEPER};
use space::SearchSpace;
use storage::{Definition, Storage};
use study::Study;
use trial::Trial;
use trials::Composer;

/// Trials of a study that says nothing of their number.
const N_TRIALS: usize = 20;

/// What a study came to in this session.
pub struct Tuned {
    pub storage: PathBuf,
    pub trials: Vec<Trial>,
    /// Trials that ended in this session.
    pub n_done: usize,
    pub is_complete: bool,
}

/// Runs a study, or goes on with it.
pub fn tune(request: &Request, plugin_dirs: &[PathBuf]) -> anyhow::Result<Tuned> {
    let sweep = sweep::read(&request.overrides, &request.config_dir)?;
    let composer = Composer::new(request, sweep.common.clone());
    let base = composer.base()?;
    let (settings, found) = read(&base, &sweep, &composer, &request.config_dir, plugin_dirs)?;
    let n_trials = n_trials(&settings, &found.space);
    composer.check(&found, plugin_dirs)?;

    let name = settings.study_name.clone().unwrap_or_else(|| name_of(&request.config));
    let path = settings.storage.clone().unwrap_or_else(|| find::place_of(&name));
    let config = base.of_job();
    let definition = Definition { name, method: settings.method, space: found.space.clone(), config };
    let storage = Storage::open(&path)?;
    match storage.definition()? {
        Some(stored) => same(&definition, &stored, &path)?,
        None => storage.define(&definition)?,
    }
    let folder = path.parent().unwrap_or(Path::new(".")).join("trials");
    let mut study = Study::new(storage, definition, composer, n_trials, threads_each(settings.n_jobs), folder)?;
    tell::start(&study.definition, &found, &study.trials, n_trials, settings.n_jobs);
    run_all(settings.n_jobs, &mut study, &Launch::new(plugin_dirs))?;
    tell::end(&study.definition, &study.trials);
    let is_complete = !crate::services::is_cancelled();
    Ok(Tuned { storage: path, trials: study.trials, n_done: study.n_done, is_complete })
}

/// Settings and space, with all that is wrong with either.
fn read(
    base: &Config,
    sweep: &sweep::Sweep,
    composer: &Composer,
    config_dir: &Path,
    plugin_dirs: &[PathBuf],
) -> anyhow::Result<(Settings, Found)> {
    let (settings, mut faults) = settings::read(base);
    // Only a schema says what `auto` is.
    let checked = if params::needs_schemas(base) { Some(composer.check_base(plugin_dirs)?) } else { None };
    let (found, others) = params::read(base, sweep, checked.as_ref().map(|checked| &checked.parts), config_dir);
    faults.extend(others);
    if let Some(settings) = settings.as_ref().filter(|settings| settings.method.sampler == Sampler::Grid) {
        faults.extend(endless(settings, &found));
    }
    match ConfigErrors::check(settings, faults)? {
        Some(settings) => Ok((settings, found)),
        None => anyhow::bail!("the {SWEEPER} section cannot be read"),
    }
}

/// Parameters of which a grid has no end.
fn endless(_: &Settings, found: &Found) -> Vec<Fault> {
    let continuous =
        found.space.0.iter().zip(&found.origins).filter(|(parameter, _)| parameter.domain.count().is_none());
    let fault = |name: &str| Fault::new(format!("`{name}` varies over an interval, of which a grid has no end"));
    let cure = "write `range(START, STOP, step=STEP)` or `choice(...)`, or take sweeper=tpe";
    continuous.map(|(parameter, origin)| fault(parameter.name()).at(origin).cure(cure)).collect()
}

fn n_trials(settings: &Settings, space: &SearchSpace) -> usize {
    let whole = (settings.method.sampler == Sampler::Grid).then(|| space.grid_size()).flatten();
    let wanted = settings.n_trials.or(whole).unwrap_or(N_TRIALS);
    whole.map_or(wanted, |whole| wanted.min(whole))
}

fn name_of(config: &Path) -> String {
    config.file_stem().map_or_else(|| "study".into(), |stem| stem.to_string_lossy().into_owned())
}

/// A study goes on with what it began with, or its trials could not be compared.
fn same(wanted: &Definition, stored: &Definition, path: &Path) -> anyhow::Result<()> {
    let mut differences = Vec::new();
    let (old, new) = (serde_json::to_value(&stored.method)?, serde_json::to_value(&wanted.method)?);
    for (key, old) in old.as_object().into_iter().flatten() {
        let new = new.get(key).unwrap_or(&serde_json::Value::Null);
        if old != new {
            differences.push(format!("  sweeper.{key}: it has {old}, now {new}"));
        }
    }
    let describe = |space: &SearchSpace| -> Vec<String> {
        space.0.iter().map(|parameter| format!("{} in {}", parameter.key, parameter.domain.describe())).collect()
    };
    differences.extend(lines_apart(&describe(&stored.space), &describe(&wanted.space)));
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    differences.extend(lines_apart(&lines(&stored.config), &lines(&wanted.config)));
    if differences.is_empty() {
        return Ok(());
    }
    anyhow::bail!(crate::cli::Usage(format!(
        "{}: the study was begun with another config (- then, + now):\n{}\n  \
         go on with the old config, or begin another study with `++sweeper.study_name=NAME`",
        path.display(),
        differences.join("\n")
    )))
}

/// Lines that only one of the two has.
fn lines_apart(old: &[String], new: &[String]) -> Vec<String> {
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("  - {}", line.trim()));
    let added = new.iter().filter(|line| !old.contains(line)).map(|line| format!("  + {}", line.trim()));
    gone.chain(added).collect()
}

//! [`Plan`]: the jobs of a multirun, composed and checked all together before the first one starts.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::artifacts::run_info::{plugin_files, PluginFile};
use crate::config::sweep::{self, Sweep};
use crate::config::{draft, ConfigErrors, Fault, Origin, Request};
use crate::experiment::{self, Checked};

/// Where sweeps go whose config does not say, as `strftime` writes it.
const DEFAULT_SWEEP_DIR: &str = "multirun/%Y-%m-%d/%H-%M-%S";

/// One run of the sweep.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Planned {
    /// The name of its folder.
    pub number: usize,
    /// The SHA-256 of its config, without what does not change its results and as composed at one fixed time.
    pub key: String,
    /// What varies, with its value, in the order of the command line.
    pub values: Vec<(String, String)>,
    pub overrides: Vec<String>,
    /// Resolved, without `run_dir`.
    pub config: String,
}

pub struct Plan {
    pub config: PathBuf,
    pub overrides: Vec<String>,
    pub jobs: Vec<Planned>,
    pub n_parallel: usize,
    /// The folder wanted.
    pub sweep_dir: PathBuf,
    /// The same at another time: what they begin with in common is where the sweeps of other times are.
    pub other_sweep_dir: PathBuf,
    /// The libraries that the jobs use.
    pub plugins: Vec<PluginFile>,
}

impl Plan {
    /// All faults of all jobs are told together, each once.
    pub fn make(request: &Request, plugin_dirs: &[PathBuf]) -> anyhow::Result<Self> {
        let sweep = sweep::read(&request.overrides, &request.config_dir)?;
        let mut planner = Planner {
            request,
            plugin_dirs,
            keys: sweep_keys(&sweep),
            jobs: Vec::new(),
            plugins: Vec::new(),
            n_same: 0,
        };
        let mut settings = None;
        let mut faults = Vec::new();
        for overrides in sweep.grid()? {
            match planner.add(overrides) {
                Ok(found) => drop(settings.get_or_insert(found)),
                Err(errors) => faults.extend_from_slice(errors.faults()),
            }
        }
        faults.extend(fixed_settings(&sweep));
        let (n_parallel, sweep_dir, other_sweep_dir) =
            ConfigErrors::check(settings, faults)?.ok_or_else(|| ConfigErrors::unreadable(request))?;
        let Planner { jobs, plugins, n_same, .. } = planner;
        if n_same > 0 {
            log::warn!("{n_same} jobs have the same config as another one of the sweep; each config is run once");
        }
        let (config, overrides) = (request.config.clone(), request.overrides.clone());
        Ok(Self { config, overrides, jobs, n_parallel, sweep_dir, other_sweep_dir, plugins })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_jobs(formatter, &self.jobs)
    }
}

/// A line a job.
pub fn write_jobs(formatter: &mut fmt::Formatter<'_>, jobs: &[Planned]) -> fmt::Result {
    for (index, job) in jobs.iter().enumerate() {
        let end = if index + 1 < jobs.len() { "\n" } else { "" };
        write!(formatter, "{}  {}{end}", job.number, job.label())?;
    }
    Ok(())
}

impl Planned {
    /// What tells it from the others.
    pub fn label(&self) -> String {
        let values: Vec<String> = self.values.iter().map(|(key, value)| format!("{key}={value}")).collect();
        values.join(" ")
    }
}

type Settings = (usize, PathBuf, PathBuf);

struct Planner<'a> {
    request: &'a Request,
    plugin_dirs: &'a [PathBuf],
    keys: Vec<String>,
    jobs: Vec<Planned>,
    plugins: Vec<PluginFile>,
    n_same: usize,
}

impl Planner<'_> {
    /// A cell of the grid: one job, or one for each seed.
    fn add(&mut self, overrides: Vec<String>) -> Result<Settings, ConfigErrors> {
        let checked = experiment::check(&self.at(self.request.now.clone(), &overrides), self.plugin_dirs)?;
        self.know_plugins(&checked);
        let settings = &checked.experiment.settings;
        let now = &self.request.now;
        let dir = settings.sweep.dir.clone().unwrap_or_else(|| now.strftime(DEFAULT_SWEEP_DIR).to_string().into());
        let other = self.other_sweep_dir(&overrides);
        if settings.sweep.repeat == 1 {
            self.push(&checked, overrides, None);
        } else {
            self.repeat(&checked, &overrides)?;
        }
        Ok((settings.sweep.jobs, dir, other))
    }

    /// Seeds from that of the config on.
    fn repeat(&mut self, checked: &Checked, overrides: &[String]) -> Result<(), ConfigErrors> {
        let (first, n) = (checked.experiment.settings.seed, checked.experiment.settings.sweep.repeat);
        for seed in (first..).take(n) {
            let overrides: Vec<String> = overrides.iter().cloned().chain([format!("++seed={seed}")]).collect();
            // The seed is the host's own: what else was checked holds for all of them.
            let config = crate::config::compose(&self.at(self.request.now.clone(), &overrides))?;
            self.push_config(&config.of_job(), overrides, Some(seed));
        }
        Ok(())
    }

    fn push(&mut self, checked: &Checked, overrides: Vec<String>, seed: Option<u64>) {
        self.push_config(&checked.config.of_job(), overrides, seed);
    }

    fn push_config(&mut self, config: &str, overrides: Vec<String>, seed: Option<u64>) {
        let key = self.key(&overrides, config);
        if self.jobs.iter().any(|job| job.key == key) {
            self.n_same += 1;
            return;
        }
        let mut values: Vec<(String, String)> = self.keys.iter().filter_map(|key| value_of(key, &overrides)).collect();
        values.extend(seed.map(|seed| ("seed".to_owned(), seed.to_string())));
        self.jobs.push(Planned { number: self.jobs.len(), key, values, overrides, config: config.to_owned() });
    }

    /// Of the config as it would be at a fixed time, so that it is the same tomorrow.
    fn key(&self, overrides: &[String], config: &str) -> String {
        let fixed = draft(&self.at(epoch(), overrides)).0.map(|config| config.without(&["threads"]).of_job());
        let hash = Sha256::digest(fixed.as_deref().unwrap_or(config));
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn other_sweep_dir(&self, overrides: &[String]) -> PathBuf {
        let composed = draft(&self.at(epoch(), overrides)).0;
        let dir = composed.and_then(|config| config.get("sweep_dir").and_then(|node| node.as_str().map(PathBuf::from)));
        dir.unwrap_or_else(|| epoch().strftime(DEFAULT_SWEEP_DIR).to_string().into())
    }

    fn at(&self, now: jiff::Zoned, overrides: &[String]) -> Request {
        let Request { config, config_dir, .. } = self.request;
        let overrides = overrides.to_vec();
        Request {
            config: config.clone(),
            config_dir: config_dir.clone(),
            overrides,
            now,
            ..Request::from_file("", Vec::new())
        }
    }

    fn know_plugins(&mut self, checked: &Checked) {
        for file in plugin_files(checked.parts.libraries()) {
            if !self.plugins.iter().any(|known| known.sha256 == file.sha256) {
                self.plugins.push(file);
            }
        }
    }
}

fn epoch() -> jiff::Zoned {
    jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC)
}

/// The keys that vary, as in the override.
fn sweep_keys(sweep: &Sweep) -> Vec<String> {
    sweep.dimensions.iter().map(|dimension| dimension.key.clone()).collect()
}

fn value_of(key: &str, overrides: &[String]) -> Option<(String, String)> {
    let value = overrides.iter().rev().find_map(|text| text.strip_prefix(key)?.strip_prefix('='))?;
    Some((key.trim_start_matches('+').to_owned(), value.to_owned()))
}

/// What holds for the sweep as a whole cannot vary within it.
fn fixed_settings(sweep: &Sweep) -> Vec<Fault> {
    let is_set =
        |name: &str| sweep.common.iter().any(|text| text.trim_start_matches('+').starts_with(&format!("{name}=")));
    let mut faults = Vec::new();
    for dimension in &sweep.dimensions {
        let key = dimension.key.trim_start_matches('+');
        let fault = |what: String, cure: &str| Fault::new(what).at(&dimension.origin).cure(cure);
        if ["jobs", "repeat", "sweep_dir", "run_dir"].contains(&key) {
            faults.push(fault(format!("`{key}` holds for the whole sweep, it cannot vary"), "give it one value"));
        }
        if key == "seed" && is_set("repeat") {
            let what = "the seeds are given twice: by `seed` and by `repeat`";
            faults.push(fault(what.to_owned(), "leave one of them out; `repeat=5` takes five seeds from `seed` on"));
        }
    }
    faults
}

/// Faults of single runs that only make sense in a sweep.
pub fn refuse_outside(overrides: &[String]) -> Result<(), ConfigErrors> {
    let of_sweeps = |text: &&String| {
        ["jobs=", "repeat=", "sweep_dir="].iter().any(|key| text.trim_start_matches('+').starts_with(key))
    };
    let fault = |text: &String| {
        let origin = Origin::of_override(&text.as_str().into(), 1);
        Fault::new("this is of several runs, and this is one run").at(&origin).cure("add -m (--multirun)")
    };
    ConfigErrors::check((), overrides.iter().filter(of_sweeps).map(fault).collect())
}

/// The folder below which the sweeps of other times are, and how deep; `None` if the sweep's folder does not depend on the time.
pub fn root_of(sweep_dir: &Path, other: &Path) -> Option<(PathBuf, usize)> {
    let parts: Vec<_> = sweep_dir.components().collect();
    let common = parts.iter().zip(other.components()).take_while(|(one, other)| **one == *other).count();
    (common < parts.len()).then(|| (parts[..common].iter().collect(), parts.len() - common))
}

/// Whether two lists hold the same jobs, in whatever order.
pub fn same_jobs(one: &[Planned], other: &[Planned]) -> bool {
    let keys = |jobs: &[Planned]| jobs.iter().map(|job| job.key.clone()).collect::<HashSet<_>>();
    keys(one) == keys(other)
}

//! `train --rerun RUN_DIR`: a run once more, from its directory alone; and what is not as it was then.
//!
//! What can differ although the config is the same stands in `run.json`: versions, plugins, device, instructions, initial weights, data, and
//! what a seed means. Each difference is a warning, and with `--exact` the end: before any work where it is known then, after loading for the
//! data. An exact rerun ends with a comparison of what both runs measured. Leaves out: training ([`crate::experiment`]).

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::artifacts::run_directory::{CONFIG, METRICS, RUN_INFO};
use crate::artifacts::run_info::{PluginFile, RunInfo};
use crate::cli::Usage;
use crate::config::Request;

/// Where a rerun goes if the command line does not say: never into the folder of the run that it repeats.
const RUN_DIR: &str = "++run_dir='runs/${now:%Y-%m-%d}/${now:%H-%M-%S}'";
/// What an exact rerun may change: where it runs, not what.
const HARMLESS: [&str; 2] = ["run_dir", "threads"];

/// The run that is repeated.
#[derive(Debug)]
pub struct Former {
    path: PathBuf,
    /// Its `run.json` as far as it has one: older hosts told less.
    info: Map<String, Value>,
    pub exact: bool,
}

/// What an exact rerun cannot go on with.
#[derive(Debug, thiserror::Error)]
#[error("--exact: this would not be {} again:{}\n  cure: {cure}", run.display(), listed(differences))]
pub struct Inexact {
    run: PathBuf,
    differences: Vec<Difference>,
    cure: &'static str,
}

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    what: String,
    then: String,
    now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} then, {} now", self.what, self.then, self.now)
    }
}

fn listed(differences: &[Difference]) -> String {
    differences.iter().map(|difference| format!("\n  {difference}")).collect()
}

impl Former {
    pub fn open(path: &Path, exact: bool) -> anyhow::Result<Self> {
        let file = path.join(RUN_INFO);
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string());
        let info = text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
        let info = match info {
            Ok(info) => info,
            Err(error) if exact => {
                anyhow::bail!(
                    "{}: {error}; without it nobody knows whether a rerun is exact; leave --exact out",
                    file.display()
                );
            }
            Err(error) => {
                log::warn!("{}: {error}; whether plugins and data are the same is not known", file.display());
                Map::new()
            }
        };
        Ok(Self { path: path.to_owned(), info, exact })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is to be composed: the run's config, in a new folder, with overrides.
    pub fn request(&self, overrides: Vec<String>) -> anyhow::Result<Request> {
        let file = self.path.join(CONFIG);
        if !file.is_file() {
            anyhow::bail!(Usage(format!("{} is no run directory: it has no {CONFIG}", self.path.display())));
        }
        let key = |text: &str| text.trim_start_matches(['+', '~']).split('=').next().unwrap_or_default().to_owned();
        if let Some(text) = overrides.iter().find(|text| self.exact && !HARMLESS.contains(&key(text).as_str())) {
            anyhow::bail!(Usage(format!(
                "--exact repeats the run as it was, and `{text}` changes it; leave one of them out"
            )));
        }
        let is_placed = overrides.iter().any(|text| key(text) == "run_dir");
        let new_place = (!is_placed).then(|| RUN_DIR.to_owned());
        Ok(Request::from_file(file, new_place.into_iter().chain(overrides).collect()))
    }

    /// Before any work: everything but the data.
    pub fn compare(&self, now: &RunInfo) -> anyhow::Result<()> {
        let now = serde_json::to_value(now)?;
        let mut differences = Vec::new();
        for name in ["recsys_host", "plugin_api", "libtorch"] {
            differences.extend(self.difference(name, &["versions", name], &now));
        }
        differences.extend(self.plugins(&now));
        differences.extend(self.difference("the device", &["device"], &now));
        differences.extend(self.difference("the instructions of the kernels", &["kernels"], &now));
        differences.extend(self.difference("what a seed means", &["seed_meaning"], &now));
        differences.extend(self.difference(
            "the SHA-256 of the weights in model.init_from",
            &["init_from_sha256"],
            &now,
        ));
        if self.exact && now["device"] != "cpu" {
            let inexact = "sums of edges are atomic on CUDA, and their last digits vary";
            anyhow::bail!(Usage(format!("--exact: {inexact}; leave --exact out, or repeat a run with device=cpu")));
        }
        self.judge(differences, "leave --exact out to run it nevertheless, or bring back what it was run with")
    }

    /// Before fitting: the data.
    pub fn compare_data(&self, fingerprint: Option<&str>) -> anyhow::Result<()> {
        let then = self.info.get("data_fingerprint").and_then(Value::as_str);
        if then.is_none() || fingerprint.is_none() {
            log::warn!("whether the data are the same is not known: there is no fingerprint of both");
        }
        let now = serde_json::json!({"data_fingerprint": fingerprint});
        let differences = self.difference("the fingerprint of the data", &["data_fingerprint"], &now);
        self.judge(differences.into_iter().collect(), "bring back the data of the run, or leave --exact out")
    }

    fn judge(&self, differences: Vec<Difference>, cure: &'static str) -> anyhow::Result<()> {
        if self.exact && !differences.is_empty() {
            anyhow::bail!(Inexact { run: self.path.clone(), differences, cure });
        }
        for difference in differences {
            log::warn!("not as in {}: {difference}", self.path.display());
        }
        Ok(())
    }

    /// `None` where an older host did not tell.
    fn difference(&self, what: &str, at: &[&str], now: &Value) -> Option<Difference> {
        let (first, rest) = at.split_first()?;
        let then = rest.iter().try_fold(self.info.get(*first)?, |value, key| value.get(key))?;
        let now = at.iter().try_fold(now, |value, key| value.get(key)).unwrap_or(&Value::Null);
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (then != now).then(|| Difference { what: what.to_owned(), then: text(then), now: text(now) })
    }

    fn plugins(&self, now: &Value) -> Vec<Difference> {
        let read = |value: Option<&Value>| {
            value.and_then(|value| serde_json::from_value::<Vec<PluginFile>>(value.clone()).ok())
        };
        let (then, now) =
            (read(self.info.get("plugins")).unwrap_or_default(), read(now.get("plugins")).unwrap_or_default());
        let mut differences = Vec::new();
        for plugin in &now {
            let former = then.iter().find(|former| former.name == plugin.name);
            if former.is_some_and(|former| former.sha256 == plugin.sha256) {
                continue;
            }
            let told = |file: &PluginFile| format!("version {} with SHA-256 {:.12}", file.version, file.sha256);
            differences.push(Difference {
                what: format!("the plugin `{}`", plugin.name),
                then: former.map_or_else(|| "not used".to_owned(), told),
                now: format!("{} ({})", told(plugin), plugin.path),
            });
        }
        differences
    }

    /// After an exact rerun: whether it measured the same, to the last bit.
    pub fn compare_metrics(&self, again: &Path) -> anyhow::Result<()> {
        let (then, now) = (epochs(&self.path)?, epochs(again)?);
        let different = then.iter().zip(&now).find(|(then, now)| then != now);
        if let Some((then, now)) = different {
            let of = |epoch: &Map<String, Value>, key: &str| {
                epoch.get(key).map_or_else(|| "nothing".to_owned(), Value::to_string)
            };
            let key =
                then.keys().chain(now.keys()).find(|key| then.get(*key) != now.get(*key)).cloned().unwrap_or_default();
            let values = format!("{} then, {} now", of(then, &key), of(now, &key));
            anyhow::bail!(
                "--exact: epoch {} differs from that of {}: {key} {values}",
                of(then, "epoch"),
                self.path.display()
            );
        }
        if then.len() != now.len() {
            anyhow::bail!("--exact: {} epochs in {}, {} now", then.len(), self.path.display(), now.len());
        }
        log::info!("the same as {}, to the last digit of {} epochs", self.path.display(), now.len());
        Ok(())
    }
}

/// The lines of `metrics.jsonl` without what they took of time.
fn epochs(run: &Path) -> anyhow::Result<Vec<Map<String, Value>>> {
    let file = run.join(METRICS);
    let text = std::fs::read_to_string(&file).map_err(|error| crate::artifacts::ArtifactError::new(&file, error))?;
    let mut epochs: Vec<Map<String, Value>> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    epochs.iter_mut().for_each(|epoch| drop(epoch.remove("seconds")));
    Ok(epochs)
}

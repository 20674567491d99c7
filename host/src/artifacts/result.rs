//! `result.json`: what came of a run.

use std::collections::BTreeMap;

use serde::Serialize;

use super::profile::summary::Profile;

#[derive(Debug, Serialize)]
pub struct RunResult {
    /// `test.auc`, `test.ndcg@10`, ...
    pub metrics: BTreeMap<String, f64>,
    pub timing: Timing,
    pub memory: Memory,
    /// The epoch whose weights were kept; `null` if none was run.
    pub best_epoch: Option<usize>,
    pub n_epochs: usize,
    pub interrupted: bool,
    /// With `--profile` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
}

/// Seconds of wall time.
#[derive(Debug, Default, Serialize)]
pub struct Timing {
    pub load_s: f64,
    pub epoch_s_median: Option<f64>,
    pub train_s: f64,
    pub evaluate_s: f64,
    pub total_s: f64,
}

#[derive(Debug, Serialize)]
pub struct Memory {
    /// The largest resident set of the process so far.
    pub peak_rss_bytes: Option<u64>,
}

impl Memory {
    pub fn of_this_process() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|text| text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        Self { peak_rss_bytes: kilobytes.map(|kilobytes| kilobytes * 1024) }
    }
}

//! [`Trial`]: one point of the space, what it gave, and how it got there.

use std::path::PathBuf;

use super::sampler::{Past, Standing};
use super::settings::Direction;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Under way; in a study that nobody runs: cut short, and to be done again.
    Running,
    Complete,
    Pruned,
    Failed,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Running, Self::Complete, Self::Pruned, Self::Failed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// From 0 on, in the order in which they were started.
    pub number: usize,
    pub state: State,
    /// As the space has them.
    pub values: Vec<f64>,
    /// The metric; of a pruned trial, what was best until then.
    pub value: Option<f64>,
    /// Where it was best; of a pruned trial, where it ended.
    pub epoch: Option<u64>,
    pub seconds: f64,
    /// Why it failed.
    pub message: Option<String>,
    pub run_dir: PathBuf,
    /// The resolved config that it trained.
    pub config: String,
    /// The metric by epoch.
    pub curve: Vec<(u64, f64)>,
}

impl Trial {
    /// The epoch with the best metric.
    pub fn best_of_curve(&self, direction: Direction) -> Option<(u64, f64)> {
        let reports = self.curve.iter().copied().filter(|(_, value)| !value.is_nan());
        // The first of equals.
        reports.reduce(|best, report| if direction.signed(report.1) < direction.signed(best.1) { report } else { best })
    }

    /// As samplers see it; a failed trial, they do not.
    pub fn past(&self, direction: Direction) -> Option<Past> {
        let value = self.value.map(|value| direction.signed(value));
        let standing = match self.state {
            State::Running => Standing::Running,
            State::Complete => Standing::Complete(value?),
            State::Pruned => Standing::Pruned { epoch: self.epoch?, value: value.unwrap_or(f64::INFINITY) },
            State::Failed => return None,
        };
        Some(Past { values: self.values.clone(), standing })
    }
}

/// The complete trial with the best value, the first of equals.
pub fn best(trials: &[Trial], direction: Direction) -> Option<&Trial> {
    let complete = trials.iter().filter(|trial| trial.state == State::Complete);
    let valued = complete.filter_map(|trial| Some((trial, direction.signed(trial.value?))));
    valued.min_by(|one, other| one.1.total_cmp(&other.1)).map(|(trial, _)| trial)
}

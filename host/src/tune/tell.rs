//! What the user sees of a study: how it begins, a line a trial, and the best at the end.

use super::params::Found;
use super::settings::Direction;
use super::storage::Definition;
use super::trial::{best, State, Trial};
use crate::terminal::table::table;
use crate::terminal::terminal;

/// Before the first trial.
pub fn start(definition: &Definition, found: &Found, trials: &[Trial], n_trials: usize, n_jobs: usize) {
    let method = &definition.method;
    let direction = match method.direction {
        Direction::Minimize => "lowest",
        Direction::Maximize => "highest",
    };
    let parallel = if n_jobs > 1 { format!(", {n_jobs} at a time") } else { String::new() };
    log::info!(
        "study {}: {n_trials} trials{parallel} for the {direction} {}, sampler {}, pruner {}",
        definition.name,
        method.metric,
        method.sampler.name(),
        method.pruner.name()
    );
    for parameter in &definition.space.0 {
        log::info!("  {} in {}", parameter.name(), parameter.domain.describe());
    }
    if !found.left_out.is_empty() {
        log::info!("  left out, for want of a range: {}", found.left_out.join(", "));
    }
    if !trials.is_empty() {
        let n_finished = trials.iter().filter(|trial| trial.state != State::Running).count();
        log::info!("{n_finished} trials are there already{}", best_so_far(definition, trials));
    }
}

/// How a trial ended.
pub fn trial(definition: &Definition, trials: &[Trial], number: usize, n_trials: usize) {
    let trial = &trials[number];
    let metric = &definition.method.metric;
    let value = trial.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    let epoch = trial.epoch.unwrap_or_default();
    let what = match trial.state {
        State::Complete => format!("{metric} {value} (epoch {epoch}, {:.1} s)", trial.seconds),
        State::Pruned => format!("pruned at epoch {epoch}, {metric} {value} ({:.1} s)", trial.seconds),
        State::Failed => {
            // The rest of it stands in the trial's own log.
            let message = trial.message.as_deref().unwrap_or_default();
            format!("failed: {}", message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default())
        }
        State::Running => return,
    };
    let line = format!("trial {number:>3} of {n_trials}  {}  {what}", point(definition, trial));
    match trial.state {
        State::Failed => log::warn!("{line}"),
        State::Complete | State::Pruned | State::Running => log::info!("{line}{}", best_so_far(definition, trials)),
    }
}

/// `model.params.dropout=0.1` as `dropout=0.1`, unless two parameters end alike.
fn point(definition: &Definition, trial: &Trial) -> String {
    let names: Vec<&str> = definition.space.0.iter().map(super::space::Parameter::name).collect();
    let values = definition.space.0.iter().zip(&trial.values);
    let shown = values
        .zip(short_names(&names))
        .map(|((parameter, value), name)| format!("{name}={}", parameter.domain.text(*value)));
    shown.collect::<Vec<_>>().join(" ")
}

/// The last part of each name, or the whole where two end alike.
pub fn short_names(names: &[&str]) -> Vec<String> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    let short: Vec<String> = names.iter().map(|name| last(name)).collect();
    let is_unique = |name: &String| short.iter().filter(|other| *other == name).count() == 1;
    short
        .iter()
        .zip(names)
        .map(|(short, whole)| if is_unique(short) { short.clone() } else { (*whole).to_owned() })
        .collect()
}

fn best_so_far(definition: &Definition, trials: &[Trial]) -> String {
    let best = best(trials, definition.method.direction);
    let valued = best.and_then(|trial| Some((trial.number, trial.value?)));
    valued.map_or_else(String::new, |(number, value)| format!("; best {value:.4} (trial {number})"))
}

/// At the end: the best trial, and what there was.
pub fn end(definition: &Definition, trials: &[Trial]) {
    let count = |state: State| trials.iter().filter(|trial| trial.state == state).count();
    let counts: Vec<String> = State::ALL
        .into_iter()
        .map(|state| (state, count(state)))
        .filter(|(_, n)| *n > 0)
        .map(|(state, n)| format!("{n} {}", if state == State::Running { "unfinished" } else { state.name() }))
        .collect();
    let seconds: f64 = trials.iter().map(|trial| trial.seconds).sum();
    log::info!("{} trials: {}; {:.1} minutes of training", trials.len(), counts.join(", "), seconds / 60.0);
    let Some(best) = best(trials, definition.method.direction) else { return };
    let value = best.value.unwrap_or(f64::NAN);
    let mut shown = table(&[&format!("trial {}", best.number), &definition.method.metric]);
    shown.add_row(["value".to_owned(), format!("{value:.4}")]);
    for (parameter, value) in definition.space.0.iter().zip(&best.values) {
        shown.add_row([parameter.name().to_owned(), parameter.domain.text(*value)]);
    }
    terminal().print(&shown.to_string());
}

#[cfg(test)]
mod tests {
    use super::short_names;

    #[test]
    fn names_are_short_where_they_stay_apart() {
        assert_eq!(short_names(&["model.params.dropout", "loss", "trainer.params.lr"]), ["dropout", "loss", "lr"]);
        assert_eq!(short_names(&["a.dropout", "b.dropout", "c.x"]), ["a.dropout", "b.dropout", "x"]);
    }
}

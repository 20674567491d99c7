//! The best trial's config as a file that `train` takes.

use super::find::Study;
use super::trial::best;

/// The file; it fails where no trial is complete.
pub fn config(study: &Study) -> anyhow::Result<String> {
    let super::storage::Definition { name, method, space, .. } = &study.definition;
    let best = best(&study.trials, method.direction)
        .ok_or_else(|| anyhow::anyhow!("{}: no trial is complete yet", study.path.display()))?;
    let seconds: f64 = study.trials.iter().map(|trial| trial.seconds).sum();
    let mut text = format!(
        "# The best of study {name}: trial {} of {}, {} {:.6} at epoch {}.\n# Found by {}, pruner {}, in {:.1} minutes of training. It changed:\n",
        best.number,
        study.trials.len(),
        method.metric,
        best.value.unwrap_or(f64::NAN),
        best.epoch.unwrap_or_default(),
        method.sampler.name(),
        method.pruner.name(),
        seconds / 60.0,
    );
    for (parameter, value) in space.0.iter().zip(&best.values) {
        text.push_str(&format!("#   {}={}\n", parameter.name(), parameter.domain.text(*value)));
    }
    // A run of it goes where runs go, and not over the trial's. The writer of configs puts a text on the line of its key.
    let lines = best.config.lines().filter(|line| !line.starts_with("run_dir:"));
    lines.for_each(|line| {
        text.push_str(line);
        text.push('\n');
    });
    Ok(text)
}

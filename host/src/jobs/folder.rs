//! The folder of a job: made with its config, and asked for its result.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Job;
use crate::artifacts::run_directory::{CONFIG, METRICS, OVERRIDES, RESULT};
use crate::artifacts::{write_whole, ArtifactError};

/// What a job that failed said on standard error.
const OUTPUT: &str = "stderr.log";

/// Makes the folder, and writes the job into it. Nothing is moved aside where no attempt has begun.
pub fn prepare(job: &Job) -> Result<(), ArtifactError> {
    let folder = &job.run_dir;
    if folder.join(METRICS).exists() {
        move_aside(folder)?;
    }
    std::fs::create_dir_all(folder).map_err(|error| ArtifactError::new(folder, error))?;
    let overrides = crate::config::strings_to_yaml(&job.overrides);
    write_whole(&folder.join(OVERRIDES), |staged| std::fs::write(staged, overrides))?;
    write_whole(&folder.join(CONFIG), |staged| std::fs::write(staged, &job.config))
}

/// What an attempt that did not finish left is kept: it may hold the reason, or weights that are worth something.
fn move_aside(folder: &Path) -> Result<(), ArtifactError> {
    for attempt in 1.. {
        let mut name = folder.as_os_str().to_owned();
        name.push(format!(".attempt-{attempt}"));
        let aside = PathBuf::from(name);
        if aside.symlink_metadata().is_err() {
            return std::fs::rename(folder, &aside).map_err(|error| ArtifactError::new(folder, error));
        }
    }
    Ok(())
}

/// The result of a run that came to its end. It is written last and whole, so a run has one or has not finished.
pub fn finished_result(run_dir: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(run_dir.join(RESULT)).ok()?;
    let result: Value = serde_json::from_str(&text).ok()?;
    (result["interrupted"] == false && result["metrics"].is_object()).then_some(result)
}

/// What a host said last, from its last `error: ` on.
pub fn latest_error(output: &str) -> Option<String> {
    let start = output.rfind("\nerror: ").map(|at| at + 1).or_else(|| output.starts_with("error: ").then_some(0))?;
    Some(output[start + "error: ".len()..].trim_end().to_owned())
}

/// A crash tells its reason on standard error only. A full disk must not hide the failure itself.
pub(super) fn keep_output(run_dir: &Path, output: &str) {
    if let Err(error) = write_whole(&run_dir.join(OUTPUT), |staged| std::fs::write(staged, output)) {
        log::debug!("{error}");
    }
}

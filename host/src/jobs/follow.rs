//! [`Follower`]: reads `metrics.jsonl` of a running job, line by line, for the one who watches it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Verdict, Watch};
use crate::artifacts::run_directory::METRICS;

pub(super) struct Follower<'a> {
    path: PathBuf,
    file: Option<File>,
    /// The beginning of a line that is not whole yet.
    rest: Vec<u8>,
    watch: &'a mut dyn Watch,
    verdict: anyhow::Result<Verdict>,
}

impl<'a> Follower<'a> {
    pub fn new(run_dir: &Path, watch: &'a mut dyn Watch) -> Self {
        Self { path: run_dir.join(METRICS), file: None, rest: Vec::new(), watch, verdict: Ok(Verdict::Continue) }
    }

    /// Hands on the lines that were added since.
    pub fn look(&mut self) {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Some(file) = &mut self.file else { return };
        // What cannot be read now is there next time.
        let _ = file.read_to_end(&mut self.rest);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return };
        let lines: Vec<u8> = self.rest.drain(..=end).collect();
        for line in lines.split(|byte| *byte == b'\n') {
            if let (Ok(metrics), Ok(Verdict::Continue)) = (serde_json::from_slice(line), &self.verdict) {
                self.verdict = self.watch.epoch(&metrics);
            }
        }
    }

    pub fn is_over(&self) -> bool {
        !matches!(self.verdict, Ok(Verdict::Continue))
    }

    pub fn verdict(self) -> anyhow::Result<Verdict> {
        self.verdict
    }
}

//! The results of a sweep: `results.csv` with a line a job, `summary.csv` and the table of the terminal with a line a configuration,
//! over its seeds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use comfy_table::CellAlignment;
use serde_json::Value;

use super::ledger::Event;
use super::plan::Planned;
use super::statistics::Statistics;
use crate::artifacts::{write_whole, ArtifactError};

/// A job and what became of it.
pub struct Row<'a> {
    pub planned: &'a Planned,
    pub event: Option<&'a Event>,
    pub run_dir: PathBuf,
}

impl Row<'_> {
    pub fn result(&self) -> Option<&Value> {
        match self.event? {
            Event::Finished { result } => Some(result),
            Event::Started | Event::Failed { .. } | Event::Interrupted => None,
        }
    }

    pub fn failure(&self) -> Option<&str> {
        match self.event? {
            Event::Failed { message, .. } => Some(message),
            Event::Started | Event::Finished { .. } | Event::Interrupted => None,
        }
    }

    fn status(&self) -> &'static str {
        match self.event {
            None => "pending",
            Some(Event::Started) => "started",
            Some(Event::Finished { .. }) => "finished",
            Some(Event::Failed { .. }) => "failed",
            Some(Event::Interrupted) => "interrupted",
        }
    }

    fn metrics(&self) -> BTreeMap<&str, f64> {
        let metrics = self.result().and_then(|result| result["metrics"].as_object());
        metrics.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_f64()?))).collect()
    }

    fn value(&self, key: &str) -> &str {
        self.planned.values.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }
}

/// The jobs of one configuration: they differ in their seeds only.
struct Group<'a> {
    rows: Vec<&'a Row<'a>>,
}

impl Group<'_> {
    fn statistics(&self, metric: &str) -> Option<Statistics> {
        let values: Vec<f64> = self.rows.iter().filter_map(|row| row.metrics().get(metric).copied()).collect();
        Statistics::of(&values)
    }

    fn n_finished(&self) -> usize {
        self.rows.iter().filter(|row| row.result().is_some()).count()
    }
}

/// In the order of the first job of each.
fn groups<'a>(rows: &'a [Row<'a>]) -> Vec<Group<'a>> {
    let mut groups: Vec<(Vec<&(String, String)>, Group)> = Vec::new();
    for row in rows {
        let values: Vec<_> = row.planned.values.iter().filter(|(key, _)| key != SEED).collect();
        match groups.iter_mut().find(|(known, _)| *known == values) {
            Some((_, group)) => group.rows.push(row),
            None => groups.push((values, Group { rows: vec![row] })),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

const SEED: &str = "seed";

/// What varies, in the order in which it was first met.
fn keys<'a>(rows: &'a [Row]) -> Vec<&'a str> {
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in rows.iter().flat_map(|row| &row.planned.values) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    keys
}

fn metric_names<'a>(rows: &'a [Row]) -> Vec<&'a str> {
    let names: std::collections::BTreeSet<&str> = rows.iter().flat_map(|row| row.metrics().into_keys()).collect();
    names.into_iter().collect()
}

/// Writes both files.
pub fn write(folder: &Path, rows: &[Row]) -> Result<(), ArtifactError> {
    write_csv(&folder.join("results.csv"), &results(rows))?;
    write_csv(&folder.join("summary.csv"), &summaries(rows))
}

fn write_csv(path: &Path, lines: &[Vec<String>]) -> Result<(), ArtifactError> {
    write_whole(path, |staged| {
        let mut writer = csv::Writer::from_path(staged)?;
        lines.iter().try_for_each(|line| writer.write_record(line))?;
        writer.flush().map_err(csv::Error::from)
    })
}

fn results(rows: &[Row]) -> Vec<Vec<String>> {
    let (keys, metrics) = (keys(rows), metric_names(rows));
    let text = |name: &&str| (*name).to_owned();
    let header = ["job", "status"].iter().map(text).chain(keys.iter().map(text)).chain(metrics.iter().map(text));
    let header = header.chain(["best_epoch", "n_epochs", "total_s", "run_dir", "reason"].iter().map(text)).collect();
    let line = |row: &Row| {
        let of_run = row.metrics();
        let number =
            |value: Option<&Value>| value.filter(|value| value.is_number()).map_or_else(String::new, Value::to_string);
        let field = |name: &str| number(row.result().and_then(|result| result.get(name)));
        let mut cells = vec![row.planned.number.to_string(), row.status().to_owned()];
        cells.extend(keys.iter().map(|key| row.value(key).to_owned()));
        cells.extend(metrics.iter().map(|name| of_run.get(name).map_or_else(String::new, f64::to_string)));
        cells.extend([field("best_epoch"), field("n_epochs")]);
        cells.push(number(row.result().map(|result| &result["timing"]["total_s"])));
        cells.extend([row.run_dir.display().to_string(), row.failure().unwrap_or_default().to_owned()]);
        cells
    };
    std::iter::once(header).chain(rows.iter().map(line)).collect()
}

fn summaries(rows: &[Row]) -> Vec<Vec<String>> {
    let keys: Vec<_> = keys(rows).into_iter().filter(|key| *key != SEED).collect();
    let metrics = metric_names(rows);
    let mut header: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    header.push("n".into());
    for name in &metrics {
        header.extend(["mean", "std", "ci95_low", "ci95_high"].map(|what| format!("{name}_{what}")));
    }
    let line = |group: &Group| {
        let mut cells: Vec<String> = keys.iter().map(|key| group.rows[0].value(key).to_owned()).collect();
        cells.push(group.n_finished().to_string());
        for name in &metrics {
            let text = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
            let of = group.statistics(name);
            let bound = |sign: f64| of.and_then(|of| Some(of.mean + sign * of.half_width?));
            cells.extend([
                text(of.map(|of| of.mean)),
                text(of.and_then(|of| of.std)),
                text(bound(-1.0)),
                text(bound(1.0)),
            ]);
        }
        cells
    };
    std::iter::once(header).chain(groups(rows).iter().map(line)).collect()
}

/// The metrics that a line of the terminal has room for: those without a k, and of the others those of the middle k.
fn shown<'a>(names: &[&'a str]) -> Vec<&'a str> {
    const MOST: usize = 6;
    let k_of = |name: &str| name.split_once('@').and_then(|(_, k)| k.parse::<usize>().ok());
    let ks: std::collections::BTreeSet<usize> = names.iter().filter_map(|name| k_of(name)).collect();
    let middle = ks.iter().nth(ks.len().saturating_sub(1) / 2);
    let mut shown: Vec<&str> =
        names.iter().copied().filter(|name| k_of(name).is_none_or(|k| Some(&k) == middle)).collect();
    // What most papers tell first.
    let rank = |name: &str| ["ndcg", "recall", "hit", "mrr", "auc", "ap"].iter().position(|known| name.contains(known));
    shown.sort_by_key(|name| rank(name).unwrap_or(usize::MAX));
    shown.truncate(MOST);
    shown
}

/// A result in a few words.
pub fn headline(result: &Value) -> String {
    let metrics: BTreeMap<&str, f64> = result["metrics"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_f64()?)))
        .collect();
    let names: Vec<&str> = metrics.keys().copied().collect();
    let mut words: Vec<String> =
        shown(&names).iter().take(3).map(|name| format!("{name} {:.4}", metrics[name])).collect();
    words.extend(result["timing"]["total_s"].as_f64().map(|seconds| format!("({seconds:.1} s)")));
    words.join("  ")
}

/// The table of the terminal.
pub fn summary(rows: &[Row]) -> String {
    let keys: Vec<_> = keys(rows).into_iter().filter(|key| *key != SEED).collect();
    let (names, groups) = (metric_names(rows), groups(rows));
    let metrics = shown(&names);
    let is_repeated = groups.iter().any(|group| group.rows.len() > 1);
    let mut header = vec![if is_repeated { "jobs" } else { "job" }];
    header.extend(keys.iter().map(|key| key.rsplit('.').next().unwrap_or(key)));
    header.extend(is_repeated.then_some("n"));
    header.extend(metrics.iter().map(|name| name.strip_prefix("test.").unwrap_or(name)));
    let mut table = crate::terminal::table::table(&header);
    for group in &groups {
        let mut cells = vec![numbers(group)];
        cells.extend(keys.iter().map(|key| group.rows[0].value(key).to_owned()));
        cells.extend(is_repeated.then(|| group.n_finished().to_string()));
        cells.extend(metrics.iter().map(|name| cell(group, name)));
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(1 + keys.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let note = if is_repeated { "\n± half of the 95% interval of the mean (Student's t over the seeds)" } else { "" };
    format!("{table}{note}")
}

fn numbers(group: &Group) -> String {
    match group.rows.as_slice() {
        [only] => only.planned.number.to_string(),
        [first, .., last] => format!("{}-{}", first.planned.number, last.planned.number),
        [] => String::new(),
    }
}

fn cell(group: &Group, metric: &str) -> String {
    let of = group.statistics(metric);
    match of {
        None if group.rows.iter().any(|row| row.failure().is_some()) => "failed".to_owned(),
        None => "-".to_owned(),
        Some(Statistics { mean, half_width: Some(half_width), .. }) => format!("{mean:.4} ±{half_width:.4}"),
        Some(Statistics { mean, .. }) => format!("{mean:.4}"),
    }
}

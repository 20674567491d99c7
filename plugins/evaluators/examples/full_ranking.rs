//! Times the evaluator on a safetensors file, for `tests/bench/evaluator/compare.py`.
//!
//! `full_ranking FILE K[,K...] REPEATS THREADS` prints JSON: seconds of each repetition, metrics, peak memory, and the lists of the
//! longest K. The file holds `source`, `destination`, `edge_label_index`, `edge_label` and `known_edges`, as in `Evaluation`.

use std::time::Instant;

use evaluators::{evaluate_labelled_edges, evaluate_ranking};
use nn::{ItemRanking, ItemsByUser};
use plugin_api::evaluator::Scope;
use plugin_api::prelude::*;
use serde_json::{json, Value};
use tch::Tensor;

const BLOCK_SIZE: i64 = 512;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, ks, repeats, threads] = arguments.as_slice() else { return Err("FILE K[,K...] REPEATS THREADS".into()) };
    let ks = ks.split(',').map(str::parse).collect::<std::result::Result<Vec<usize>, _>>()?;
    tch::set_num_threads(threads.parse()?);
    let measured = measure(file, &ks, repeats.parse()?).map_err(|error| error.to_string())?;
    println!("{measured}");
    Ok(())
}

fn measure(file: &str, ks: &[usize], repeats: usize) -> Result<Value> {
    let tensors = Tensor::read_safetensors(file)?;
    let tensor = |name| {
        let found = tensors.iter().find(|(of, _)| of == name).map(|(_, tensor)| tensor);
        found.ok_or_else(|| PluginError::invalid_data(format!("{file} has no `{name}`")))
    };
    let evaluation = Evaluation {
        source: tensor("source")?,
        destination: tensor("destination")?,
        edge_label_index: tensor("edge_label_index")?,
        edge_label: tensor("edge_label")?,
        known_edges: tensor("known_edges")?,
        scope: Scope::FullRanking,
    };
    // Reading the file took more than what is in it: from here on the peak is the evaluation's.
    _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = peak_rss();
    let (mut lists_s, mut ranking_s, mut labelled_s, mut metrics) = (vec![], vec![], vec![], Metrics::new());
    let mut ranked = Vec::new();
    for _ in 0..repeats {
        ranked = timed(&mut lists_s, || lists(&evaluation, ks.iter().copied().max().unwrap_or(0)))?;
        metrics.extend(timed(&mut ranking_s, || evaluate_ranking(&evaluation, ks, BLOCK_SIZE))?);
        metrics.extend(timed(&mut labelled_s, || evaluate_labelled_edges(&evaluation))?);
    }
    let memory = json!({"rss_before": before, "peak_rss": peak_rss()});
    Ok(json!({
        "lists_s": lists_s, "ranking_s": ranking_s, "labelled_s": labelled_s, "memory": memory, "metrics": metrics, "lists": ranked,
    }))
}

fn timed<T>(seconds: &mut Vec<f64>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let made = work();
    seconds.push(start.elapsed().as_secs_f64());
    made
}

/// The lists of all users, without metrics.
fn lists(evaluation: &Evaluation, k: usize) -> Result<Vec<Vec<u32>>> {
    let items = ItemRanking::new(evaluation.destination)?;
    let known = ItemsByUser::from_edges(evaluation.known_edges, evaluation.source.size()[0] as usize, items.n_items())?;
    let lists = items.top_k(evaluation.source, |user| known.of(user), k)?;
    Ok(lists.into_iter().map(|list| list.into_iter().map(|scored| scored.item).collect()).collect())
}

/// In bytes; `None` where there is no `/proc`.
fn peak_rss() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(1024 * line.split_whitespace().next()?.parse::<u64>().ok()?)
}

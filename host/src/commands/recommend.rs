//! `recsys-host recommend RUN_DIR --user RAW_ID`: the items with the highest scores that the user has no edge to.

use std::path::PathBuf;

use plugin_api::dataset::{Catalog, NodeCatalog};
use plugin_api::graph::Graph;
use plugin_api::model::Mode;
use serde::Serialize;
use tch::{no_grad, Device, Kind, Tensor};

use crate::config::{nearest, Section};
use crate::experiment::{self, Explain, Restored};
use crate::terminal::table::table;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A run directory of `recsys-host train`.
    pub run_dir: PathBuf,
    /// The user's id in the data.
    #[arg(long, value_name = "RAW_ID")]
    pub user: String,
    /// How many items.
    #[arg(short, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub k: u32,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Overrides of the run's config.
    #[arg(value_name = "OVERRIDE")]
    pub overrides: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Recommendation {
    rank: usize,
    id: String,
    title: Option<String>,
    score: f64,
}

pub fn run(arguments: Arguments, plugin_dirs: &[PathBuf]) -> anyhow::Result<()> {
    let config = experiment::config_of_run(&arguments.run_dir, arguments.overrides)?;
    let mut restored = Restored::open(&arguments.run_dir, &config, plugin_dirs)?;
    let experiment = restored.experiment.clone();
    let explain = Explain { config: &config, experiment: &experiment };
    let catalog = explain.result(Section::Data, restored.data.loader.catalog())?;
    let target = restored.data.splits.target.clone();
    let n_users = restored.data.splits.train.graph.node(&target.source).map_or(0, |node| node.n_nodes);
    let user = find(&catalog, &target.source, n_users, &arguments.user)?;
    let graph = explain.result(Section::Data, restored.data.loader.get_data())?;
    let (scores, seen) = explain.result(Section::Model, score(&restored, graph, user))?;
    let k = (arguments.k as usize).min(scores.numel() - seen);
    let (scores, items) = scores.topk(k as i64, 0, true, true); // [k]
    let scores = Vec::<f32>::try_from(scores)?;
    let items = Vec::<i64>::try_from(items)?;
    let empty = NodeCatalog::default();
    let names = catalog.node(&target.destination).unwrap_or(&empty);
    let recommended = items.iter().zip(scores).enumerate().map(|(index, (item, score))| Recommendation {
        rank: index + 1,
        id: names.raw_ids.get(*item as usize).cloned().unwrap_or_else(|| item.to_string()),
        title: names.titles.get(*item as usize).filter(|title| !title.is_empty()).cloned(),
        score: f64::from(score),
    });
    show(&recommended.collect::<Vec<_>>(), arguments.json)
}

/// The dense id of a raw one; without a catalog ids are dense already.
fn find(catalog: &Catalog, node_type: &str, n_nodes: i64, raw_id: &str) -> anyhow::Result<i64> {
    let ids = catalog.node(node_type).map(|node| node.raw_ids.as_slice()).unwrap_or_default();
    if ids.is_empty() {
        let dense = raw_id.parse().ok().filter(|id| (0..n_nodes).contains(id));
        return dense.ok_or_else(|| {
            let message = format!(
                "there is no {node_type} `{raw_id}`: the data have no raw ids, name one of 0 to {}",
                n_nodes - 1
            );
            crate::cli::Usage(message).into()
        });
    }
    if let Some(index) = ids.iter().position(|id| id == raw_id) {
        return Ok(index as i64);
    }
    let (first, last) = (ids.first().map_or("-", String::as_str), ids.last().map_or("-", String::as_str));
    let hint = nearest(raw_id, ids.iter().map(String::as_str))
        .map_or_else(String::new, |id| format!("; the nearest id is {id}"));
    Err(crate::cli::Usage(format!(
        "there is no {node_type} `{raw_id}` among {} (from {first} to {last}){hint}",
        ids.len()
    ))
    .into())
}

/// Scores of all items, f32 `[n_items]`, those already seen at minus infinity, and how many were seen.
fn score(restored: &Restored, graph: Graph, user: i64) -> plugin_api::Result<(Tensor, usize)> {
    let splits = &restored.data.splits;
    let target = &splits.target;
    // All known edges carry messages here; the test edges need no more be hidden.
    let mut graph = graph.to_device(restored.services.machine().device)?;
    for node in &mut graph.nodes {
        if node.x.is_none() {
            node.x = splits.train.graph.node(&node.name)?.x.as_ref().map(Tensor::shallow_clone);
        }
    }
    let edge_index = graph.edge(target)?.edge_index.shallow_clone(); // [2, n_edges]
    no_grad(|| {
        let embeddings = restored.model.encode(&graph, Mode::Eval)?;
        let user_embedding = embeddings.get(&target.source)?.f_get(user)?; // [width]
        let scores = embeddings.get(&target.destination)?.f_mv(&user_embedding)?; // [n_items]
        let of_user = edge_index.f_get(0)?.f_eq(user)?.f_nonzero()?.f_squeeze_dim(1)?; // [n_seen]
        let seen = edge_index.f_get(1)?.f_index_select(0, &of_user)?; // [n_seen]
        let scores =
            scores.f_index_fill(0, &seen, f64::NEG_INFINITY)?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?;
        let n_seen = scores.f_isneginf()?.f_sum(Kind::Int64)?.f_int64_value(&[])?;
        Ok((scores, n_seen as usize))
    })
}

fn show(recommended: &[Recommendation], json: bool) -> anyhow::Result<()> {
    if json {
        super::print(&serde_json::to_string_pretty(recommended)?);
        return Ok(());
    }
    let mut rows = table(&["", "id", "title", "score"]);
    for Recommendation { rank, id, title, score } in recommended {
        rows.add_row([rank.to_string(), id.clone(), title.clone().unwrap_or_default(), format!("{score:.4}")]);
    }
    super::print(&rows.to_string());
    Ok(())
}

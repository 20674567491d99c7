//! `recsys-host recommend RUN_DIR --user RAW_ID`: the items with the highest scores that a user has no edge to.

use std::path::PathBuf;

use nn::{ItemRanking, ItemsByUser, Scored};
use plugin_api::dataset::{Catalog, NodeCatalog};
use plugin_api::graph::Graph;
use plugin_api::model::Mode;
use serde::Serialize;
use tch::{no_grad, Tensor};

use crate::config::{nearest, Section};
use crate::experiment::{self, Explain, Restored};
use crate::terminal::table::table;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A run directory of `recsys-host train`.
    pub run_dir: PathBuf,
    /// The user's id in the data; several users are ranked at once.
    #[arg(long = "user", value_name = "RAW_ID", required = true)]
    pub users: Vec<String>,
    /// How many items for each.
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
    let find = |raw_id: &String| find(&catalog, &target.source, n_users, raw_id);
    let users = arguments.users.iter().map(find).collect::<anyhow::Result<Vec<i64>>>()?;
    let graph = explain.result(Section::Data, restored.data.loader.get_data())?;
    let lists = explain.result(Section::Model, rank(&restored, graph, &users, arguments.k as usize))?;
    let empty = NodeCatalog::default();
    let names = catalog.node(&target.destination).unwrap_or(&empty);
    let lists: Vec<_> = lists.iter().map(|list| named(list, names)).collect();
    show(&arguments.users, &lists, arguments.json)
}

fn named(list: &[Scored], names: &NodeCatalog) -> Vec<Recommendation> {
    let name = |(index, scored): (usize, &Scored)| {
        let item = scored.item as usize;
        Recommendation {
            rank: index + 1,
            id: names.raw_ids.get(item).cloned().unwrap_or_else(|| item.to_string()),
            title: names.titles.get(item).filter(|title| !title.is_empty()).cloned(),
            score: f64::from(scored.score),
        }
    };
    list.iter().enumerate().map(name).collect()
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

/// The `k` best items of each user, without those already seen.
fn rank(restored: &Restored, graph: Graph, users: &[i64], k: usize) -> plugin_api::Result<Vec<Vec<Scored>>> {
    let splits = &restored.data.splits;
    let target = &splits.target;
    // All known edges carry messages here; the test edges need no more be hidden.
    let mut graph = graph.to_device(restored.services.machine().device)?;
    for node in &mut graph.nodes {
        if node.x.is_none() {
            node.x = splits.train.graph.node(&node.name)?.x.as_ref().map(Tensor::shallow_clone);
        }
    }
    let embeddings = no_grad(|| restored.model.encode(&graph, Mode::Eval))?;
    let source = embeddings.get(&target.source)?; // [n_users, width]
    let items = ItemRanking::new(embeddings.get(&target.destination)?)?;
    let n_users = source.size().first().map_or(0, |n| *n as usize);
    let seen = ItemsByUser::from_edges(&graph.edge(target)?.edge_index, n_users, items.n_items())?;
    let rows = Tensor::f_from_slice(users)?.f_to_device(source.device())?; // [users]
    let rows = source.f_detach()?.f_index_select(0, &rows)?; // [users, width]
    items.top_k(&rows, |row| seen.of(users[row] as usize), k)
}

/// What JSON says of several users; of one alone it says the items.
#[derive(Debug, Serialize)]
struct OfUser<'a> {
    user: &'a str,
    items: &'a [Recommendation],
}

fn show(users: &[String], lists: &[Vec<Recommendation>], json: bool) -> anyhow::Result<()> {
    let of_users = || users.iter().zip(lists).map(|(user, items)| OfUser { user, items });
    match (json, lists) {
        (true, [items]) => super::print(&serde_json::to_string_pretty(items)?),
        (true, _) => super::print(&serde_json::to_string_pretty(&of_users().collect::<Vec<_>>())?),
        (false, [items]) => super::print(&rows(items)),
        (false, _) => of_users().for_each(|of| super::print(&format!("{}\n{}\n", of.user, rows(of.items)))),
    }
    Ok(())
}

fn rows(recommended: &[Recommendation]) -> String {
    let mut rows = table(&["", "id", "title", "score"]);
    for Recommendation { rank, id, title, score } in recommended {
        rows.add_row([rank.to_string(), id.clone(), title.clone().unwrap_or_default(), format!("{score:.4}")]);
    }
    rows.to_string()
}

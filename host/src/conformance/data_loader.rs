//! Tests of data loaders.

use std::collections::BTreeSet;

use plugin_api::abi::data_loader::DataLoaderObject;
use plugin_api::dataset::{Catalog, LinkSplits, Split};
use plugin_api::error::ErrorKind;
use plugin_api::graph::{EdgeType, Graph};
use plugin_api::record::Record;
use plugin_api::PluginError;
use serde_json::Value;
use tch::Tensor;

use super::board::Pair;
use super::host::CheckHost;
use super::process::Stopwatch;
use super::subject::Subject;
use super::verdict::{ensure, fail, skip, words, Checked, During, Finding};

/// After a request to stop.
const LONGEST_WAIT: f64 = 1.0;

type Pairs = BTreeSet<Pair>;

/// # Errors
/// Those of the loader.
pub fn use_with(subject: &Subject, _: &Value) -> Result<(), PluginError> {
    let unmade = |finding: Finding| PluginError::failed(format!("{finding:?}"));
    let mut loader = subject.data_loader(&subject.host()).map_err(unmade)?;
    loader.prepare(false)?;
    loader.get_train_val_test_data()?;
    loader.get_data()?;
    loader.catalog()?;
    loader.fingerprint().map(drop)
}

/// A loader whose data are there; skips the test where they are not.
fn prepared(subject: &Subject, force: bool) -> Checked<DataLoaderObject> {
    let mut loader = subject.data_loader(&subject.host())?;
    match loader.prepare(force) {
        Ok(summary) => {
            ensure(!summary.trim().is_empty(), || "prepare must tell what there is; its line is empty".into())?
        }
        Err(error) if error.kind == ErrorKind::Panicked => return fail(words(&error)),
        Err(error) => return skip(format!("its data are not there: {error}; give parameters with --params")),
    }
    Ok(loader)
}

fn loaded(subject: &Subject, force: bool) -> Checked<LinkSplits> {
    Ok(prepared(subject, force)?.get_train_val_test_data()?)
}

fn pairs(edge_index: &Tensor) -> Checked<Pairs> {
    let [from, to] =
        [0, 1].map(|row| -> Checked<Vec<i64>> { Ok(Vec::try_from(edge_index.f_get(row)?.f_contiguous()?)?) });
    Ok(from?.into_iter().zip(to?).collect())
}

fn message_edges(graph: &Graph, edge_type: &EdgeType) -> Checked<Pairs> {
    pairs(&graph.edge(edge_type)?.edge_index)
}

fn positives(split: &Split) -> Checked<Pairs> {
    pairs(&split.positives()?)
}

pub fn splits(subject: &Subject) -> Checked {
    let splits = loaded(subject, false)?;
    splits.validate()?;
    let named = splits.named();
    for (name, split) in named {
        reverse_goes_along(&split.graph, &splits.target).during(name)?;
        for (other_name, other) in named.into_iter().filter(|(other, _)| *other != name) {
            let n_common = positives(split)?.intersection(&positives(other)?).count();
            ensure(n_common == 0, || format!("{n_common} positive edges are in `{name}` and in `{other_name}`"))?;
        }
        let (ours, theirs) = (&split.graph.nodes, &splits.train.graph.nodes);
        let same =
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(our, their)| our.n_nodes == their.n_nodes);
        ensure(same, || format!("`{name}` has other nodes than `train`"))?;
    }
    let graphs = [("train", &splits.train), ("val", &splits.val), ("test", &splits.test)];
    for (heldout_name, heldout, upto) in [("val", &splits.val, 2), ("test", &splits.test, 3)] {
        for (name, split) in &graphs[..upto] {
            let edges = message_edges(&split.graph, &splits.target)?;
            let n_leaked = positives(heldout)?.intersection(&edges).count();
            ensure(n_leaked == 0, || {
                format!("{n_leaked} edges held out in `{heldout_name}` are message edges of `{name}`")
            })?;
        }
    }
    ensure(!positives(&splits.train)?.is_empty(), || "there are no training edges".into())?;
    let empty: Vec<_> =
        named.iter().filter(|(_, split)| split.edge_label.numel() == 0).map(|(name, _)| *name).collect();
    match empty.as_slice() {
        [] => Ok(()),
        [_, ..] => Err(Finding::Warned(format!("no labelled edges in {}", empty.join(", ")))),
    }
}

fn reverse_goes_along(graph: &Graph, target: &EdgeType) -> Checked {
    if graph.edge(&target.reverse()).is_err() {
        return Ok(());
    }
    let there: Pairs = message_edges(graph, target)?.into_iter().map(|(from, to)| (to, from)).collect();
    let back = message_edges(graph, &target.reverse())?;
    ensure(there == back, || format!("the edges `{}` are not those of `{target}` reversed", target.reverse()))
}

/// Every edge of the target type that any split knows.
fn all_edges(splits: &LinkSplits) -> Checked<Pairs> {
    let mut all = Pairs::new();
    for (_, split) in splits.named() {
        all.extend(message_edges(&split.graph, &splits.target)?);
        all.extend(positives(split)?);
    }
    Ok(all)
}

pub fn negatives(subject: &Subject) -> Checked {
    let splits = loaded(subject, false)?;
    let edges = all_edges(&splits)?;
    for (name, split) in splits.named() {
        let n_positives = split.positives()?.size()[1];
        let columns = split.edge_label.f_le(0.5)?.f_nonzero()?.f_squeeze_dim(1)?; // [n_negatives]
        let negatives = split.edge_label_index.f_index_select(1, &columns)?; // [2, n_negatives]
        let n_negatives = negatives.size()[1];
        ensure(n_negatives == n_positives, || {
            format!("`{name}` has {n_positives} positives and {n_negatives} negatives")
        })?;
        let n_edges = pairs(&negatives)?.intersection(&edges).count();
        ensure(n_edges == 0, || format!("{n_edges} negatives of `{name}` are edges"))?;
    }
    Ok(())
}

pub fn whole_graph(subject: &Subject) -> Checked {
    let mut loader = prepared(subject, false)?;
    let splits = loader.get_train_val_test_data()?;
    let graph = prepared(subject, false)?.get_data()?;
    graph.validate()?;
    for node in &splits.train.graph.nodes {
        let n_nodes = graph.node(&node.name)?.n_nodes;
        ensure(n_nodes == node.n_nodes, || format!("{n_nodes} `{}`, but {} in the splits", node.name, node.n_nodes))?;
    }
    reverse_goes_along(&graph, &splits.target)?;
    let (whole, known) = (message_edges(&graph, &splits.target)?, all_edges(&splits)?);
    let (n_lost, n_more) = (known.difference(&whole).count(), whole.difference(&known).count());
    ensure(n_lost == 0 && n_more == 0, || {
        format!("{n_lost} edges of the splits are not in it, and {n_more} are in no split")
    })
}

pub fn catalog(subject: &Subject) -> Checked {
    let mut loader = prepared(subject, false)?;
    let graph = loader.get_train_val_test_data()?.train.graph;
    let catalog: Catalog = loader.catalog()?;
    if catalog.nodes.is_empty() {
        return skip("it gives none");
    }
    for node in &catalog.nodes {
        let (name, n_nodes) = (&node.node_type, graph.node(&node.node_type)?.n_nodes as usize);
        let (n_ids, n_titles) = (node.raw_ids.len(), node.titles.len());
        ensure(n_ids == n_nodes, || format!("{n_ids} raw ids of {n_nodes} `{name}`"))?;
        ensure([0, n_nodes].contains(&n_titles), || format!("{n_titles} titles of {n_nodes} `{name}`"))?;
        let distinct = node.raw_ids.iter().collect::<BTreeSet<_>>().len();
        ensure(distinct == n_ids, || format!("{n_ids} raw ids of `{name}`, of which {distinct} are distinct"))?;
    }
    Ok(())
}

/// The user asked to stop before anything began.
pub fn cancel(subject: &Subject) -> Checked {
    drop(prepared(subject, false)?);
    let host = CheckHost::cancelling(subject.seed, &subject.folders, Some(0));
    let mut loader = subject.data_loader(&host)?;
    let clock = Stopwatch::start();
    let prepared = loader.prepare(true);
    let seconds = clock.seconds();
    ensure(seconds <= LONGEST_WAIT, || format!("after the request it went on for {seconds:.1} s"))?;
    match prepared {
        Ok(_) => Ok(()),
        Err(error) if error.kind == ErrorKind::Interrupted => Ok(()),
        Err(error) => fail(format!("an interruption must be an error of that kind, not: {}", words(&error))),
    }
}

pub fn same_seed(subject: &Subject) -> Checked {
    let first = loaded(subject, false)?.to_record();
    for (force, what) in [(false, "a second loader"), (true, "a loader that was forced to begin anew")] {
        let again = match loaded(subject, force) {
            // Without a network it cannot fetch anew.
            Err(Finding::Skipped(_)) => continue,
            again => again?.to_record(),
        };
        let changed = differing(&first, &again)?;
        ensure(changed.is_none(), || format!("{what} gives another `{}`", changed.unwrap_or_default()))?;
    }
    Ok(())
}

/// The first entry in which two records differ.
fn differing(left: &Record, right: &Record) -> Checked<Option<String>> {
    if left.texts != right.texts {
        return Ok(Some("text".into()));
    }
    if !left.tensors.keys().eq(right.tensors.keys()) {
        return Ok(Some("set of tensors".into()));
    }
    for ((name, left), right) in left.tensors.iter().zip(right.tensors.values()) {
        if left.size() != right.size() || !left.f_equal(right)? {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}

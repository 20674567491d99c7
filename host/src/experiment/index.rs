//! Groups the message edges of every split by their ends, once, for all epochs and plugins.

use plugin_api::dataset::LinkSplits;
use plugin_api::edge_index::EdgeIndex;
use plugin_api::graph::EdgeStore;
use tch::{Device, Tensor};

/// Gives every edge type of every split an index, on the CPU. Edges that stand there already (training and validation have the same,
/// a reverse edge type has the same with the ends exchanged) share one, and equal ones their storage too.
pub fn index(splits: &mut LinkSplits) -> plugin_api::Result<()> {
    let mut known: Vec<(Tensor, EdgeIndex)> = Vec::new();
    for split in [&mut splits.train, &mut splits.val, &mut splits.test] {
        let nodes: Vec<_> = split.graph.nodes.iter().map(|node| (node.name.clone(), node.n_nodes)).collect();
        let n_nodes = |name: &str| nodes.iter().find(|(other, _)| other == name).map_or(0, |(_, n_nodes)| *n_nodes);
        for edge in &mut split.graph.edges {
            if edge.index.is_none() && edge.edge_index.device() == Device::Cpu {
                let (from, to) = (n_nodes(&edge.edge_type.source), n_nodes(&edge.edge_type.destination));
                edge.index = Some(find(&mut known, edge, from, to)?);
            }
        }
    }
    Ok(())
}

fn find(
    known: &mut Vec<(Tensor, EdgeIndex)>,
    edge: &mut EdgeStore,
    n_sources: i64,
    n_destinations: i64,
) -> plugin_api::Result<EdgeIndex> {
    for (edge_index, index) in known.iter() {
        if fits(index, n_sources, n_destinations) && edge_index.f_equal(&edge.edge_index)? {
            edge.edge_index = edge_index.shallow_clone();
            return Ok(index.share());
        }
        if fits(index, n_destinations, n_sources) && is_reversed(edge_index, &edge.edge_index)? {
            return Ok(index.reversed());
        }
    }
    let index = nn::index_edges(&edge.edge_index, n_sources, n_destinations)?;
    known.push((edge.edge_index.shallow_clone(), index.share()));
    Ok(index)
}

fn fits(index: &EdgeIndex, n_sources: i64, n_destinations: i64) -> bool {
    index.by_source.offsets.size() == [n_sources + 1] && index.by_destination.offsets.size() == [n_destinations + 1]
}

fn is_reversed(one: &Tensor, other: &Tensor) -> plugin_api::Result<bool> {
    Ok(one.size() == other.size()
        && one.f_get(0)?.f_equal(&other.f_get(1)?)?
        && one.f_get(1)?.f_equal(&other.f_get(0)?)?)
}

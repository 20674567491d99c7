//! From a whole graph to [`LinkSplits`]: applies [`random_link_split`] to tensors.

use plugin_api::dataset::{LinkSplits, Split};
use plugin_api::error::Result;
use plugin_api::graph::{EdgeStore, EdgeType, Graph, NodeStore};
use plugin_api::PluginError;
use tch::{Kind, Tensor};

use crate::split::{random_link_split, LinkSplit, Part, SplitParams};

/// Splits the edges of `target`; its reverse edge type, where the graph has one, is split along.
///
/// # Errors
/// If there is no such edge type, or its edges cannot be split.
pub fn split_graph(graph: &Graph, target: &EdgeType, params: &SplitParams) -> Result<LinkSplits> {
    let edge_index = &graph.edge(target)?.edge_index;
    let row = |index| -> Result<Vec<u32>> {
        let ids = Vec::<i64>::try_from(edge_index.f_get(index)?)?;
        ids.into_iter().map(|id| u32::try_from(id).map_err(PluginError::from)).collect()
    };
    let (source, destination) = (row(0)?, row(1)?);
    let n_nodes = |name: &str| -> Result<u32> { Ok(u32::try_from(graph.node(name)?.n_nodes)?) };
    let (n_source, n_destination) = (n_nodes(&target.source)?, n_nodes(&target.destination)?);
    let split = random_link_split(n_source, n_destination, &source, &destination, params)?;
    if let Some(shortage) = split.shortage {
        log::warn!(
            "the graph is dense: it has {} negatives of the {} wanted; every split got its share",
            shortage.found,
            shortage.wanted
        );
    }
    Ok(LinkSplits {
        target: target.clone(),
        train: part(graph, target, &split, Part::Train)?,
        val: part(graph, target, &split, Part::Val)?,
        test: part(graph, target, &split, Part::Test)?,
    })
}

fn part(graph: &Graph, target: &EdgeType, split: &LinkSplit, part: Part) -> Result<Split> {
    let message = positions(split.message_edges(part))?; // [n_message_edges]
    let supervision = split.supervision(part);
    let positive = positions(&supervision.positive)?; // [n_positives]
    let positives = graph.edge(target)?.edge_index.f_index_select(1, &positive)?; // [2, n_positives]
    let negative = [positions(&supervision.negative_source)?, positions(&supervision.negative_destination)?];
    let negatives = Tensor::f_stack(&negative, 0)?; // [2, n_negatives]
    let ones = Tensor::f_ones([positive.size()[0]], (Kind::Float, positive.device()))?;
    let zeros = Tensor::f_zeros([negatives.size()[1]], (Kind::Float, positive.device()))?;
    Ok(Split {
        graph: Graph { nodes: shared_nodes(graph), edges: message_edges(graph, target, &message)? },
        edge_label_index: Tensor::f_cat(&[positives, negatives], 1)?, // [2, n_labels]
        edge_label: Tensor::f_cat(&[ones, zeros], 0)?,                // [n_labels]
    })
}

/// The target's edges at `positions`, the same of its reverse, all of any other edge type.
fn message_edges(graph: &Graph, target: &EdgeType, positions: &Tensor) -> Result<Vec<EdgeStore>> {
    let reverse = target.reverse();
    let select = |edge: EdgeStore| -> Result<EdgeStore> {
        if edge.edge_type != *target && edge.edge_type != reverse {
            return Ok(edge);
        }
        let attribute = |(name, values): (String, Tensor)| Ok((name, values.f_index_select(0, positions)?));
        let edge_index = edge.edge_index.f_index_select(1, positions)?; // [2, n_message_edges]
        let attributes = edge.attributes.into_iter().map(attribute).collect::<Result<_>>()?;
        Ok(EdgeStore::new(edge.edge_type, edge_index, attributes))
    };
    graph.share().edges.into_iter().map(select).collect()
}

fn shared_nodes(graph: &Graph) -> Vec<NodeStore> {
    graph.share().nodes
}

/// i64 `[n]`.
fn positions(positions: &[u32]) -> Result<Tensor> {
    let positions: Vec<i64> = positions.iter().map(|position| i64::from(*position)).collect();
    Ok(Tensor::f_from_slice(&positions)?)
}

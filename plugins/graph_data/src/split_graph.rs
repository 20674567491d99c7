//! From the edges of one type, as columns, to [`LinkSplits`]: applies [`random_link_split`] and writes the tensors.

use std::mem::MaybeUninit;
use std::time::Instant;

use kernels::parallel::for_each_chunk;
use kernels::parts::map_parts;
use plugin_api::dataset::{LinkSplits, Split};
use plugin_api::error::Result;
use plugin_api::graph::{EdgeStore, EdgeType, Graph, NodeStore};
use plugin_api::tensor::filled;
use plugin_api::PluginError;
use tch::kind::Element;
use tch::Tensor;

use crate::split::{random_link_split, LinkSplit, Part, SplitParams};

/// Elements written by one task.
const CHUNK: usize = 1 << 15;

/// A graph of one edge type. Columns are equally long; ids are below the numbers of nodes.
#[derive(Debug, Clone)]
pub struct EdgeColumns<'a> {
    pub edge_type: EdgeType,
    pub n_source: u32,
    pub n_destination: u32,
    pub source: &'a [u32],
    pub destination: &'a [u32],
    /// By name, in the order they are to have in the graph.
    pub attributes: Vec<(&'static str, Attribute<'a>)>,
}

/// An attribute of edges.
#[derive(Debug, Clone, Copy)]
pub enum Attribute<'a> {
    F32(&'a [f32]),
    I64(&'a [i64]),
}

impl EdgeColumns<'_> {
    /// # Errors
    /// If columns are not equally long or an id is not below its number of nodes.
    pub fn validate(&self) -> Result<()> {
        let n = self.source.len();
        let lens = self.attributes.iter().map(|(name, values)| (*name, values.len()));
        if let Some((name, len)) = lens.chain([("destination", self.destination.len())]).find(|(_, len)| *len != n) {
            return Err(PluginError::invalid_data(format!("{n} edges, but `{name}` is {len} long")));
        }
        for (name, ids, n_nodes) in [
            (&self.edge_type.source, self.source, self.n_source),
            (&self.edge_type.destination, self.destination, self.n_destination),
        ] {
            let greatest = map_parts(ids.chunks(CHUNK).collect(), |ids| ids.iter().copied().max());
            if let Some(id) = greatest.into_iter().flatten().find(|id| *id >= n_nodes) {
                return Err(PluginError::invalid_data(format!("an id of `{name}` is {id}; there are {n_nodes} nodes")));
            }
        }
        Ok(())
    }
}

impl Attribute<'_> {
    fn len(&self) -> usize {
        match self {
            Attribute::F32(values) => values.len(),
            Attribute::I64(values) => values.len(),
        }
    }
}

/// The whole graph: the edges and their reverse. Both share attributes and ids.
///
/// # Errors
/// If the columns do not fit together, or there is no memory for the graph.
pub fn whole_graph(columns: &EdgeColumns) -> Result<Graph> {
    columns.validate()?;
    message_graph(columns, columns.source.len(), |index| index)
}

/// Splits the edges; their reverse is split along.
///
/// Training and validation share their message edges, an edge type and its reverse their attributes and ids: the tensors take 36 bytes
/// a message edge and 20 bytes a label.
///
/// # Errors
/// If the edges cannot be split, or there is no memory for it.
pub fn split_graph(columns: &EdgeColumns, params: &SplitParams) -> Result<LinkSplits> {
    let EdgeColumns { n_source, n_destination, source, destination, .. } = *columns;
    columns.validate()?;
    let clock = Instant::now();
    let split = random_link_split(n_source, n_destination, source, destination, params)?;
    log::debug!("{} edges split in {:.3} s", source.len(), clock.elapsed().as_secs_f64());
    if let Some(shortage) = split.shortage {
        log::warn!(
            "the graph is dense: it has {} negatives of the {} wanted; every split got its share",
            shortage.found,
            shortage.wanted
        );
    }
    let message_graph = |part| {
        let positions = split.message_edges(part);
        message_graph(columns, positions.len(), |index| positions[index] as usize)
    };
    let labelled = |graph, part| labelled(graph, columns, &split, part);
    let train = message_graph(Part::Train)?;
    Ok(LinkSplits {
        target: columns.edge_type.clone(),
        val: labelled(train.share(), Part::Val)?,
        train: labelled(train, Part::Train)?,
        test: labelled(message_graph(Part::Test)?, Part::Test)?,
    })
}

/// The `n` edges at the given positions, and their reverse.
fn message_graph(columns: &EdgeColumns, n: usize, position: impl Fn(usize) -> usize + Sync) -> Result<Graph> {
    let EdgeColumns { edge_type, source, destination, .. } = columns;
    // Sources, destinations, sources again: rows 0 and 1 are the edges, rows 1 and 2 their reverse.
    let ends = filled(&[3, n as i64], |slots| {
        let (forward, sources_again) = slots.split_at_mut(2 * n);
        let (sources, destinations) = forward.split_at_mut(n);
        write(sources, |index| i64::from(source[position(index)]));
        write(destinations, |index| i64::from(destination[position(index)]));
        write(sources_again, |index| i64::from(source[position(index)]));
    })?; // [3, n]
    let attribute = |(name, values): &(&'static str, Attribute)| {
        let values = match values {
            Attribute::F32(values) => gathered(values, n, &position)?,
            Attribute::I64(values) => gathered(values, n, &position)?,
        };
        Ok((*name, values))
    };
    let attributes: Vec<_> = columns.attributes.iter().map(attribute).collect::<Result<_>>()?;
    let store = |edge_type: EdgeType, first_row| -> Result<EdgeStore> {
        let shared = attributes.iter().map(|(name, values)| ((*name).to_owned(), values.shallow_clone()));
        Ok(EdgeStore::new(edge_type, ends.f_narrow(0, first_row, 2)?, shared.collect()))
    };
    let node = |name: &str, n_nodes: u32| NodeStore { name: name.to_owned(), n_nodes: i64::from(n_nodes), x: None };
    Ok(Graph {
        nodes: vec![node(&edge_type.source, columns.n_source), node(&edge_type.destination, columns.n_destination)],
        edges: vec![store(edge_type.clone(), 0)?, store(edge_type.reverse(), 1)?],
    })
}

fn labelled(graph: Graph, columns: &EdgeColumns, split: &LinkSplit, part: Part) -> Result<Split> {
    let supervision = split.supervision(part);
    let n_positives = supervision.positive.len();
    let n_labels = n_positives + supervision.n_negatives();
    let edge_label_index = filled(&[2, n_labels as i64], |slots| {
        let (sources, destinations) = slots.split_at_mut(n_labels);
        let (positive, negative) = sources.split_at_mut(n_positives);
        write(positive, |index| i64::from(columns.source[supervision.positive[index] as usize]));
        write(negative, |index| i64::from(supervision.negative(index).0));
        let (positive, negative) = destinations.split_at_mut(n_positives);
        write(positive, |index| i64::from(columns.destination[supervision.positive[index] as usize]));
        write(negative, |index| i64::from(supervision.negative(index).1));
    })?; // [2, n_labels]
    let edge_label = filled(&[n_labels as i64], |slots| {
        let (positive, negative) = slots.split_at_mut(n_positives);
        write(positive, |_| 1f32);
        write(negative, |_| 0f32);
    })?; // [n_labels]
    Ok(Split { graph, edge_label_index, edge_label })
}

fn gathered<T: Element + Copy + Send + Sync>(
    values: &[T],
    n: usize,
    position: &(impl Fn(usize) -> usize + Sync),
) -> Result<Tensor> {
    filled(&[n as i64], |slots| write(slots, |index| values[position(index)]))
}

/// Writes `value(index)` into every slot, on several threads.
fn write<T: Send>(slots: &mut [MaybeUninit<T>], value: impl Fn(usize) -> T + Sync) {
    for_each_chunk(slots, CHUNK, |chunk, slots| {
        for (index, slot) in slots.iter_mut().enumerate() {
            slot.write(value(chunk * CHUNK + index));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    fn columns<'a>(source: &'a [u32], destination: &'a [u32], rating: &'a [f32], time: &'a [i64]) -> EdgeColumns<'a> {
        let edge_type = EdgeType::new("user", "rates", "movie");
        let attributes = vec![("rating", Attribute::F32(rating)), ("timestamp", Attribute::I64(time))];
        EdgeColumns { edge_type, n_source: 50, n_destination: 40, source, destination, attributes }
    }

    /// Rating and time of every edge tell which edge it is.
    #[test]
    fn attributes_stay_with_their_edges_and_the_reverse_is_the_reverse() {
        let (source, destination): (Vec<u32>, Vec<u32>) =
            (0..50).flat_map(|user| (user % 3..40).step_by(3).map(move |movie| (user, movie))).unzip();
        let number = |at: usize| i64::from(source[at]) * 100 + i64::from(destination[at]);
        let time: Vec<i64> = (0..source.len()).map(number).collect();
        let rating: Vec<f32> = time.iter().map(|number| *number as f32).collect();
        let columns = columns(&source, &destination, &rating, &time);
        let splits = split_graph(&columns, &SplitParams::default()).unwrap_or_else(|error| panic!("{error}"));
        assert!(splits.validate().is_ok());
        let whole = whole_graph(&columns).unwrap_or_else(|error| panic!("{error}"));
        let graphs = splits.named().map(|(_, split)| &split.graph).into_iter().chain([&whole]);
        for graph in graphs {
            let [forward, reverse] = &graph.edges[..] else { panic!("two edge types") };
            let (sources, destinations) = (forward.edge_index.get(0), forward.edge_index.get(1));
            let number = sources * 100 + destinations;
            assert_eq!(forward.attributes[1].1, number);
            assert_eq!(forward.attributes[0].1, number.to_kind(Kind::Float));
            assert_eq!(reverse.edge_index, forward.edge_index.flip([0]));
            assert_eq!(reverse.attributes, forward.attributes);
            assert!(forward.edge_index.is_contiguous() && reverse.edge_index.is_contiguous());
        }
        for (_, split) in splits.named() {
            let n_positives = split.edge_label.sum(Kind::Int64).int64_value(&[]);
            let residues = split.edge_label_index.remainder(3);
            let is_edge = residues.get(0).eq_tensor(&residues.get(1));
            assert_eq!(is_edge.to_kind(Kind::Float), split.edge_label);
            assert_eq!(split.edge_label.narrow(0, 0, n_positives).min().double_value(&[]), 1.0);
        }
    }

    #[test]
    fn what_cannot_be_split_is_an_error() {
        assert!(split_graph(&columns(&[1], &[40], &[1.0], &[1]), &SplitParams::default()).is_err());
        assert!(columns(&[1], &[40], &[1.0], &[1]).validate().is_err());
        assert!(columns(&[1], &[3], &[1.0], &[]).validate().is_err());
        assert!(columns(&[1], &[3], &[1.0], &[1]).validate().is_ok());
        assert!(split_graph(&columns(&[], &[], &[], &[]), &SplitParams::default()).is_err());
    }
}

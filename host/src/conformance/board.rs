//! Small graphs. On the checkerboard user `u` likes item `i` where both are even or both odd; the diagonal is withheld.

use std::path::Path;

use plugin_api::dataset::{LinkSplits, Split};
use plugin_api::error::Result;
use plugin_api::graph::{EdgeStore, EdgeType, Graph, NodeStore};
use tch::{Device, Kind, Tensor};

use crate::experiment::index;

/// Users, and items, of the checkerboard. Even.
pub const N: i64 = 12;

/// Source and destination of an edge.
pub type Pair = (i64, i64);

/// A graph in the making: one edge type and its reverse.
pub struct Sketch {
    pub target: EdgeType,
    pub n_nodes: [i64; 2],
    pub edges: Vec<Pair>,
    /// Widths of features and their size; `None` leaves the data without.
    pub features: Option<([i64; 2], f64)>,
}

impl Sketch {
    pub fn new(n_nodes: [i64; 2], edges: Vec<Pair>) -> Self {
        Self { target: rates(), n_nodes, edges, features: None }
    }

    /// The training part of the checkerboard.
    pub fn checkerboard() -> Self {
        Self::new([N, N], liked().into_iter().filter(|(user, item)| user != item).collect())
    }

    /// The same graph in all splits, its edges the positives.
    ///
    /// # Errors
    /// libtorch's.
    pub fn splits(&self) -> Result<LinkSplits> {
        let n_items = self.n_nodes[1].max(1);
        let negatives: Vec<_> = self.edges.iter().map(|(user, item)| (*user, (item + 1) % n_items)).collect();
        let graph = self.graph()?;
        self.with_labels([(); 3].map(|()| (graph.share(), self.edges.clone(), negatives.clone())))
    }

    /// # Errors
    /// libtorch's.
    fn with_labels(&self, parts: [(Graph, Vec<Pair>, Vec<Pair>); 3]) -> Result<LinkSplits> {
        let [train, val, test] = parts.map(|(graph, positives, negatives)| split(&graph, &positives, &negatives));
        let mut splits = LinkSplits { target: self.target.clone(), train: train?, val: val?, test: test? };
        index::index(&mut splits)?;
        Ok(splits)
    }

    fn graph(&self) -> Result<Graph> {
        let EdgeType { source, destination, .. } = &self.target;
        let mut nodes = Vec::new();
        for (side, name) in [source, destination].into_iter().enumerate() {
            let n_nodes = self.n_nodes[side];
            let x = self.features.map(|(widths, size)| features(n_nodes, widths[side], size)).transpose()?;
            nodes.push(NodeStore { name: name.clone(), n_nodes, x });
        }
        let edge_index = pairs(&self.edges)?; // [2, n_edges]
        let rating = Tensor::f_ones([self.edges.len() as i64], (Kind::Float, Device::Cpu))?; // [n_edges]
        let reversed = edge_index.f_flip([0])?; // [2, n_edges]
        let edges = [(self.target.clone(), edge_index), (self.target.reverse(), reversed)];
        let store = |(edge_type, edge_index)| {
            EdgeStore::new(edge_type, edge_index, vec![("rating".into(), rating.shallow_clone())])
        };
        Ok(Graph { nodes, edges: edges.into_iter().map(store).collect() })
    }
}

/// The checkerboard: the diagonal is withheld, for validation that of the first half of the users. Every positive has a negative of
/// the same user at the same place.
///
/// # Errors
/// libtorch's.
pub fn checkerboard() -> Result<LinkSplits> {
    let sketch = Sketch::checkerboard();
    let (first, second): (Vec<Pair>, Vec<Pair>) = withheld().into_iter().partition(|(user, _)| *user < N / 2);
    let graph = sketch.graph()?;
    // As PyG's RandomLinkSplit: what validation held out is known in the test.
    let known_in_test = Sketch::new(sketch.n_nodes, [sketch.edges.clone(), first.clone()].concat()).graph()?;
    let part = |graph, positives: Vec<Pair>| {
        let negatives = negatives_of(&positives);
        (graph, positives, negatives)
    };
    sketch.with_labels([part(graph.share(), sketch.edges.clone()), part(graph, first), part(known_in_test, second)])
}

/// For every positive an item that its user does not like, each as often as the others.
fn negatives_of(positives: &[Pair]) -> Vec<Pair> {
    let negative = |(index, (user, _)): (usize, &Pair)| (*user, (user + 1 + 2 * (index as i64)) % N);
    positives.iter().enumerate().map(negative).collect()
}

/// Every edge of the checkerboard.
fn liked() -> Vec<Pair> {
    let all = (0..N).flat_map(|user| (0..N).map(move |item| (user, item)));
    all.filter(|(user, item)| (user + item) % 2 == 0).collect()
}

/// The diagonal.
pub fn withheld() -> Vec<Pair> {
    (0..N).map(|node| (node, node)).collect()
}

/// As MovieLens has it; a loader, a model or a trainer reads names from the data all the same.
pub fn rates() -> EdgeType {
    EdgeType::new("user", "rates", "movie")
}

fn split(graph: &Graph, positives: &[Pair], negatives: &[Pair]) -> Result<Split> {
    let options = (Kind::Float, Device::Cpu);
    let [n_positives, n_negatives] = [positives, negatives].map(|edges| edges.len() as i64);
    Ok(Split {
        graph: graph.share(),
        edge_label_index: pairs(&[positives, negatives].concat())?, // [2, n_labels]
        edge_label: Tensor::f_cat(
            &[Tensor::f_ones([n_positives], options)?, Tensor::f_zeros([n_negatives], options)?],
            0,
        )?,
    })
}

/// i64 `[2, n]`.
///
/// # Errors
/// libtorch's.
pub fn pairs(pairs: &[Pair]) -> Result<Tensor> {
    let ends: Vec<i64> = pairs.iter().map(|(from, _)| *from).chain(pairs.iter().map(|(_, to)| *to)).collect();
    Ok(Tensor::f_from_slice(&ends)?.f_view([2, pairs.len() as i64])?)
}

/// f32 `[n_nodes, width]`, always the same and not from libtorch's generator.
fn features(n_nodes: i64, width: i64, size: f64) -> Result<Tensor> {
    let counter = Tensor::f_arange(n_nodes * width, (Kind::Double, Device::Cpu))?; // [n_nodes * width]
    let values = counter.f_mul_scalar(12.9898)?.f_sin()?.f_mul_scalar(size)?;
    Ok(values.f_to_kind(Kind::Float)?.f_view([n_nodes, width])?)
}

/// A MovieLens 100K of a few ratings under `raw/ml-100k`: what a loader of that data finds.
///
/// # Errors
/// If it cannot be written.
pub fn write_ratings(data: &Path) -> std::io::Result<()> {
    const N_RATED: i64 = 24;
    let (mut ratings, mut titles) = (String::new(), String::new());
    for user in 0..N_RATED {
        for movie in (0..N_RATED).filter(|movie| (user * 5 + movie * 3 + user * movie) % 4 == 0) {
            let rating = 1 + (user + movie) % 5;
            ratings += &format!("{}\t{}\t{rating}\t{}\n", 10 + 3 * user, 100 + 7 * movie, 880_000_000 + user * movie);
        }
        titles += &format!("{}|Film {user} (1995)|01-Jan-1995||\n", 100 + 7 * user);
    }
    let folder = data.join("raw/ml-100k");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("u.data"), ratings)?;
    std::fs::write(folder.join("u.item"), titles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diagonal_is_withheld_and_negatives_are_not_liked() {
        let splits = checkerboard().unwrap_or_else(|error| panic!("{error}"));
        splits.validate().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(splits.train.edge_label_index.size(), [2, 2 * N * (N / 2 - 1)]);
        let negatives = negatives_of(&Sketch::checkerboard().edges);
        assert!(negatives.iter().all(|(user, item)| (user + item) % 2 == 1));
        let distinct: std::collections::BTreeSet<_> = negatives.iter().collect();
        assert!(distinct.len() as i64 >= N * (N / 2 - 1), "{} of {}", distinct.len(), negatives.len());
    }
}

//! A graph of a stated size, made of nothing: what is pushed through the parts when the real data are not to be fetched.

use std::collections::BTreeMap;

use graph_data::split::SplitParams;
use graph_data::{split_graph, EdgeColumns};
use plugin_api::dataset::LinkSplits;
use plugin_api::graph::EdgeType;
use serde_json::Value;

/// As many edges take well under a second with any of the shipped models.
const MOST_EDGES: f64 = 100_000.0;
/// Of all pairs of nodes, so that there are as many non-edges to draw.
const DENSEST: f64 = 0.35;

/// Nodes and edges of a graph with one edge type.
#[derive(Debug, Clone, PartialEq)]
pub struct Sizes {
    pub edge_type: EdgeType,
    pub n_sources: u64,
    pub n_destinations: u64,
    pub n_edges: u64,
}

impl Sizes {
    /// For loaders that state none: those of MovieLens 100K.
    pub fn usual() -> Self {
        Self {
            edge_type: EdgeType::new("user", "rates", "movie"),
            n_sources: 943,
            n_destinations: 1682,
            n_edges: 100_000,
        }
    }

    /// A few nodes of the same types.
    pub fn tiny(&self) -> Self {
        Self { edge_type: self.edge_type.clone(), n_sources: 60, n_destinations: 50, n_edges: 600 }
    }

    /// What the loader's schema states for the chosen value of one of its parameters (`sizes`, see `plugin_api::params!`).
    pub fn stated(schema: &Value, params: &Value) -> Option<Self> {
        let properties = schema.get("properties")?.as_object()?;
        properties.iter().find_map(|(name, property)| {
            let sizes = property.get("sizes")?.as_object()?;
            let value = params.get(name).or_else(|| property.get("default"))?;
            Self::read(sizes.get(value.as_str()?)?)
        })
    }

    /// `{"user": 943, "movie": 1682, "user__rates__movie": 100000}`.
    fn read(sizes: &Value) -> Option<Self> {
        let sizes: BTreeMap<&str, u64> =
            sizes.as_object()?.iter().filter_map(|(name, n)| Some((name.as_str(), n.as_u64()?))).collect();
        let (edge_type, n_edges) = sizes.iter().find_map(|(name, n)| Some((name.parse::<EdgeType>().ok()?, *n)))?;
        let n = |name: &str| sizes.get(name).copied().filter(|n| *n > 0);
        let (n_sources, n_destinations) = (n(&edge_type.source)?, n(&edge_type.destination)?);
        (n_edges > 0).then_some(Self { edge_type, n_sources, n_destinations, n_edges })
    }

    /// Nodes and edges in the same proportion, few enough to be quick and sparse enough to have non-edges. Also the share taken, at
    /// most 1.
    pub fn scaled_down(&self) -> (Self, f64) {
        let n_pairs = self.n_sources as f64 * self.n_destinations as f64;
        let density = self.n_edges as f64 / n_pairs;
        let share = (MOST_EDGES / self.n_edges as f64).max(density / DENSEST).min(1.0);
        let scaled = |n: u64| ((n as f64 * share).ceil() as u64).clamp(2, n.max(2));
        let (n_sources, n_destinations) = (scaled(self.n_sources), scaled(self.n_destinations));
        let most = (n_sources * n_destinations) as f64 * DENSEST;
        let n_edges = scaled(self.n_edges).min((most as u64).max(1));
        (Self { edge_type: self.edge_type.clone(), n_sources, n_destinations, n_edges }, share)
    }

    /// A graph of this size, split as the shipped loaders do; every node has about as many edges as any other.
    pub fn graph(&self, seed: u64) -> plugin_api::Result<LinkSplits> {
        let (n_sources, n_destinations) = (u32::try_from(self.n_sources)?, u32::try_from(self.n_destinations)?);
        let n_pairs = self.n_sources * self.n_destinations;
        // Steps that share no factor with the number of pairs meet each pair once; near the golden ratio they spread them.
        let first = (n_pairs as f64 * 0.618_033_988_749_895) as u64;
        let step = (first.max(1)..).find(|step| greatest_common_divisor(*step, n_pairs) == 1).unwrap_or(1);
        let pair = |index: u64| (u128::from(index) * u128::from(step) % u128::from(n_pairs)) as u64;
        let mut pairs: Vec<u64> = (0..self.n_edges.min(n_pairs)).map(pair).collect();
        pairs.sort_unstable();
        let ends = |end: fn(u64, u64) -> u64| -> Vec<u32> {
            // Both fit: they are below numbers of nodes.
            pairs.iter().map(|pair| end(*pair, self.n_destinations) as u32).collect()
        };
        let (source, destination) = (ends(|pair, n| pair / n), ends(|pair, n| pair % n));
        let edge_type = self.edge_type.clone();
        let columns = EdgeColumns {
            edge_type,
            n_source: n_sources,
            n_destination: n_destinations,
            source: &source,
            destination: &destination,
            attributes: Vec::new(),
        };
        split_graph(&columns, &SplitParams { seed, ..SplitParams::default() })
    }
}

fn greatest_common_divisor(one: u64, other: u64) -> u64 {
    if other == 0 {
        one
    } else {
        greatest_common_divisor(other, one % other)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sizes(n_sources: u64, n_destinations: u64, n_edges: u64) -> Sizes {
        Sizes { n_sources, n_destinations, n_edges, ..Sizes::usual() }
    }

    #[test]
    fn a_graph_of_the_size_that_was_asked_for() {
        for size in [sizes(943, 1682, 100_000), sizes(60, 50, 600), sizes(2, 2, 1)] {
            let Ok(splits) = size.graph(3) else {
                assert_eq!(size.n_edges, 1, "only a graph without training edges cannot be split");
                continue;
            };
            assert!(splits.validate().is_ok());
            let n_labels: usize = splits.named().map(|(_, split)| split.edge_label.numel()).into_iter().sum();
            assert_eq!(n_labels as u64, 2 * size.n_edges, "as many negatives");
        }
    }

    #[test]
    fn large_graphs_are_scaled_down_and_stay_sparse() {
        assert_eq!(Sizes::usual().scaled_down(), (Sizes::usual(), 1.0));
        for size in [sizes(200_948, 84_432, 32_000_204), sizes(69_878, 10_677, 10_000_054), sizes(1000, 1000, 900_000)]
        {
            let (scaled, share) = size.scaled_down();
            assert!(scaled.n_edges <= 500_000 && share < 1.0 || size.n_edges == 900_000, "{scaled:?}");
            assert!(scaled.n_edges as f64 <= 0.36 * (scaled.n_sources * scaled.n_destinations) as f64, "{scaled:?}");
            assert!(scaled.graph(1).is_ok());
        }
    }

    #[test]
    fn the_loader_states_its_sizes() {
        let sizes = json!({"dev": {"user": 943, "movie": 1682, "user__rates__movie": 100_000}});
        let schema = json!({"properties": {"seed": {}, "env": {"default": "dev", "sizes": sizes}}});
        assert_eq!(Sizes::stated(&schema, &json!({})), Some(Sizes::usual()));
        assert_eq!(Sizes::stated(&schema, &json!({"env": "dev"})), Some(Sizes::usual()));
        assert_eq!(Sizes::stated(&schema, &json!({"env": "prod"})), None);
        assert_eq!(Sizes::stated(&json!({}), &json!({})), None);
    }
}

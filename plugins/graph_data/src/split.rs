//! Splits the links of a bipartite graph into training, validation and test supervision edges with sampled negatives.
//!
//! The semantics are those of `torch_geometric.transforms.RandomLinkSplit` for one edge type and its reverse with
//! `is_undirected=False`, `add_negative_train_samples=True`, `disjoint_train_ratio=0`: sizes, message edges
//! train / train / train+val, negatives handed out in the order val, test, train. Sets of edges are positions into the
//! caller's edge list, so attributes are looked up there and the reverse edge type is the same positions flipped: it
//! cannot leak. Leaves out: tensors, files, and any particular random sequence of PyG's.

use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How to split; the defaults are an 80/10/10 split with one negative for each positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitParams {
    /// Share of the edges that supervise validation, in 0..1.
    pub val_ratio: f64,
    /// Share of the edges that supervise the test, in 0..1.
    pub test_ratio: f64,
    /// Negatives for each positive, at least 0.
    pub neg_ratio: f64,
    /// Seed: the same one gives the same split on every machine.
    pub seed: u64,
}

impl Default for SplitParams {
    fn default() -> Self {
        Self { val_ratio: 0.1, test_ratio: 0.1, neg_ratio: 1.0, seed: 0 }
    }
}

/// A part of the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Train,
    Val,
    Test,
}

/// The labelled edges of one part: positives that exist and negatives that exist nowhere in the graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SupervisionEdges {
    /// Positions into the caller's edge list, in random order.
    pub positive: Vec<u32>,
    /// Source nodes of the negatives.
    pub negative_source: Vec<u32>,
    /// Destination nodes of the negatives, aligned with `negative_source`.
    pub negative_destination: Vec<u32>,
}

/// Fewer non-edges exist than were asked for; each part got its share of what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NegativeShortage {
    pub wanted: u64,
    pub found: u64,
}

/// The three parts and the edges that carry messages in each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSplit {
    pub train: SupervisionEdges,
    pub val: SupervisionEdges,
    pub test: SupervisionEdges,
    /// Set when the graph is too dense for the negatives asked for: tell the user.
    pub shortage: Option<NegativeShortage>,
    message_train: Vec<u32>,
    message_test: Vec<u32>,
}

impl LinkSplit {
    /// The labelled edges of a part.
    pub fn supervision(&self, part: Part) -> &SupervisionEdges {
        match part {
            Part::Train => &self.train,
            Part::Val => &self.val,
            Part::Test => &self.test,
        }
    }

    /// Positions (ascending) of the edges that carry messages: train, train, train+val.
    /// The reverse edge type carries the same positions with source and destination exchanged.
    pub fn message_edges(&self, part: Part) -> &[u32] {
        match part {
            Part::Train | Part::Val => &self.message_train,
            Part::Test => &self.message_test,
        }
    }
}

/// Why a graph cannot be split.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SplitError {
    #[error("{name} is {value}; it must be a number from 0 up to, not including, 1")]
    Ratio { name: &'static str, value: f64 },
    #[error("neg_ratio is {0}; it must be a finite number of at least 0")]
    NegativeRatio(f64),
    #[error(
        "{n_edges} edges leave none for training after {n_val} for validation and {n_test} for the test; \
         lower val_ratio or test_ratio, or use more data"
    )]
    NoTrainingEdges { n_edges: usize, n_val: usize, n_test: usize },
    #[error("edge list is uneven: {source_len} source nodes, {destination_len} destination nodes")]
    Uneven { source_len: usize, destination_len: usize },
    #[error(
        "edge {position} is ({from}, {to}), but there are {n_source} source and {n_destination} destination nodes"
    )]
    OutOfRange { position: usize, from: u32, to: u32, n_source: u32, n_destination: u32 },
    #[error("edge ({from}, {to}) is listed twice, so it could be in training and test at once; drop duplicates first")]
    Duplicate { from: u32, to: u32 },
    #[error("neg_ratio asks for {0} negatives; at most 4294967295 are supported, so lower it")]
    TooManyNegatives(u64),
    #[error("{0} edges are more than 32-bit positions can name")]
    TooManyEdges(usize),
}

/// Splits the edges `source[i] -> destination[i]` of a graph with `n_source` and `n_destination` nodes.
///
/// Costs a sort of the edges and of the negatives; needs about 40 bytes an edge while it runs.
///
/// # Errors
/// Ratios out of range, uneven or out-of-range or repeated edges, no edge left for training.
pub fn random_link_split(
    n_source: u32,
    n_destination: u32,
    source: &[u32],
    destination: &[u32],
    params: &SplitParams,
) -> Result<LinkSplit, SplitError> {
    let (n_val, n_test) = part_sizes(source.len(), params)?;
    let edge_keys = sorted_edge_keys(n_source, n_destination, source, destination)?;
    let n_edges = u32::try_from(source.len()).map_err(|_| SplitError::TooManyEdges(source.len()))?;
    let n_train = source.len() - n_val - n_test;

    let mut order: Vec<u32> = (0..n_edges).collect();
    shuffle(&mut order, &mut random_stream(params.seed, 0));
    let (train, rest) = order.split_at(n_train);
    let (val, test) = rest.split_at(n_val);

    let wanted = [n_train, n_val, n_test].map(|n| (n as f64 * params.neg_ratio) as u64);
    let n_wanted = wanted.iter().fold(0, |sum: u64, n| sum.saturating_add(*n));
    if n_wanted > u64::from(u32::MAX) {
        return Err(SplitError::TooManyNegatives(n_wanted));
    }
    let population = u64::from(n_source) * u64::from(n_destination);
    let negatives = sample_non_edges(&edge_keys, population, n_wanted, &mut random_stream(params.seed, 1));
    let n_found = negatives.len() as u64;
    let [_, neg_val, neg_test] = share_negatives(wanted, n_found);
    let (val_negatives, rest) = negatives.split_at(neg_val as usize);
    let (test_negatives, train_negatives) = rest.split_at(neg_test as usize);

    Ok(LinkSplit {
        train: supervision(train, train_negatives, n_destination),
        val: supervision(val, val_negatives, n_destination),
        test: supervision(test, test_negatives, n_destination),
        shortage: (n_found < n_wanted).then_some(NegativeShortage { wanted: n_wanted, found: n_found }),
        message_train: ascending(train, n_edges),
        message_test: ascending(&order[..n_train + n_val], n_edges),
    })
}

/// Numbers of validation and test edges, truncated as Python's `int(ratio * n)`.
fn part_sizes(n_edges: usize, params: &SplitParams) -> Result<(usize, usize), SplitError> {
    for (name, value) in [("val_ratio", params.val_ratio), ("test_ratio", params.test_ratio)] {
        if !(0.0..1.0).contains(&value) {
            return Err(SplitError::Ratio { name, value });
        }
    }
    if !(params.neg_ratio.is_finite() && params.neg_ratio >= 0.0) {
        return Err(SplitError::NegativeRatio(params.neg_ratio));
    }
    let n_val = (params.val_ratio * n_edges as f64) as usize;
    let n_test = (params.test_ratio * n_edges as f64) as usize;
    if n_val + n_test >= n_edges {
        return Err(SplitError::NoTrainingEdges { n_edges, n_val, n_test });
    }
    Ok((n_val, n_test))
}

/// Each edge as the number `source * n_destination + destination`, ascending and distinct.
fn sorted_edge_keys(
    n_source: u32,
    n_destination: u32,
    source: &[u32],
    destination: &[u32],
) -> Result<Vec<u64>, SplitError> {
    if source.len() != destination.len() {
        return Err(SplitError::Uneven { source_len: source.len(), destination_len: destination.len() });
    }
    let mut keys = Vec::with_capacity(source.len());
    for (position, (&from, &to)) in source.iter().zip(destination).enumerate() {
        if from >= n_source || to >= n_destination {
            return Err(SplitError::OutOfRange { position, from, to, n_source, n_destination });
        }
        keys.push(u64::from(from) * u64::from(n_destination) + u64::from(to));
    }
    keys.sort_unstable();
    match keys.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            let (from, to) = unpack(pair[0], n_destination);
            Err(SplitError::Duplicate { from, to })
        }
        None => Ok(keys),
    }
}

/// Up to `count` distinct keys in `0..population` that are not in `edge_keys`, in random order; fewer only if fewer exist.
///
/// Draws distinct ranks among the non-edges and turns each rank into a key by one walk along the sorted edges, so
/// nothing is rejected for being an edge, however dense the graph is.
fn sample_non_edges(edge_keys: &[u64], population: u64, count: u64, rng: &mut ChaCha8Rng) -> Vec<u64> {
    let n_non_edges = population - edge_keys.len() as u64;
    let mut keys = sample_distinct(n_non_edges, count.min(n_non_edges), rng);
    let mut n_edges_before = 0;
    for key in &mut keys {
        // Before the edge at index i lie `edge_keys[i] - i` non-edges.
        while edge_keys.get(n_edges_before).is_some_and(|edge| edge - n_edges_before as u64 <= *key) {
            n_edges_before += 1;
        }
        *key += n_edges_before as u64;
    }
    shuffle(&mut keys, rng);
    keys
}

/// `count` distinct numbers below `bound`, ascending; every such set is equally likely.
fn sample_distinct(bound: u64, count: u64, rng: &mut ChaCha8Rng) -> Vec<u64> {
    // Above one half, draw what to leave out: drawing until nearly everything was seen would take very long.
    if count > bound / 2 {
        let left_out = draw_distinct(bound, bound - count, rng);
        let mut left_out = left_out.iter().peekable();
        return (0..bound).filter(|number| left_out.next_if_eq(&number).is_none()).collect();
    }
    draw_distinct(bound, count, rng)
}

/// As `sample_distinct`, for a `count` of at most about half of `bound`.
fn draw_distinct(bound: u64, count: u64, rng: &mut ChaCha8Rng) -> Vec<u64> {
    let mut numbers = Vec::with_capacity(count as usize);
    while (numbers.len() as u64) < count {
        let missing = count - numbers.len() as u64;
        numbers.extend((0..missing).map(|_| below(bound, rng)));
        numbers.sort_unstable();
        numbers.dedup();
    }
    numbers
}

/// What each part (train, val, test) gets of the negatives found: as asked, or scaled down in proportion as PyG does.
fn share_negatives(wanted: [u64; 3], found: u64) -> [u64; 3] {
    let total: u64 = wanted.iter().sum();
    if found >= total {
        return wanted;
    }
    let scaled = |n: u64| (n as f64 / total as f64 * found as f64) as u64;
    let (train, val) = (scaled(wanted[0]), scaled(wanted[1]));
    [train, val, found - train - val]
}

fn supervision(positive: &[u32], negative_keys: &[u64], n_destination: u32) -> SupervisionEdges {
    let (negative_source, negative_destination) = negative_keys.iter().map(|key| unpack(*key, n_destination)).unzip();
    SupervisionEdges { positive: positive.to_vec(), negative_source, negative_destination }
}

/// The two ends of an edge key; both fit because a key is below `n_source * n_destination`.
fn unpack(key: u64, n_destination: u32) -> (u32, u32) {
    let n_destination = u64::from(n_destination);
    ((key / n_destination) as u32, (key % n_destination) as u32)
}

/// The given positions below `n_edges`, each there once, in ascending order; marking is cheaper than sorting.
fn ascending(positions: &[u32], n_edges: u32) -> Vec<u32> {
    let mut chosen = vec![false; n_edges as usize];
    positions.iter().for_each(|position| chosen[*position as usize] = true);
    (0..n_edges).filter(|position| chosen[*position as usize]).collect()
}

/// A generator that depends on seed and purpose only. The key is spelled out here because the expansion of
/// `seed_from_u64` is rand_core's to change.
fn random_stream(seed: u64, purpose: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&purpose.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// A number below `bound` from exactly one draw; its bias of at most `bound / 2^64` cannot be seen.
fn below(bound: u64, rng: &mut ChaCha8Rng) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64
}

/// Fisher-Yates with one 64-bit draw an item, so the order does not depend on the width of `usize`.
fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(last as u64 + 1, rng) as usize);
    }
}

#[cfg(test)]
mod tests;

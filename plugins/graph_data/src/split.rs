//! Splits the links of a bipartite graph into training, validation and test supervision edges with sampled negatives.
//!
//! The semantics are those of `torch_geometric.transforms.RandomLinkSplit` for one edge type and its reverse with
//! `is_undirected=False`, `add_negative_train_samples=True`, `disjoint_train_ratio=0`: sizes, message edges
//! train / train / train+val, negatives handed out in the order val, test, train. Sets of edges are positions into the
//! caller's edge list, so attributes are looked up there and the reverse edge type is the same positions flipped: it
//! cannot leak. Leaves out: tensors, files, and any particular random sequence of PyG's.

mod edge_keys;
mod negatives;
mod random;

use std::borrow::Cow;
use std::ops::Range;

use kernels::parts::{map_parts, ranges, split_by_len};

use edge_keys::{unpack, EdgeKeys};
use negatives::sample_non_edges;
use random::Stream;

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
#[repr(u8)]
pub enum Part {
    Train,
    Val,
    Test,
}

const PARTS: [Part; 3] = [Part::Train, Part::Val, Part::Test];

/// The labelled edges of one part: positives that exist and negatives that exist nowhere in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupervisionEdges<'a> {
    /// Positions into the caller's edge list, ascending.
    pub positive: &'a [u32],
    /// Negatives as `source * n_destination + destination`, ascending.
    negative_keys: &'a [u64],
    n_destination: u32,
}

impl SupervisionEdges<'_> {
    pub fn n_negatives(&self) -> usize {
        self.negative_keys.len()
    }

    /// Source and destination node of a negative.
    #[inline]
    pub fn negative(&self, index: usize) -> (u32, u32) {
        unpack(self.negative_keys[index], self.n_destination)
    }
}

/// Fewer non-edges exist than were asked for; each part got its share of what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NegativeShortage {
    pub wanted: u64,
    pub found: u64,
}

/// The three parts and the edges that carry messages in each of them.
///
/// Which edge goes where is random, their order is not: by source and destination where the caller's edges are, so that what is
/// computed edge by edge goes through memory from front to back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSplit {
    /// Set when the graph is too dense for the negatives asked for: tell the user.
    pub shortage: Option<NegativeShortage>,
    n_destination: u32,
    /// Of every position, the part that it supervises.
    parts: Vec<Part>,
    /// By part, as [`Part`] numbers them.
    positive: [Vec<u32>; 3],
    negative_keys: [Vec<u64>; 3],
}

impl LinkSplit {
    /// The labelled edges of a part.
    pub fn supervision(&self, part: Part) -> SupervisionEdges<'_> {
        SupervisionEdges {
            positive: &self.positive[part as usize],
            negative_keys: &self.negative_keys[part as usize],
            n_destination: self.n_destination,
        }
    }

    /// Positions (ascending) of the edges that carry messages: train, train, train+val.
    /// The reverse edge type carries the same positions with source and destination exchanged.
    pub fn message_edges(&self, part: Part) -> Cow<'_, [u32]> {
        match part {
            Part::Train | Part::Val => Cow::Borrowed(&self.positive[Part::Train as usize]),
            Part::Test => Cow::Owned(select(&self.parts, |part| part != Part::Test, position)),
        }
    }
}

/// Edges looked at by one task.
const CHUNK: usize = 1 << 16;

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
/// Costs a sort of the negatives, and of the edges unless they come sorted by source and destination; needs about 25 bytes an edge
/// while it runs. Runs on libtorch's threads; the result does not depend on their number.
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
    let n_positives @ [n_train, n_val, n_test] = part_sizes(source.len(), params)?;
    let edges = EdgeKeys::new(n_source, n_destination, source, destination)?;
    u32::try_from(source.len()).map_err(|_| SplitError::TooManyEdges(source.len()))?;
    let wanted = [n_train, n_val, n_test].map(|n| (n as f64 * params.neg_ratio) as u64);
    let n_wanted = wanted.iter().fold(0, |sum: u64, n| sum.saturating_add(*n));
    if n_wanted > u64::from(u32::MAX) {
        return Err(SplitError::TooManyNegatives(n_wanted));
    }
    let population = u64::from(n_source) * u64::from(n_destination);
    let mut stream = Stream::new(params.seed, 1);
    let negative_keys = sample_non_edges(&edges, population, n_wanted, &mut stream);
    let n_found = negative_keys.len() as u64;

    let negatives = share_negatives(wanted, n_found).map(|n| n as usize);

    // Each is one chain of exchanges, but the two have nothing to do with each other.
    let assignments: Vec<Box<dyn FnOnce() -> Vec<Part> + Send>> = vec![
        Box::new(|| assign(&mut stream, [1, 2, 0].map(|part| (PARTS[part], negatives[part])))),
        Box::new(|| assign(&mut Stream::new(params.seed, 0), [0, 1, 2].map(|part| (PARTS[part], n_positives[part])))),
    ];
    let mut assigned = map_parts(assignments, |assign| assign()).into_iter();
    let (of_negatives, parts) = (assigned.next().unwrap_or_default(), assigned.next().unwrap_or_default());
    Ok(LinkSplit {
        shortage: (n_found < n_wanted).then_some(NegativeShortage { wanted: n_wanted, found: n_found }),
        n_destination,
        positive: PARTS.map(|part| select(&parts, |other| other == part, position)),
        negative_keys: PARTS.map(|part| select(&of_negatives, |other| other == part, |at| negative_keys[at])),
        parts,
    })
}

/// Of so many things as the parts take together, which part takes each: `shares` in the order in which they are handed out.
fn assign(stream: &mut Stream, shares: [(Part, usize); 3]) -> Vec<Part> {
    let n = shares.iter().map(|(_, n)| n).sum();
    let mut order: Vec<u32> = (0..n).map(position).collect();
    stream.shuffle(&mut order);
    let (mut parts, mut rest) = (vec![Part::Train; n], order.as_slice());
    for (part, n) in shares {
        let (taken, left) = rest.split_at(n);
        taken.iter().for_each(|at| parts[*at as usize] = part);
        rest = left;
    }
    parts
}

/// `value` of the positions, in their order, of which the part is chosen.
fn select<T: Copy + Default + Send>(
    parts: &[Part],
    is_chosen: impl Fn(Part) -> bool + Sync,
    value: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let chunks = ranges(parts.len(), CHUNK);
    let lens = map_parts(chunks.clone(), |range| parts[range].iter().filter(|part| is_chosen(**part)).count());
    let mut selected = vec![T::default(); lens.iter().sum()];
    let pieces = chunks.into_iter().zip(split_by_len(&mut selected, lens)).collect();
    map_parts(pieces, |(range, piece): (Range<usize>, &mut [T])| {
        let chosen = range.filter(|position| is_chosen(parts[*position]));
        piece.iter_mut().zip(chosen).for_each(|(slot, position)| *slot = value(position));
    });
    selected
}

/// In 32 bits; there are at most 2^32 - 1 edges, and negatives.
fn position(at: usize) -> u32 {
    at as u32
}

/// Numbers of training, validation and test edges, the latter two truncated as Python's `int(ratio * n)`.
fn part_sizes(n_edges: usize, params: &SplitParams) -> Result<[usize; 3], SplitError> {
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
    Ok([n_edges - n_val - n_test, n_val, n_test])
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

#[cfg(test)]
mod tests;

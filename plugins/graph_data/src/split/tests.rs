//! Properties of the split on random graphs, pinned sequences, bad input.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const PARTS: [Part; 3] = [Part::Train, Part::Val, Part::Test];

fn split(graph: &Graph, seed: u64) -> LinkSplit {
    let params = SplitParams { seed, ..SplitParams::default() };
    random_link_split(graph.n_source, graph.n_destination, &graph.source, &graph.destination, &params).unwrap()
}

#[derive(Debug, Clone)]
struct Graph {
    n_source: u32,
    n_destination: u32,
    source: Vec<u32>,
    destination: Vec<u32>,
}

/// Graphs from nearly empty to complete, without repeated edges.
fn graphs() -> impl Strategy<Value = Graph> {
    (1..14u32, 1..14u32).prop_flat_map(|(n_source, n_destination)| {
        let edges = prop::collection::btree_set((0..n_source, 0..n_destination), 1..180);
        edges.prop_map(move |edges| {
            let (source, destination) = edges.into_iter().unzip();
            Graph { n_source, n_destination, source, destination }
        })
    })
}

proptest! {
    #[test]
    fn counts_are_those_of_pyg(graph in graphs(), seed: u64) {
        let n_edges = graph.source.len();
        let split = split(&graph, seed);
        let n_held_out = (0.1 * n_edges as f64) as usize;
        let sizes = PARTS.map(|part| split.supervision(part).positive.len());
        prop_assert_eq!(sizes, [n_edges - 2 * n_held_out, n_held_out, n_held_out]);
        let free = graph.n_source as usize * graph.n_destination as usize - n_edges;
        let found: usize = PARTS.iter().map(|part| split.supervision(*part).negative_source.len()).sum();
        prop_assert_eq!(found, free.min(n_edges));
        prop_assert_eq!(split.shortage.is_some(), free < n_edges);
        if free >= n_edges {
            prop_assert_eq!(PARTS.map(|part| split.supervision(part).negative_source.len()), sizes);
        }
    }

    #[test]
    fn supervision_is_a_partition_and_messages_do_not_leak(graph in graphs(), seed: u64) {
        let split = split(&graph, seed);
        let sets = PARTS.map(|part| split.supervision(part).positive.iter().copied().collect::<BTreeSet<u32>>());
        let all: BTreeSet<u32> = sets.iter().flatten().copied().collect();
        prop_assert_eq!(all.len(), sets.iter().map(BTreeSet::len).sum::<usize>());
        prop_assert_eq!(all.len(), graph.source.len());
        let messages = PARTS.map(|part| split.message_edges(part).iter().copied().collect::<BTreeSet<u32>>());
        prop_assert_eq!(&messages[0], &sets[0]);
        prop_assert_eq!(&messages[1], &sets[0]);
        prop_assert_eq!(&messages[2], &(&sets[0] | &sets[1]));
        for (part, heldout) in [(1, 1), (1, 2), (2, 2)] {
            // As pairs of nodes, which is what a reverse message edge would give away.
            let pair = |edge: &u32| (graph.source[*edge as usize], graph.destination[*edge as usize]);
            let carried: BTreeSet<_> = messages[part].iter().map(pair).collect();
            prop_assert!(sets[heldout].iter().all(|edge| !carried.contains(&pair(edge))));
        }
    }

    #[test]
    fn negatives_are_distinct_and_no_edges(graph in graphs(), seed: u64) {
        let split = split(&graph, seed);
        let edges: BTreeSet<_> = graph.source.iter().zip(&graph.destination).collect();
        let mut seen = BTreeSet::new();
        for part in PARTS.map(|part| split.supervision(part)) {
            prop_assert_eq!(part.negative_source.len(), part.negative_destination.len());
            for pair in part.negative_source.iter().zip(&part.negative_destination) {
                prop_assert!(*pair.0 < graph.n_source && *pair.1 < graph.n_destination);
                prop_assert!(!edges.contains(&pair));
                prop_assert!(seen.insert(pair));
            }
        }
    }

    #[test]
    fn the_seed_decides(graph in graphs(), seed: u64) {
        prop_assert_eq!(split(&graph, seed), split(&graph, seed));
    }
}

fn grid(side: u32) -> Graph {
    let pairs = (0..side).flat_map(|from| (0..side).step_by(3).map(move |to| (from, to)));
    let (source, destination) = pairs.unzip();
    Graph { n_source: side, n_destination: side, source, destination }
}

#[test]
fn another_seed_gives_another_split() {
    let (one, two) = (split(&grid(30), 1), split(&grid(30), 2));
    assert_ne!(one.test.positive, two.test.positive);
    assert_ne!(one.test.negative_source, two.test.negative_source);
}

#[test]
fn the_sequence_is_pinned() {
    let split = split(&grid(12), 7);
    assert_eq!(split.test.positive, PINNED_TEST_EDGES, "a change here changes every user's splits");
}
const PINNED_TEST_EDGES: [u32; 4] = [13, 0, 21, 36];

#[test]
fn negatives_are_uniform() {
    let mut counts = [0u32; 10];
    for seed in 0..4000 {
        for number in sample_distinct(10, 3, &mut random_stream(seed, 1)) {
            counts[number as usize] += 1;
        }
    }
    // Mean 1200, standard deviation 29; the seeds are fixed, so this cannot flake.
    assert!(counts.iter().all(|count| (1050..1350).contains(count)), "{counts:?}");
}

#[test]
fn bad_input_is_an_error() {
    let run = |source: &[u32], destination: &[u32], params| random_link_split(3, 3, source, destination, &params);
    let params = SplitParams::default();
    assert!(matches!(run(&[], &[], params), Err(SplitError::NoTrainingEdges { .. })));
    assert!(matches!(run(&[0], &[], params), Err(SplitError::Uneven { .. })));
    assert!(matches!(run(&[0], &[3], params), Err(SplitError::OutOfRange { .. })));
    assert_eq!(run(&[1, 1], &[2, 2], params), Err(SplitError::Duplicate { from: 1, to: 2 }));
    let ratio = SplitParams { val_ratio: f64::NAN, ..params };
    assert!(matches!(run(&[0], &[0], ratio), Err(SplitError::Ratio { name: "val_ratio", .. })));
    let negative = SplitParams { neg_ratio: -1.0, ..params };
    assert_eq!(run(&[0], &[0], negative), Err(SplitError::NegativeRatio(-1.0)));
    let many = SplitParams { neg_ratio: 1e300, ..params };
    assert!(matches!(run(&[0], &[0], many), Err(SplitError::TooManyNegatives(_))));
}

#[test]
fn ratio_of_negatives_is_kept() {
    let graph = grid(30);
    let params = SplitParams { neg_ratio: 0.5, ..SplitParams::default() };
    let split = random_link_split(30, 30, &graph.source, &graph.destination, &params).unwrap();
    assert_eq!(PARTS.map(|part| split.supervision(part).negative_source.len()), [120, 15, 15]);
}

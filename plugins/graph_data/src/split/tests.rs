//! Properties of the split on random graphs, pinned sequences, bad input.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn split(graph: &Graph, seed: u64) -> LinkSplit {
    let params = SplitParams { seed, ..SplitParams::default() };
    random_link_split(graph.n_source, graph.n_destination, &graph.source, &graph.destination, &params).unwrap()
}

fn negatives(part: &SupervisionEdges) -> Vec<(u32, u32)> {
    (0..part.n_negatives()).map(|index| part.negative(index)).collect()
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
        let found: usize = PARTS.iter().map(|part| split.supervision(*part).n_negatives()).sum();
        prop_assert_eq!(found, free.min(n_edges));
        prop_assert_eq!(split.shortage.is_some(), free < n_edges);
        if free >= n_edges {
            prop_assert_eq!(PARTS.map(|part| split.supervision(part).n_negatives()), sizes);
        }
    }

    #[test]
    fn supervision_is_a_partition_and_messages_do_not_leak(graph in graphs(), seed: u64) {
        let split = split(&graph, seed);
        for part in PARTS.map(|part| split.supervision(part)) {
            prop_assert!(part.positive.is_sorted() && negatives(&part).is_sorted());
        }
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
            for pair in negatives(&part) {
                prop_assert!(pair.0 < graph.n_source && pair.1 < graph.n_destination);
                prop_assert!(!edges.contains(&(&pair.0, &pair.1)));
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
    let (one, two) = (one.supervision(Part::Test), two.supervision(Part::Test));
    assert_ne!(one.positive, two.positive);
    assert_ne!(negatives(&one), negatives(&two));
}

#[test]
fn the_sequence_is_pinned() {
    let split = split(&grid(12), 7);
    let test = split.supervision(Part::Test);
    assert_eq!(test.positive, PINNED_TEST_EDGES, "a change here changes every user's splits");
    assert_eq!(negatives(&test), PINNED_TEST_NEGATIVES, "a change here changes every user's splits");
}
const PINNED_TEST_EDGES: [u32; 4] = [0, 13, 21, 36];
const PINNED_TEST_NEGATIVES: [(u32, u32); 4] = [(3, 11), (4, 2), (6, 5), (11, 7)];

/// Sizes at which the work is shared by threads and numbers go through buckets. The sums are those of the first version of
/// the split, which had one thread and none of this, with what it chose put in order.
#[test]
fn large_sequences_are_pinned() {
    for (side, step, pinned) in [
        (2000, 20, [0x49a4_9ba6_3fc1_2cb8, 0x3163_4c2c_5c27_800e, 0x4db1_4242_2df6_f5b9]),
        (900, 3, [0x6c1c_ccac_5728_e449, 0x0fe9_3d9f_6f26_59ad, 0xd175_760f_bd3e_3a1b]),
    ] {
        let (source, destination) =
            (0..side).flat_map(|from| (0..side).step_by(step).map(move |to| (from, to))).unzip();
        let graph = Graph { n_source: side, n_destination: side, source, destination };
        let split = split(&graph, 7);
        assert_eq!(
            PARTS.map(|part| checksum(&split.supervision(part))),
            pinned,
            "a change here changes every user's splits"
        );
    }
}

/// FNV-1a over positions and negatives, a word at a time.
fn checksum(part: &SupervisionEdges) -> u64 {
    let negatives = negatives(part).into_iter().flat_map(|(from, to)| [from, to]);
    let values = part.positive.iter().copied().chain(negatives);
    values.fold(0xcbf2_9ce4_8422_2325, |sum, value| (sum ^ u64::from(value)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn the_order_of_the_edges_moves_positions_only() {
    let graph = grid(30);
    let turned = |ids: &[u32]| ids.iter().rev().copied().collect::<Vec<_>>();
    let other = Graph { source: turned(&graph.source), destination: turned(&graph.destination), ..graph.clone() };
    let (split, other) = (split(&graph, 3), split(&other, 3));
    for part in PARTS {
        assert_eq!(split.supervision(part), other.supervision(part));
    }
}

#[test]
fn one_thread_and_several_give_the_same() {
    let graph = grid(700);
    // A loop inside a task has one thread.
    let alone = kernels::parts::map_parts(vec![(), ()], |()| split(&graph, 5));
    assert!(alone.iter().all(|alone| *alone == split(&graph, 5)));
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
    assert_eq!(PARTS.map(|part| split.supervision(part).n_negatives()), [120, 15, 15]);
}

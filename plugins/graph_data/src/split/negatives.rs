//! Samples pairs of nodes that are no edges, without repetition.

use kernels::parallel::for_each_chunk;
use kernels::parts::{map_parts, split_by_len};

use super::edge_keys::EdgeKeys;
use super::random::Stream;

/// Numbers handled by one task.
const CHUNK: usize = 1 << 16;
/// Numbers that one task moves to their buckets: long enough for pieces of some length in every bucket.
const SCATTER_CHUNK: usize = 1 << 18;
/// A bucket of about this many numbers is sorted within a core's cache.
const BUCKET: usize = 1 << 14;
/// More buckets than this would cost more in jumping between them than they gain.
const MAX_BUCKETS: usize = 1 << 10;

/// Up to `count` distinct keys in `0..population` that are no edges, ascending; fewer only if fewer exist.
///
/// Draws distinct ranks among the non-edges and turns each rank into a key by one walk along the sorted edges, so
/// nothing is rejected for being an edge, however dense the graph is.
pub fn sample_non_edges(edges: &EdgeKeys, population: u64, count: u64, stream: &mut Stream) -> Vec<u64> {
    let n_non_edges = population - edges.len() as u64;
    let mut keys = sample_distinct(n_non_edges, count.min(n_non_edges), stream);
    // Before the edge at index i lie `key(i) - i` non-edges.
    let edge_is_before = |index: usize, rank: u64| index < edges.len() && edges.get(index) - index as u64 <= rank;
    for_each_chunk(&mut keys, CHUNK, |_, keys| {
        let mut n_edges_before = keys.first().map_or(0, |rank| n_before(edges, *rank));
        for key in keys {
            while edge_is_before(n_edges_before, *key) {
                n_edges_before += 1;
            }
            *key += n_edges_before as u64;
        }
    });
    keys
}

/// The number of edges before the non-edge of the given rank.
fn n_before(edges: &EdgeKeys, rank: u64) -> usize {
    let (mut low, mut high) = (0, edges.len());
    while low < high {
        let middle = (low + high) / 2;
        match edges.get(middle) - middle as u64 <= rank {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    low
}

/// `count` distinct numbers below `bound`, ascending; every such set is equally likely.
pub fn sample_distinct(bound: u64, count: u64, stream: &mut Stream) -> Vec<u64> {
    // Above one half, draw what to leave out: drawing until nearly everything was seen would take very long.
    if count > bound / 2 {
        let left_out = draw_distinct(bound, bound - count, stream);
        let mut left_out = left_out.iter().peekable();
        return (0..bound).filter(|number| left_out.next_if_eq(&number).is_none()).collect();
    }
    draw_distinct(bound, count, stream)
}

/// As `sample_distinct`, for a `count` of at most about half of `bound`.
fn draw_distinct(bound: u64, count: u64, stream: &mut Stream) -> Vec<u64> {
    let count = count as usize;
    let numbers = sorted_distinct(stream.draw(bound, count), bound);
    // What later rounds add; few, unless the graph is dense.
    let mut more: Vec<u64> = Vec::new();
    while numbers.len() + more.len() < count {
        let missing = count - numbers.len() - more.len();
        let drawn = stream.draw(bound, missing).into_iter();
        more.extend(drawn.filter(|number| numbers.binary_search(number).is_err()));
        more.sort_unstable();
        more.dedup();
    }
    merged(numbers, &more)
}

/// Two ascending lists as one.
fn merged(mut numbers: Vec<u64>, more: &[u64]) -> Vec<u64> {
    let (mut from, mut left) = (numbers.len(), more.len());
    numbers.resize(from + left, 0);
    // From the back, so that nothing is overwritten before it has moved; what is in front of the least of `more` stays.
    while left > 0 {
        let take_new = from == 0 || numbers[from - 1] < more[left - 1];
        let target = from + left - 1;
        if take_new {
            left -= 1;
            numbers[target] = more[left];
        } else {
            from -= 1;
            numbers[target] = numbers[from];
        }
    }
    numbers
}

/// Sorts numbers below `bound` and drops repetitions: into buckets of equal leading bits, then bucket by bucket.
fn sorted_distinct(mut numbers: Vec<u64>, bound: u64) -> Vec<u64> {
    let n_buckets = (numbers.len() / BUCKET).next_power_of_two().min(MAX_BUCKETS);
    if n_buckets < 2 {
        numbers.sort_unstable();
        numbers.dedup();
        return numbers;
    }
    let n_bits = 64 - bound.saturating_sub(1).leading_zeros();
    let shift = n_bits.saturating_sub(n_buckets.trailing_zeros());
    let mut scattered = vec![0; numbers.len()];
    let lens = scatter(&numbers, n_buckets, |number| (number >> shift) as usize, &mut scattered);
    let buckets = split_by_len(&mut scattered, lens);
    let buckets = map_parts(buckets, |bucket| {
        bucket.sort_unstable();
        let n_distinct = dedup(bucket);
        &bucket[..n_distinct]
    });
    let n_distinct = buckets.iter().map(|bucket| bucket.len()).sum();
    numbers.truncate(n_distinct);
    let targets = split_by_len(&mut numbers, buckets.iter().map(|bucket| bucket.len()));
    map_parts(targets.into_iter().zip(buckets).collect(), |(target, bucket)| target.copy_from_slice(bucket));
    numbers
}

/// Moves every number to its bucket, buckets one after the other, and returns their lengths.
fn scatter(
    numbers: &[u64],
    n_buckets: usize,
    bucket: impl Fn(u64) -> usize + Sync,
    scattered: &mut [u64],
) -> Vec<usize> {
    let chunks: Vec<&[u64]> = numbers.chunks(SCATTER_CHUNK).collect();
    let counts = map_parts(chunks.clone(), |chunk| {
        let mut counts = vec![0; n_buckets];
        chunk.iter().for_each(|number| counts[bucket(*number)] += 1);
        counts
    });
    // Bucket after bucket, in each the pieces of the chunks in order.
    let all = (0..n_buckets).flat_map(|bucket| counts.iter().map(move |counts| counts[bucket]));
    let mut pieces: Vec<Vec<_>> = chunks.iter().map(|_| Vec::with_capacity(n_buckets)).collect();
    for (index, piece) in split_by_len(scattered, all).into_iter().enumerate() {
        pieces[index % chunks.len()].push(piece.iter_mut());
    }
    map_parts(chunks.into_iter().zip(pieces).collect(), |(chunk, mut pieces)| {
        for number in chunk {
            if let Some(slot) = pieces[bucket(*number)].next() {
                *slot = *number;
            }
        }
    });
    (0..n_buckets).map(|bucket| counts.iter().map(|counts| counts[bucket]).sum()).collect()
}

/// Moves the distinct of sorted numbers to the front and returns how many there are.
fn dedup(sorted: &mut [u64]) -> usize {
    let mut n_distinct = sorted.len().min(1);
    for at in 1..sorted.len() {
        sorted[n_distinct] = sorted[at];
        n_distinct += usize::from(sorted[at] != sorted[n_distinct - 1]);
    }
    n_distinct
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn buckets_sort_as_sorting_does(seed: u64, n_bits in 1..64u32, n_extra in 0..3usize) {
            let bound = 1 << n_bits;
            let numbers = Stream::new(seed, 9).draw(bound - 1, SCATTER_CHUNK + n_extra);
            let mut expected = numbers.clone();
            expected.sort_unstable();
            expected.dedup();
            prop_assert!(sorted_distinct(numbers, bound - 1) == expected);
        }

        #[test]
        fn merging_keeps_everything_in_order(all in prop::collection::btree_map(any::<u64>(), any::<bool>(), 0..50)) {
            let side = |right: bool| all.iter().filter(|entry| *entry.1 == right).map(|entry| *entry.0).collect::<Vec<_>>();
            prop_assert_eq!(merged(side(false), &side(true)), all.keys().copied().collect::<Vec<_>>());
        }
    }

    #[test]
    fn negatives_are_uniform() {
        let mut counts = [0u32; 10];
        for seed in 0..4000 {
            for number in sample_distinct(10, 3, &mut Stream::new(seed, 1)) {
                counts[number as usize] += 1;
            }
        }
        // Mean 1200, standard deviation 29; the seeds are fixed, so this cannot flake.
        assert!(counts.iter().all(|count| (1050..1350).contains(count)), "{counts:?}");
    }
}

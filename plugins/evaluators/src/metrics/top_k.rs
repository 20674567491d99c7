//! The best k items of one user, out of the scores of all items.

use std::ops::Range;

/// Item ids of the k best scores, best first, without the `masked` items (sorted by id; each may stand twice).
///
/// Equal scores are ordered by id, the lower first, so that a ranking is the same on every machine and in every run.
/// NaN ranks last, below -∞: an item without a score is recommended only when nothing else is left. Callers for whom a
/// NaN is a fault (a model that diverged) must look for one in the scores. Fewer than k items if fewer are not masked.
/// O(n + k log k).
pub fn top_k(scores: &[f32], masked: &[u32], k: usize) -> Vec<u32> {
    debug_assert!(masked.is_sorted(), "masked items are sorted by id");
    if k == 0 {
        return Vec::new();
    }
    let mut best = Best::new(scores, k);
    let mut from = 0;
    // The runs between masked items, so that the inner loop asks nothing about masks.
    for &item in masked {
        best.offer(from..(item as usize).clamp(from, scores.len()));
        from = from.max(item as usize + 1).min(scores.len());
    }
    best.offer(from..scores.len());
    best.into_items()
}

/// A score and an item as one number that is larger for the better item; no two items have the same.
fn key(score: f32, item: usize) -> u64 {
    let bits = (score + 0.0).to_bits(); // -0.0 + 0.0 is 0.0, so that both zeros tie
    let rank = match (score.is_nan(), bits >> 31 == 1) {
        (true, _) => 0,
        (false, true) => !bits, // the larger the bits of a negative number, the smaller it is
        (false, false) => bits | 1 << 31,
    };
    u64::from(rank) << 32 | u64::from(!(item as u32))
}

fn item(key: u64) -> u32 {
    !(key as u32)
}

/// Keeps the k largest keys of the items offered, in ascending order of ids: it collects up to 2k of them, then drops
/// the smaller half, which costs O(1) an item on average, and most never get in.
struct Best<'a> {
    scores: &'a [f32],
    k: usize,
    keys: Vec<u64>,
    /// Score of the k-th best item so far; NaN, which holds nothing back, while there are fewer.
    floor: f32,
}

impl<'a> Best<'a> {
    fn new(scores: &'a [f32], k: usize) -> Self {
        let room = k.min(scores.len()).saturating_mul(2);
        Self { scores, k, keys: Vec::with_capacity(room), floor: f32::NAN }
    }

    fn offer(&mut self, items: Range<usize>) {
        for (item, &score) in items.clone().zip(&self.scores[items]) {
            // An equal score stays out too: those who got in have lower ids.
            if score <= self.floor {
                continue;
            }
            self.keys.push(key(score, item));
            if self.keys.len() >= self.k.saturating_mul(2) {
                self.drop_smaller();
            }
        }
    }

    fn drop_smaller(&mut self) {
        if self.keys.len() > self.k {
            let (_, kth, _) = self.keys.select_nth_unstable_by(self.k - 1, |one, other| other.cmp(one));
            self.floor = self.scores[item(*kth) as usize];
            self.keys.truncate(self.k);
        }
    }

    fn into_items(mut self) -> Vec<u32> {
        self.drop_smaller();
        self.keys.sort_unstable_by(|one, other| other.cmp(one));
        self.keys.into_iter().map(item).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    /// The definition: a full sort.
    fn by_sorting(scores: &[f32], masked: &[u32], k: usize) -> Vec<u32> {
        let mut items: Vec<u32> = (0..scores.len() as u32).filter(|item| !masked.contains(item)).collect();
        items.sort_by(|&one, &other| {
            let (a, b) = (scores[one as usize], scores[other as usize]);
            let by_score = b.partial_cmp(&a).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()));
            by_score.then(if one < other { Ordering::Less } else { Ordering::Greater })
        });
        items.truncate(k);
        items
    }

    #[test]
    fn breaks_ties_by_the_lower_id() {
        assert_eq!(top_k(&[1.0, 2.0, 2.0, -0.0, 0.0, 2.0], &[], 4), [1, 2, 5, 0]);
        assert_eq!(top_k(&[-0.0, 0.0, -0.0], &[], 3), [0, 1, 2]);
    }

    #[test]
    fn ranks_nan_of_either_sign_last() {
        let scores = [f32::NAN, f32::NEG_INFINITY, -f32::NAN, f32::MIN, f32::INFINITY];
        assert_eq!(top_k(&scores, &[], 9), [4, 3, 1, 0, 2]);
    }

    #[test]
    fn gives_fewer_where_fewer_are_left() {
        assert_eq!(top_k(&[0.3, 0.2, 0.1], &[0], 10), [1, 2]);
        assert_eq!(top_k(&[0.3, 0.2], &[0, 1], usize::MAX), [0_u32; 0]);
        assert_eq!(top_k(&[0.3, 0.2], &[], 0), [0_u32; 0]);
        assert_eq!(top_k(&[], &[], 3), [0_u32; 0]);
    }

    #[test]
    fn takes_masks_that_repeat_or_name_no_item() {
        assert_eq!(top_k(&[0.3, 0.2, 0.1], &[1, 1, 7, u32::MAX], 3), [0, 2]);
    }

    fn score() -> impl Strategy<Value = f32> {
        // Few values, so that many tie; and any bit pattern at all.
        prop_oneof![4 => (-3_i8..4).prop_map(f32::from), 1 => any::<u32>().prop_map(f32::from_bits)]
    }

    proptest! {
        #[test]
        fn agrees_with_a_full_sort(
            scores in prop::collection::vec(score(), 0..200),
            masked in prop::collection::btree_set(0_u32..220, 0..40),
            k in 0_usize..50,
        ) {
            let masked: Vec<u32> = masked.into_iter().collect();
            prop_assert_eq!(top_k(&scores, &masked, k), by_sorting(&scores, &masked, k));
        }
    }
}

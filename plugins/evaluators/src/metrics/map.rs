//! Average precision at k of one user, whose mean over users is MAP.

/// The mean of the precisions at the ranks of the hits, over as many as there could be:
///
/// ```text
/// AP@k = Σ_{r ≤ k, hit at r} (hits in the top r / r) / min(held-out items, k)
/// ```
///
/// torch_geometric's `LinkPredMAP`. Between 0 and 1; 1 if the held-out items come first. `n_heldout` is at least 1.
pub fn map(hits: &[bool], n_heldout: usize, k: usize) -> f64 {
    let (mut found, mut sum) = (0_usize, 0.0_f64);
    for (at, _) in hits.iter().take(k).enumerate().filter(|(_, &hit)| hit) {
        found += 1;
        sum += found as f64 / (at + 1) as f64;
    }
    sum / n_heldout.min(k) as f64
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn averages_the_precisions_at_the_hits() {
        assert_eq!(map(&[true, false, true], 2, 3), (1.0 + 2.0 / 3.0) / 2.0);
        assert_eq!(map(&[true, true], 5, 2), 1.0);
        assert_eq!(map(&[false, true], 1, 1), 0.0);
        assert_eq!(map(&[], 1, 5), 0.0);
    }
}

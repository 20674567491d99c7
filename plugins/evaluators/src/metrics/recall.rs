//! Recall at k of one user.

/// The share of the held-out items that were recommended: `hits in the top k / held-out items`.
///
/// torch_geometric's `LinkPredRecall`. Between 0 and 1, and below 1 for a user with more than k held-out items.
/// `n_heldout` is at least 1.
pub fn recall(hits: &[bool], n_heldout: usize, k: usize) -> f64 {
    let n_hits = hits.iter().take(k).filter(|&&hit| hit).count();
    n_hits as f64 / n_heldout as f64
}

#[cfg(test)]
mod tests {
    use super::recall;

    #[test]
    fn divides_by_all_held_out_items() {
        assert_eq!(recall(&[true, false, true], 4, 3), 0.5);
        assert_eq!(recall(&[true, false, true], 4, 1), 0.25);
        assert_eq!(recall(&[], 4, 3), 0.0);
    }
}

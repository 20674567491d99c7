//! Normalised discounted cumulative gain at k of one user.

/// The gain of the hits, discounted by rank, over the gain of the best possible list:
///
/// ```text
/// DCG@k  = Σ_{r ≤ k, hit at r} 1 / log2(r + 1)
/// NDCG@k = DCG@k / Σ_{r ≤ min(held-out items, k)} 1 / log2(r + 1)
/// ```
///
/// torch_geometric's `LinkPredNDCG` without weights; Järvelin and Kekäläinen (2002) with relevance 0 or 1. Between 0
/// and 1; 1 if the held-out items come first. `n_heldout` is at least 1.
pub fn ndcg(hits: &[bool], n_heldout: usize, k: usize) -> f64 {
    let gain = |at: usize| 1.0 / ((at + 2) as f64).log2();
    let dcg: f64 = hits.iter().take(k).enumerate().filter(|(_, &hit)| hit).map(|(at, _)| gain(at)).sum();
    let best: f64 = (0..n_heldout.min(k)).map(gain).sum();
    dcg / best
}

#[cfg(test)]
mod tests {
    use super::ndcg;

    #[test]
    fn compares_with_the_best_list() {
        assert_eq!(ndcg(&[true, true, false], 2, 3), 1.0);
        assert_eq!(ndcg(&[false, false, true], 1, 3), 0.5);
        assert_eq!(ndcg(&[false, false, true], 1, 2), 0.0);
        assert_eq!(ndcg(&[true], 7, 1), 1.0);
        assert_eq!(ndcg(&[], 7, 1), 0.0);
    }
}

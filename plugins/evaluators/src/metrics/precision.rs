//! Precision at k of one user.

/// The share of the k recommended items that were held out: `hits in the top k / k`.
///
/// torch_geometric's `LinkPredPrecision`. Between 0 and 1. Divided by k also where fewer than k items could be
/// recommended.
pub fn precision(hits: &[bool], k: usize) -> f64 {
    let n_hits = hits.iter().take(k).filter(|&&hit| hit).count();
    n_hits as f64 / k as f64
}

#[cfg(test)]
mod tests {
    use super::precision;

    #[test]
    fn counts_missing_recommendations_as_misses() {
        assert_eq!(precision(&[true, false, true], 2), 0.5);
        assert_eq!(precision(&[true, false, true], 4), 0.5);
        assert_eq!(precision(&[], 4), 0.0);
    }
}

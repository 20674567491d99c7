//! Reciprocal rank at k of one user, whose mean over users is MRR.

/// `1 / rank of the first hit`, or 0 without a hit in the top k.
///
/// torch_geometric's `LinkPredMRR`. Between 0 and 1.
pub fn mrr(hits: &[bool], k: usize) -> f64 {
    hits.iter().take(k).position(|&hit| hit).map_or(0.0, |at| 1.0 / (at + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::mrr;

    #[test]
    fn looks_at_the_first_hit_only() {
        assert_eq!(mrr(&[false, true, true], 3), 0.5);
        assert_eq!(mrr(&[false, true, true], 1), 0.0);
        assert_eq!(mrr(&[], 3), 0.0);
    }
}

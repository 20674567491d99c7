//! Hit rate at k of one user.

/// 1 if any held-out item is in the top k, else 0; over users the share of those who were served at all.
///
/// torch_geometric's `LinkPredHitRatio`.
pub fn hit_rate(hits: &[bool], k: usize) -> f64 {
    f64::from(u8::from(hits.iter().take(k).any(|&hit| hit)))
}

#[cfg(test)]
mod tests {
    use super::hit_rate;

    #[test]
    fn is_all_or_nothing() {
        assert_eq!(hit_rate(&[false, true, true], 3), 1.0);
        assert_eq!(hit_rate(&[false, true, true], 1), 0.0);
        assert_eq!(hit_rate(&[], 1), 0.0);
    }
}

//! Labelled edges from the best score to the worst, equal scores taken together: what AUC and average precision share.

/// The edges of one score.
pub struct TiedGroup {
    pub positives: u64,
    pub negatives: u64,
}

/// Groups of equal scores, best first; `None` if a score is NaN, because then there is no order.
///
/// # Panics
/// If there is not one score a label.
pub fn tied_groups(labels: &[bool], scores: &[f32]) -> Option<Vec<TiedGroup>> {
    assert_eq!(labels.len(), scores.len(), "one score a label");
    if scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut edges: Vec<(f32, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    edges.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
    // `==` and not the total order: 0.0 and -0.0 are neighbours there, and tied.
    let groups = edges.chunk_by(|one, other| one.0 == other.0).map(|group| {
        let positives = group.iter().filter(|(_, label)| *label).count() as u64;
        TiedGroup { positives, negatives: group.len() as u64 - positives }
    });
    Some(groups.collect())
}

//! Average precision of labelled edges.

use super::ranked_edges::{RankedEdges, Section};

/// The area under the precision-recall curve as a step function, without interpolation:
///
/// ```text
/// AP = Σ_t (R_t − R_{t−1}) · P_t
/// ```
///
/// over the distinct scores t from the best to the worst, where P_t and R_t are precision and recall of the edges that
/// score at least t; scikit-learn's `average_precision_score`. Between 0 and 1; about the share of positives for scores
/// that say nothing. `None` without a positive edge. O(n).
pub fn average_precision(edges: &RankedEdges) -> Option<f64> {
    let sum: f64 = edges.of_sections(precisions).into_iter().sum();
    let n_positives = edges.n_positives();
    (n_positives > 0).then(|| sum / n_positives as f64)
}

/// The sum of the precisions at the positives of a section.
fn precisions(section: &Section) -> f64 {
    let (mut found, mut sum) = (section.positives_above, 0.0_f64);
    let mut looked_at = found + section.negatives_above;
    for group in section.groups() {
        found += group.positives;
        looked_at += group.positives + group.negatives;
        sum += group.positives as f64 * (found as f64 / looked_at as f64);
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::metrics::{golden, ranked_edges::ranked};

    fn average_precision(labels: &[bool], scores: &[f32]) -> Option<f64> {
        super::average_precision(&ranked(labels, scores)?)
    }

    /// The definition, threshold by threshold.
    fn by_thresholds(labels: &[bool], scores: &[f32]) -> Option<f64> {
        let n_positives = labels.iter().filter(|&&label| label).count() as f64;
        let mut thresholds = scores.to_vec();
        thresholds.sort_by(|one, other| other.total_cmp(one));
        thresholds.dedup();
        let (mut area, mut recall_before) = (0.0, 0.0);
        for threshold in thresholds {
            let chosen: Vec<bool> =
                (0..labels.len()).filter(|&at| scores[at] >= threshold).map(|at| labels[at]).collect();
            let found = chosen.iter().filter(|&&label| label).count() as f64;
            area += (found / n_positives - recall_before) * found / chosen.len() as f64;
            recall_before = found / n_positives;
        }
        (n_positives > 0.0).then_some(area)
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let fixture = golden::read("auc.json");
        let labels: Vec<bool> = golden::ids(&fixture["labels"]).iter().map(|&label| label == 1).collect();
        let ap = average_precision(&labels, &golden::f32s(&fixture["scores"])).unwrap();
        golden::assert_close("ap", ap, &fixture["expected"]["ap"]);
    }

    #[test]
    fn is_undefined_without_positives_or_with_nan() {
        assert_eq!(average_precision(&[false, false], &[0.1, 0.2]), None);
        assert_eq!(average_precision(&[], &[]), None);
        assert_eq!(average_precision(&[true, false], &[0.1, f32::NAN]), None);
        assert_eq!(average_precision(&[true, true], &[0.1, 0.2]), Some(1.0));
    }

    proptest! {
        #[test]
        fn agrees_with_its_definition(edges in prop::collection::vec((any::<bool>(), -4_i8..4), 0..80)) {
            let labels: Vec<bool> = edges.iter().map(|edge| edge.0).collect();
            let scores: Vec<f32> = edges.iter().map(|edge| f32::from(edge.1) / 4.0).collect();
            match (average_precision(&labels, &scores), by_thresholds(&labels, &scores)) {
                (Some(ours), Some(expected)) => prop_assert!((ours - expected).abs() < 1e-12),
                (ours, expected) => prop_assert_eq!(ours, expected),
            }
        }
    }
}

//! Area under the ROC curve of labelled edges.

use super::ranked_edges::{RankedEdges, Section};

/// The probability that a random positive edge scores above a random negative one, a tie counting one half:
///
/// ```text
/// AUC = (Σ_{p positive} Σ_{n negative} [s_p > s_n] + ½ [s_p = s_n]) / (P · N)
/// ```
///
/// This is the Mann-Whitney U statistic over P·N, and scikit-learn's `roc_auc_score`. Between 0 and 1; 0.5 for scores
/// that say nothing. `None` with edges of one class only, or none. O(n).
pub fn roc_auc(edges: &RankedEdges) -> Option<f64> {
    // Counts of pairs stay exact in u128: 10^8 edges make 10^16 pairs, past f64's whole numbers when doubled and summed.
    let twice_won: u128 = edges.of_sections(twice_won).into_iter().sum();
    let pairs = u128::from(edges.n_positives()) * u128::from(edges.n_negatives());
    (pairs > 0).then(|| twice_won as f64 / (2 * pairs) as f64)
}

/// Twice the pairs that the positives win against the negatives of a section, ties being half won.
fn twice_won(section: &Section) -> u128 {
    let (mut positives_above, mut twice_won) = (section.positives_above, 0);
    for group in section.groups() {
        twice_won += u128::from(group.negatives) * u128::from(2 * positives_above + group.positives);
        positives_above += group.positives;
    }
    twice_won
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::metrics::{golden, ranked_edges::ranked};

    fn roc_auc(labels: &[bool], scores: &[f32]) -> Option<f64> {
        super::roc_auc(&ranked(labels, scores)?)
    }

    /// The definition, pair by pair.
    fn by_pairs(labels: &[bool], scores: &[f32]) -> Option<f64> {
        let of = |class: bool| (0..labels.len()).filter(move |&at| labels[at] == class);
        let pairs = of(true).flat_map(|p| of(false).map(move |n| (p, n)));
        let won = pairs.map(|(p, n)| match scores[p].partial_cmp(&scores[n]) {
            Some(std::cmp::Ordering::Greater) => 1.0,
            Some(std::cmp::Ordering::Equal) => 0.5,
            Some(std::cmp::Ordering::Less) | None => 0.0,
        });
        let n_pairs = of(true).count() * of(false).count();
        (n_pairs > 0).then(|| won.sum::<f64>() / n_pairs as f64)
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let fixture = golden::read("auc.json");
        let labels: Vec<bool> = golden::ids(&fixture["labels"]).iter().map(|&label| label == 1).collect();
        let auc = roc_auc(&labels, &golden::f32s(&fixture["scores"])).unwrap();
        golden::assert_close("auc", auc, &fixture["expected"]["auc"]);
    }

    #[test]
    fn is_undefined_for_one_class_no_edges_or_nan() {
        assert_eq!(roc_auc(&[true, true], &[0.1, 0.2]), None);
        assert_eq!(roc_auc(&[false], &[0.1]), None);
        assert_eq!(roc_auc(&[], &[]), None);
        assert_eq!(roc_auc(&[true, false], &[f32::NAN, 0.2]), None);
    }

    #[test]
    fn zeros_of_both_signs_and_infinities_have_their_places() {
        assert_eq!(roc_auc(&[true, false], &[0.0, -0.0]), Some(0.5));
        assert_eq!(roc_auc(&[true, false, true], &[f32::INFINITY, 0.0, f32::NEG_INFINITY]), Some(0.5));
    }

    proptest! {
        #[test]
        fn agrees_with_its_definition(edges in prop::collection::vec((any::<bool>(), -4_i8..4), 0..80)) {
            let labels: Vec<bool> = edges.iter().map(|edge| edge.0).collect();
            let scores: Vec<f32> = edges.iter().map(|edge| f32::from(edge.1) / 4.0).collect();
            match (roc_auc(&labels, &scores), by_pairs(&labels, &scores)) {
                (Some(ours), Some(expected)) => prop_assert!((ours - expected).abs() < 1e-12),
                (ours, expected) => prop_assert_eq!(ours, expected),
            }
        }
    }
}

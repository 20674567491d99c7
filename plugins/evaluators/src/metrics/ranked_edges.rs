//! Labelled edges from the best score to the worst, equal scores taken together: what AUC and average precision share.

use super::radix_sort::radix_sort;

/// The scores of the edges of each class as numbers of the same order; 4 bytes an edge.
#[derive(Default)]
pub struct LabelledScores {
    positives: Vec<u32>,
    negatives: Vec<u32>,
    has_nan: bool,
}

impl LabelledScores {
    /// Takes a score for each label.
    pub fn add(&mut self, labels: &[bool], scores: &[f32]) {
        debug_assert_eq!(labels.len(), scores.len(), "one score a label");
        for (&label, &score) in labels.iter().zip(scores) {
            self.has_nan |= score.is_nan();
            let class = if label { &mut self.positives } else { &mut self.negatives };
            class.push(rank(score));
        }
    }

    /// Sorts; `None` if a score is NaN, because then there is no order. O(n).
    pub fn into_ranked(self) -> Option<RankedEdges> {
        let mut classes = [self.positives, self.negatives];
        kernels::parallel::for_each_chunk(&mut classes, 1, |_, classes| classes.iter_mut().for_each(radix_sort));
        let [positives, negatives] = classes;
        (!self.has_nan).then_some(RankedEdges { positives, negatives })
    }
}

/// Larger for the larger score, equal for equal ones; no meaning for NaN.
fn rank(score: f32) -> u32 {
    const SIGN: u32 = 1 << 31;
    let bits = (score + 0.0).to_bits(); // -0.0 + 0.0 is 0.0: both zeros tie
    if bits & SIGN == 0 {
        bits | SIGN
    } else {
        !bits
    }
}

/// The edges of each class by score, in ascending order.
pub struct RankedEdges {
    positives: Vec<u32>,
    negatives: Vec<u32>,
}

/// The edges of one score.
pub struct TiedGroup {
    pub positives: u64,
    pub negatives: u64,
}

impl RankedEdges {
    pub fn n_positives(&self) -> u64 {
        self.positives.len() as u64
    }

    pub fn n_negatives(&self) -> u64 {
        self.negatives.len() as u64
    }

    /// Groups of equal scores, best first.
    pub fn groups(&self) -> impl Iterator<Item = TiedGroup> + '_ {
        let (mut positives, mut negatives) = (self.positives.as_slice(), self.negatives.as_slice());
        std::iter::from_fn(move || {
            let best = *positives.last().max(negatives.last())?;
            Some(TiedGroup { positives: take(&mut positives, best), negatives: take(&mut negatives, best) })
        })
    }
}

/// Takes those equal to `best` off the end, and counts them.
fn take(ranks: &mut &[u32], best: u32) -> u64 {
    let before = ranks.len();
    while let Some((_, rest)) = ranks.split_last().filter(|(last, _)| **last == best) {
        *ranks = rest;
    }
    (before - ranks.len()) as u64
}

#[cfg(test)]
pub fn ranked(labels: &[bool], scores: &[f32]) -> Option<RankedEdges> {
    let mut labelled = LabelledScores::default();
    labelled.add(labels, scores);
    labelled.into_ranked()
}

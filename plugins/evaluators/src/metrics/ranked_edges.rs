//! Labelled edges from the best score to the worst, equal scores taken together: what AUC and average precision share.

use super::radix_sort::radix_sort;

/// Edges of the larger class in a section.
const SECTION: usize = if cfg!(test) { 8 } else { 1 << 15 };

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

/// The edges of a range of scores; no two sections share a score.
pub struct Section<'a> {
    positives: &'a [u32],
    negatives: &'a [u32],
    /// Edges with a greater score than any in here.
    pub positives_above: u64,
    pub negatives_above: u64,
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

    /// What `body` says of each section, the best scores first; on several threads. The sections depend on the edges alone.
    pub fn of_sections<T: Send + Default + Clone>(&self, body: impl Fn(&Section) -> T + Sync) -> Vec<T> {
        let ends = self.ends();
        let mut values = vec![T::default(); ends.len() - 1];
        kernels::parallel::for_each_chunk(&mut values, 1, |at, value| {
            value[0] = body(&self.section(ends[at], ends[at + 1]))
        });
        values
    }

    /// How many edges of each class lie below the borders of the sections, from the best scores to the worst.
    fn ends(&self) -> Vec<[usize; 2]> {
        let classes = [&self.positives, &self.negatives];
        let larger = if self.positives.len() > self.negatives.len() { &self.positives } else { &self.negatives };
        let borders = larger.chunks(SECTION).skip(1).map(|chunk| chunk[0]).rev();
        let below = |border| classes.map(|ranks| ranks.partition_point(|rank| *rank < border));
        let all = classes.map(Vec::len);
        [all].into_iter().chain(borders.map(below)).chain([[0, 0]]).collect()
    }

    fn section(&self, above: [usize; 2], end: [usize; 2]) -> Section<'_> {
        Section {
            positives: &self.positives[end[0]..above[0]],
            negatives: &self.negatives[end[1]..above[1]],
            positives_above: (self.positives.len() - above[0]) as u64,
            negatives_above: (self.negatives.len() - above[1]) as u64,
        }
    }
}

impl<'a> Section<'a> {
    /// Groups of equal scores, best first.
    pub fn groups(&self) -> impl Iterator<Item = TiedGroup> + 'a {
        let (mut positives, mut negatives) = (self.positives, self.negatives);
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

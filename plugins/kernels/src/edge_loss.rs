//! Losses over labelled edges, fused with the scores: one pass by source computes scores, loss and the gradient of the sources while
//! the rows are in the cache; [`EdgeLoss::destination_gradient`] is a second one by destination. Per edge one number is kept.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use pulp::Simd;

use crate::csr::Csr;
use crate::edge_scores::{weighted_sums, EdgeWeight};
use crate::parallel::{filled, Disjoint};
use crate::prefetch::prefetch_rows;
use crate::row_sums::{sum_rows, Place, RowSum};
use crate::rows::Rows;
use crate::vector::{add_weighted, dot, exp, ln_1p, BLOCK};
use crate::visits::{Order, Reach};

/// The definitions are those of the losses of these names in the plugin `losses`.
#[derive(Debug, Clone, Copy)]
pub enum Criterion<'a> {
    /// Mean over edges of `-(y log s(x) + (1 - y) log(1 - s(x)))`; the labels by edge.
    BceWithLogits { labels: &'a [f32] },
    /// Mean over pairs of `-log s(x_p - x_n)`. The first half of the edges are positives; the n-th of the second half is the negative
    /// of the n-th positive and has its source, so that in every row the second half belongs to the first.
    Bpr,
}

/// Labelled edges with the embeddings of their ends.
#[derive(Debug, Clone, Copy)]
pub struct EdgeLoss<'a> {
    pub source: Rows<'a>,
    pub destination: Rows<'a>,
    pub criterion: Criterion<'a>,
    pub by_source: Csr<'a>,
}

/// The gradient of the loss by the score of each edge.
#[derive(Debug)]
pub struct ScoreGradients(Vec<ScoreGradient>);

// Atomic because an index from elsewhere might name an edge twice; relaxed, these are plain moves.
#[derive(Debug, Default)]
struct ScoreGradient(AtomicU32);

impl ScoreGradients {
    fn set(&self, edge: i32, gradient: f32) {
        self.0[edge as usize].0.store(gradient.to_bits(), Ordering::Relaxed);
    }
}

impl EdgeWeight for ScoreGradient {
    #[inline(always)]
    fn weight(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }
}

impl EdgeLoss<'_> {
    /// The loss. Writes its gradient by `source`, `[n_sources, width]`.
    ///
    /// # Panics
    /// If the lengths do not fit each other, or an id names no row.
    pub fn forward(&self, source_gradient: &mut [f32]) -> (f64, ScoreGradients) {
        let gradients = ScoreGradients(filled(self.by_source.n_edges(), ScoreGradient::default));
        let halved: Vec<i64>;
        let order = match self.criterion {
            Criterion::BceWithLogits { .. } => Order::of(&self.by_source, &[self.destination]),
            Criterion::Bpr => {
                halved = self.by_source.offsets().iter().map(|offset| offset / 2).collect();
                Order::by_row(&halved)
            }
        };
        let n_terms = order.n_edges();
        let mut losses = vec![0.0_f64; order.shares.pieces.len()];
        let task = Pass { loss: self, gradients: &gradients, losses: Disjoint::new(&mut losses), n_terms };
        sum_rows(&order, source_gradient, self.source.width(), &task);
        (losses.iter().sum::<f64>() / n_terms as f64, gradients)
    }

    /// Writes the gradient by `destination`, `[n_destinations, width]`, times `factor`.
    ///
    /// # Panics
    /// If the lengths do not fit each other, or an id names no row.
    pub fn destination_gradient(
        source: Rows,
        by_destination: &Csr,
        gradients: &ScoreGradients,
        factor: f32,
        out: &mut [f32],
    ) {
        weighted_sums(by_destination, source, &gradients.0, factor, out);
    }
}

struct Pass<'a> {
    loss: &'a EdgeLoss<'a>,
    gradients: &'a ScoreGradients,
    /// By piece.
    losses: Disjoint<'a, f64>,
    n_terms: usize,
}

impl RowSum for Pass<'_> {
    type Scratch = ();

    fn scratch(&self) {}

    #[inline(always)]
    fn add<S: Simd>(&self, simd: S, (): &mut (), at: &Place, terms: Range<usize>, sum: &mut [f32]) {
        let mut loss = 0.0;
        for begin in terms.clone().step_by(BLOCK) {
            let block = begin..(begin + BLOCK).min(terms.end);
            loss += match self.loss.criterion {
                Criterion::BceWithLogits { labels } => self.add_edges(simd, at, block, labels, sum),
                Criterion::Bpr => self.add_pairs(simd, at.row, block, sum),
            };
        }
        // SAFETY: a piece is worked on by one thread at a time, which uses its loss here only.
        unsafe { self.losses.range(at.piece, at.piece + 1)[0] += loss };
    }
}

impl Pass<'_> {
    #[inline(always)]
    fn add_edges<S: Simd>(&self, simd: S, at: &Place, block: Range<usize>, labels: &[f32], sum: &mut [f32]) -> f64 {
        let EdgeLoss { source, destination, by_source, .. } = self.loss;
        let x = source.row(at.row);
        let edges = &by_source.edges[block.clone()];
        let ahead = at.reach.ahead(&block);
        destination.prefetch(&by_source.neighbours[ahead.clone()]);
        prefetch_rows(labels, 1, &by_source.edges[ahead.clone()]);
        prefetch_rows(&self.gradients.0, 1, &by_source.edges[ahead]);
        let mut rows: [&[f32]; BLOCK] = [&[]; BLOCK];
        let (mut scores, mut targets) = ([0.0; BLOCK], [0.0; BLOCK]);
        for (n, (neighbour, edge)) in by_source.neighbours[block].iter().zip(edges).enumerate() {
            rows[n] = destination.row(*neighbour as usize);
            scores[n] = dot(simd, x, rows[n]);
            targets[n] = labels[*edge as usize];
        }
        let (loss, weights) = cross_entropy(simd, &scores, &targets, edges.len(), self.n_terms);
        for (edge, weight) in edges.iter().zip(weights) {
            self.gradients.set(*edge, weight);
        }
        add_weighted(simd, sum, &rows[..edges.len()], 0, &weights[..edges.len()]);
        loss
    }

    /// `pairs` are positions in the halved row.
    #[inline(always)]
    fn add_pairs<S: Simd>(&self, simd: S, row: usize, pairs: Range<usize>, sum: &mut [f32]) -> f64 {
        let EdgeLoss { source, destination, by_source, .. } = self.loss;
        let x = source.row(row);
        let edges = by_source.row(row);
        let first = edges.start - edges.start / 2 + pairs.start;
        let (n_pairs, half) = (pairs.len(), edges.len() / 2);
        let (mut positives, mut negatives): ([&[f32]; BLOCK], [&[f32]; BLOCK]) = ([&[]; BLOCK], [&[]; BLOCK]);
        for begin in [first, first + half] {
            let ahead = Reach::all(by_source.n_edges()).ahead(&(begin..begin + n_pairs));
            destination.prefetch(&by_source.neighbours[ahead.clone()]);
            prefetch_rows(&self.gradients.0, 1, &by_source.edges[ahead]);
        }
        let mut differences = [0.0; BLOCK];
        for n in 0..n_pairs {
            positives[n] = destination.row(by_source.neighbours[first + n] as usize);
            negatives[n] = destination.row(by_source.neighbours[first + half + n] as usize);
            differences[n] = dot(simd, x, positives[n]) - dot(simd, x, negatives[n]);
        }
        // -log s(x) is the cross-entropy of x and the label 1.
        let (loss, mut weights) = cross_entropy(simd, &differences, &[1.0; BLOCK], n_pairs, self.n_terms);
        for (n, weight) in weights[..n_pairs].iter().enumerate() {
            self.gradients.set(by_source.edges[first + n], *weight);
            self.gradients.set(by_source.edges[first + half + n], -weight);
        }
        add_weighted(simd, sum, &positives[..n_pairs], 0, &weights[..n_pairs]);
        for weight in &mut weights {
            *weight = -*weight;
        }
        add_weighted(simd, sum, &negatives[..n_pairs], 0, &weights[..n_pairs]);
        loss
    }
}

/// Of the first `n` scores: the sum of their cross-entropies with the labels, and the gradient of each one's share of the mean of
/// `n_terms`. With `p = e^-|x|`, which never overflows, `log(1 + e^x) = max(x, 0) + log(1 + p)`, and `s(x)` is `1 / (1 + p)` or, below 0,
/// `p / (1 + p)`.
#[inline(always)]
fn cross_entropy<S: Simd>(
    simd: S,
    scores: &[f32; BLOCK],
    labels: &[f32; BLOCK],
    n: usize,
    n_terms: usize,
) -> (f64, [f32; BLOCK]) {
    let (mut losses, mut gradients) = ([0.0; BLOCK], [0.0; BLOCK]);
    let (zero, one, n_terms) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0), simd.splat_f32s(n_terms as f32));
    let inputs = S::as_simd_f32s(scores).0.iter().zip(S::as_simd_f32s(labels).0);
    let outputs = S::as_mut_simd_f32s(&mut losses).0.iter_mut().zip(S::as_mut_simd_f32s(&mut gradients).0);
    for ((score, label), (loss, gradient)) in inputs.zip(outputs) {
        let power = exp(simd, simd.neg_f32s(simd.abs_f32s(*score)));
        let above = simd.select_f32s(simd.less_than_f32s(*score, zero), zero, *score); // NaN stays
        let linear = simd.sub_f32s(above, simd.mul_f32s(*score, *label));
        *loss = simd.add_f32s(linear, ln_1p(simd, power));
        let of_positive = simd.div_f32s(one, simd.add_f32s(one, power));
        let of_negative = simd.mul_f32s(power, of_positive);
        let sigmoid = simd.select_f32s(simd.less_than_f32s(*score, zero), of_negative, of_positive);
        *gradient = simd.div_f32s(simd.sub_f32s(sigmoid, *label), n_terms);
    }
    losses[n..].fill(0.0);
    let mut sum = zero;
    for losses in S::as_simd_f32s(&losses).0 {
        sum = simd.add_f32s(sum, *losses);
    }
    (f64::from(simd.reduce_sum_f32s(sum)), gradients)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::csr::group;

    const N: (usize, usize) = (7, 9);

    fn values(n: usize, seed: u64) -> Vec<f32> {
        (0..n as u64).map(|at| ((at * 7919 + seed * 104_729) % 41) as f32 / 20.0 - 1.0).collect()
    }

    /// Loss and both gradients.
    fn fused(edges: &[(i64, i64)], width: usize, criterion: Criterion) -> (f64, Vec<f32>, Vec<f32>) {
        let (sources, destinations): (Vec<i64>, Vec<i64>) = edges.iter().copied().unzip();
        let by_source = group(&sources, &destinations, N.0, N.1).unwrap();
        let by_destination = group(&destinations, &sources, N.1, N.0).unwrap();
        let (x, y) = (values(N.0 * width, 1), values(N.1 * width, 2));
        let (source, destination) = (Rows::new(&x, N.0, width), Rows::new(&y, N.1, width));
        let (mut of_source, mut of_destination) = (vec![f32::NAN; x.len()], vec![f32::NAN; y.len()]);
        let loss = EdgeLoss { source, destination, criterion, by_source: by_source.view() };
        let (value, gradients) = loss.forward(&mut of_source);
        EdgeLoss::destination_gradient(source, &by_destination.view(), &gradients, 1.0, &mut of_destination);
        (value, of_source, of_destination)
    }

    /// The same from the gradient `by_score` of every edge.
    fn expected(edges: &[(i64, i64)], width: usize, by_score: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (x, y) = (values(N.0 * width, 1), values(N.1 * width, 2));
        let (mut of_source, mut of_destination) = (vec![0.0; x.len()], vec![0.0; y.len()]);
        for ((user, item), gradient) in edges.iter().zip(by_score) {
            for column in 0..width {
                let (u, i) = (*user as usize * width + column, *item as usize * width + column);
                of_source[u] += gradient * f64::from(y[i]);
                of_destination[i] += gradient * f64::from(x[u]);
            }
        }
        (of_source, of_destination)
    }

    fn score(edge: (i64, i64), width: usize) -> f64 {
        let (x, y) = (values(N.0 * width, 1), values(N.1 * width, 2));
        let (x, y) = (&x[edge.0 as usize * width..][..width], &y[edge.1 as usize * width..][..width]);
        x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    }

    fn close(ours: &[f32], expected: &[f64]) -> bool {
        ours.iter().zip(expected).all(|(ours, expected)| (f64::from(*ours) - expected).abs() < 1e-5)
    }

    fn softplus(x: f64) -> f64 {
        x.max(0.0) + (-x.abs()).exp().ln_1p()
    }

    fn s(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    proptest! {
        #[test]
        fn binary_cross_entropy_is_its_definition(
            labelled in prop::collection::vec((0_i64..7, 0_i64..9, any::<bool>()), 1..150),
            hub in 0_usize..700,
            width in 1_usize..40,
        ) {
            let labelled: Vec<_> = labelled.into_iter().chain((0..hub).map(|at| (3, at as i64 % 9, at % 3 == 0))).collect();
            let edges: Vec<_> = labelled.iter().map(|(user, item, _)| (*user, *item)).collect();
            let labels: Vec<f32> = labelled.iter().map(|(_, _, label)| f32::from(u8::from(*label))).collect();
            let (value, of_source, of_destination) = fused(&edges, width, Criterion::BceWithLogits { labels: &labels });
            let n = edges.len() as f64;
            let terms = edges.iter().zip(&labels).map(|(edge, y)| (score(*edge, width), f64::from(*y)));
            let loss: f64 = terms.clone().map(|(x, y)| y * softplus(-x) + (1.0 - y) * softplus(x)).sum::<f64>() / n;
            let by_score: Vec<f64> = terms.map(|(x, y)| (s(x) - y) / n).collect();
            let (source, destination) = expected(&edges, width, &by_score);
            prop_assert!((value - loss).abs() < 1e-5, "{} {}", value, loss);
            prop_assert!(close(&of_source, &source) && close(&of_destination, &destination));
        }

        #[test]
        fn bayesian_personalized_ranking_is_its_definition(
            pairs in prop::collection::vec((0_i64..7, 0_i64..9, 0_i64..9), 1..100),
            hub in 0_usize..700,
            width in 1_usize..40,
        ) {
            let pairs: Vec<_> = pairs.into_iter().chain((0..hub as i64).map(|at| (3, at % 9, at % 5))).collect();
            let positives = pairs.iter().map(|(user, item, _)| (*user, *item));
            let edges: Vec<_> = positives.chain(pairs.iter().map(|(user, _, item)| (*user, *item))).collect();
            let (value, of_source, of_destination) = fused(&edges, width, Criterion::Bpr);
            let n = pairs.len();
            let difference = |at: usize| score(edges[at], width) - score(edges[n + at], width);
            let loss = (0..n).map(|at| softplus(-difference(at))).sum::<f64>() / n as f64;
            let positive: Vec<f64> = (0..n).map(|at| (s(difference(at)) - 1.0) / n as f64).collect();
            let by_score: Vec<f64> = positive.iter().copied().chain(positive.iter().map(|g| -g)).collect();
            let (source, destination) = expected(&edges, width, &by_score);
            prop_assert!((value - loss).abs() < 1e-5, "{} {}", value, loss);
            prop_assert!(close(&of_source, &source) && close(&of_destination, &destination));
        }
    }
}

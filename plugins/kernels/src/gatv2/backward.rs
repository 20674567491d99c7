//! From the gradient of the output to those of the inputs.
//!
//! With `k_ij` what dropout multiplies a weight by, and `g_i` the gradient of `out_i`, per head:
//!
//! ```text
//! alpha_ij = exp(e_ij - log_sum_i)
//! d e_ij   = alpha_ij (k_ij g_i . x_l_j - g_i . (out_i - bias))
//! d x_r_i  = sum over j of  d e_ij att * LeakyReLU'(x_l_j + x_r_i)
//! d x_l_j  = sum over i of (d e_ij att * LeakyReLU'(x_l_j + x_r_i) + k_ij alpha_ij g_i)
//! d att    = sum over all   d e_ij LeakyReLU(x_l_j + x_r_i)
//! ```
//!
//! By destination: `d e`, `d x_r`, `d att`; `d e` and `k alpha` are kept, two numbers an edge and head. By source: `d x_l`.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use pulp::Simd;

use super::Gatv2;
use crate::csr::Csr;
use crate::parallel::{filled, Disjoint};
use crate::prefetch::{prefetch_places, prefetch_rows};
use crate::row_sums::{sum_rows, Place, RowSum};
use crate::rows::Rows;
use crate::vector::{add_weighted, dot, dots, exp_block, with_width, BLOCK, SUMS};
use crate::visits::Order;

/// What forward left, and the gradient that came.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// As [`super::Saved`].
    pub scores: &'a [f32],
    pub log_sums: &'a [f32],
    /// `[n_destinations, width]`.
    pub out: Rows<'a>,
    pub grad_out: Rows<'a>,
}

/// Written, not added to.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// `[n_sources, width]`.
    pub x_l: &'a mut [f32],
    /// `[n_destinations, width]`.
    pub x_r: &'a mut [f32],
    /// `[heads, channels]`.
    pub att: &'a mut [f32],
}

impl Gatv2<'_> {
    /// # Panics
    /// If the lengths do not fit each other.
    pub fn backward(&self, by_destination: &Csr, by_source: &Csr, incoming: &Incoming, gradients: Gradients) {
        assert_eq!(by_destination.n_edges(), by_source.n_edges());
        let weights = filled(by_destination.n_edges() * self.heads, EdgeWeight::default);
        self.by_destination(by_destination, incoming, &weights, gradients.x_r, gradients.att);
        self.by_source(by_source, incoming.grad_out, &weights, gradients.x_l);
    }

    fn by_destination(
        &self,
        csr: &Csr,
        incoming: &Incoming,
        weights: &[EdgeWeight],
        grad_x_r: &mut [f32],
        grad_att: &mut [f32],
    ) {
        let width = self.width();
        let order = Order::of(csr, &[self.x_l]);
        let mut att_sums = vec![0.0; order.shares.pieces.len() * width];
        let att = Disjoint::new(&mut att_sums);
        let task = ByDestination { layer: self, csr, incoming, weights, att };
        sum_rows(&order, grad_x_r, width, &task);
        grad_att.fill(0.0);
        for sums in att_sums.chunks(width.max(1)) {
            grad_att.iter_mut().zip(sums).for_each(|(att, sum)| *att += sum);
        }
    }

    fn by_source(&self, csr: &Csr, grad_out: Rows, weights: &[EdgeWeight], grad_x_l: &mut [f32]) {
        let task = BySource { layer: self, csr, grad_out, weights };
        sum_rows(&Order::of(csr, &[self.x_r, grad_out]), grad_x_l, self.width(), &task);
    }
}

/// `k alpha` and `d e` of an edge of the edge list and a head: written going by destination, read going by source. Atomic because an
/// index from elsewhere might name an edge twice; relaxed, these are plain moves.
#[derive(Default)]
struct EdgeWeight(AtomicU64);

impl EdgeWeight {
    #[inline(always)]
    fn set(&self, kept_alpha: f32, d_score: f32) {
        let bits = u64::from(kept_alpha.to_bits()) << 32 | u64::from(d_score.to_bits());
        self.0.store(bits, Ordering::Relaxed);
    }

    #[inline(always)]
    fn get(&self) -> (f32, f32) {
        let bits = self.0.load(Ordering::Relaxed);
        (f32::from_bits((bits >> 32) as u32), f32::from_bits(bits as u32))
    }
}

struct ByDestination<'a> {
    layer: &'a Gatv2<'a>,
    csr: &'a Csr<'a>,
    incoming: &'a Incoming<'a>,
    weights: &'a [EdgeWeight],
    /// The gradient of `att` by piece.
    att: Disjoint<'a, f32>,
}

impl RowSum for ByDestination<'_> {
    /// `g_i . (out_i - bias)` of every head.
    type Scratch = Vec<f32>;

    fn scratch(&self) -> Vec<f32> {
        vec![0.0; self.layer.heads]
    }

    #[inline(always)]
    fn add<S: Simd>(&self, simd: S, means: &mut Vec<f32>, at: &Place, edges: Range<usize>, slopes: &mut [f32]) {
        with_width!(self.layer.channels(), |channels| self.add_edges(simd, channels, means, at, edges, slopes));
    }

    #[inline(always)]
    fn finish<S: Simd>(&self, _: S, _: usize, slopes: &mut [f32]) {
        for (slope, att) in slopes.iter_mut().zip(self.layer.att) {
            *slope *= att;
        }
    }
}

impl ByDestination<'_> {
    #[inline(always)]
    fn add_edges<S: Simd>(
        &self,
        simd: S,
        channels: usize,
        means: &mut [f32],
        at: &Place,
        edges: Range<usize>,
        slopes: &mut [f32],
    ) {
        let Self { layer, csr, incoming, weights, att } = self;
        let (width, heads) = (layer.width(), layer.heads);
        // SAFETY: a piece is worked on by one thread at a time, which uses its share of `att` here only.
        let grad_att = unsafe { att.range(at.piece * width, (at.piece + 1) * width) };
        let (x_r, grad, out) = (layer.x_r.row(at.row), incoming.grad_out.row(at.row), incoming.out.row(at.row));
        for (head, mean) in means.iter_mut().enumerate() {
            let columns = head * channels..(head + 1) * channels;
            // `out` holds the bias, which is no part of the weighted mean.
            let of_bias = match layer.bias {
                Some(bias) => dot(simd, &grad[columns.clone()], &bias[columns.clone()]),
                None => 0.0,
            };
            *mean = dot(simd, &grad[columns.clone()], &out[columns]) - of_bias;
        }
        for block_begin in edges.clone().step_by(BLOCK) {
            let block = block_begin..(block_begin + BLOCK).min(edges.end);
            let ahead = at.reach.ahead(&block);
            layer.x_l.prefetch(&csr.neighbours[ahead.clone()]);
            prefetch_places(weights, heads, &csr.edges[ahead]);
            let mut rows: [&[f32]; BLOCK] = [&[]; BLOCK];
            for (row, neighbour) in rows.iter_mut().zip(&csr.neighbours[block.clone()]) {
                *row = layer.x_l.row(*neighbour as usize);
            }
            let rows = &rows[..block.len()];
            for (head, mean) in means.iter().enumerate() {
                let columns = head * channels..(head + 1) * channels;
                let mut alpha = [0.0; BLOCK];
                for (alpha, edge) in alpha.iter_mut().zip(block.clone()) {
                    *alpha = incoming.scores[edge * heads + head];
                }
                exp_block(simd, &mut alpha, incoming.log_sums[at.row * heads + head]);
                let mut d_scores = [0.0; BLOCK];
                all_dots(simd, &grad[columns.clone()], rows, columns.start, &mut d_scores);
                for (n, edge) in csr.edges[block.clone()].iter().enumerate() {
                    let kept = layer.kept(*edge, head);
                    d_scores[n] = alpha[n] * (kept * d_scores[n] - mean);
                    weights[*edge as usize * heads + head].set(kept * alpha[n], d_scores[n]);
                }
                let sums = (&mut slopes[columns.clone()], &mut grad_att[columns.clone()]);
                let fixed = &x_r[columns.clone()];
                add_slopes(simd, layer.negative_slope, sums, fixed, rows, columns.start, &d_scores[..rows.len()]);
            }
        }
    }
}

struct BySource<'a> {
    layer: &'a Gatv2<'a>,
    csr: &'a Csr<'a>,
    grad_out: Rows<'a>,
    weights: &'a [EdgeWeight],
}

impl RowSum for BySource<'_> {
    /// The sum of `d e LeakyReLU'`, `[width]`.
    type Scratch = Vec<f32>;

    fn scratch(&self) -> Vec<f32> {
        vec![0.0; self.layer.width()]
    }

    #[inline(always)]
    fn add<S: Simd>(&self, simd: S, slopes: &mut Vec<f32>, at: &Place, edges: Range<usize>, sum: &mut [f32]) {
        with_width!(self.layer.channels(), |channels| self.add_edges(simd, channels, slopes, at, edges, sum));
    }
}

impl BySource<'_> {
    #[inline(always)]
    fn add_edges<S: Simd>(
        &self,
        simd: S,
        channels: usize,
        slopes: &mut [f32],
        at: &Place,
        edges: Range<usize>,
        sum: &mut [f32],
    ) {
        let Self { layer, csr, grad_out, weights } = self;
        let heads = layer.heads;
        slopes.fill(0.0);
        let x_l = layer.x_l.row(at.row);
        for block_begin in edges.clone().step_by(BLOCK) {
            let block = block_begin..(block_begin + BLOCK).min(edges.end);
            let (n, ahead) = (block.len(), at.reach.ahead(&block));
            layer.x_r.prefetch(&csr.neighbours[ahead.clone()]);
            grad_out.prefetch(&csr.neighbours[ahead.clone()]);
            prefetch_rows(weights, heads, &csr.edges[ahead]);
            let (mut rows, mut grads): ([&[f32]; BLOCK], [&[f32]; BLOCK]) = ([&[]; BLOCK], [&[]; BLOCK]);
            for (n, neighbour) in csr.neighbours[block.clone()].iter().enumerate() {
                rows[n] = layer.x_r.row(*neighbour as usize);
                grads[n] = grad_out.row(*neighbour as usize);
            }
            for head in 0..heads {
                let columns = head * channels..(head + 1) * channels;
                let (mut kept_alpha, mut d_scores) = ([0.0; BLOCK], [0.0; BLOCK]);
                for (n, edge) in csr.edges[block.clone()].iter().enumerate() {
                    (kept_alpha[n], d_scores[n]) = weights[*edge as usize * heads + head].get();
                }
                add_weighted(simd, &mut sum[columns.clone()], &grads[..n], columns.start, &kept_alpha[..n]);
                let (slopes, fixed) = (&mut slopes[columns.clone()], &x_l[columns.clone()]);
                let sums = (slopes, &mut [][..]);
                add_slopes(simd, layer.negative_slope, sums, fixed, &rows[..n], columns.start, &d_scores[..n]);
            }
        }
        for ((sum, slope), att) in sum.iter_mut().zip(&*slopes).zip(layer.att) {
            *sum += slope * att;
        }
    }
}

/// `dots[n] = a . rows[n]`, from column `column` on.
#[inline(always)]
fn all_dots<S: Simd>(simd: S, a: &[f32], rows: &[&[f32]], column: usize, products: &mut [f32; BLOCK]) {
    let mut groups = rows.chunks_exact(4);
    let mut product_groups = products[..rows.len()].chunks_exact_mut(4);
    for (products, rows) in product_groups.by_ref().zip(groups.by_ref()) {
        products.copy_from_slice(&dots(simd, a, [rows[0], rows[1], rows[2], rows[3]], column));
    }
    for (product, row) in product_groups.into_remainder().iter_mut().zip(groups.remainder()) {
        [*product] = dots(simd, a, [*row], column);
    }
}

/// `slopes += sum over rows of d LeakyReLU'(fixed + row)` and, if there is `att`, `att += sum of d LeakyReLU(fixed + row)`.
#[inline(always)]
fn add_slopes<S: Simd>(
    simd: S,
    negative_slope: f32,
    (slopes, att): (&mut [f32], &mut [f32]),
    fixed: &[f32],
    rows: &[&[f32]],
    column: usize,
    d_scores: &[f32],
) {
    let task = Slopes { fixed, rows, column, d_scores, negative_slope };
    let (width, mut at) = (fixed.len(), 0);
    while at + SUMS * S::F32_LANES <= width {
        task.add_columns::<S, SUMS>(simd, at, slopes, att);
        at += SUMS * S::F32_LANES;
    }
    while at + S::F32_LANES <= width {
        task.add_columns::<S, 1>(simd, at, slopes, att);
        at += S::F32_LANES;
    }
    if at < width {
        task.add_rest(simd, at, slopes, att);
    }
}

struct Slopes<'a> {
    fixed: &'a [f32],
    rows: &'a [&'a [f32]],
    column: usize,
    d_scores: &'a [f32],
    negative_slope: f32,
}

impl Slopes<'_> {
    /// For `N` whole vectors of columns from `at` on, whose sums stay in registers.
    #[inline(always)]
    fn add_columns<S: Simd, const N: usize>(&self, simd: S, at: usize, slopes: &mut [f32], att: &mut [f32]) {
        let columns = at..at + N * S::F32_LANES;
        let (fixed, _) = S::as_simd_f32s(&self.fixed[columns.clone()]);
        let (slopes, _) = S::as_mut_simd_f32s(&mut slopes[columns.clone()]);
        let mut sums = [[simd.splat_f32s(0.0); 2]; N];
        for n in 0..N {
            sums[n][0] = slopes[n];
        }
        for (row, d) in self.rows.iter().zip(self.d_scores) {
            let (row, _) = S::as_simd_f32s(&row[self.column..][columns.clone()]);
            let (above, below) = (simd.splat_f32s(*d), simd.splat_f32s(d * self.negative_slope));
            for n in 0..N {
                sums[n] = add_slope(simd, simd.add_f32s(fixed[n], row[n]), above, below, sums[n]);
            }
        }
        for n in 0..N {
            slopes[n] = sums[n][0];
        }
        if !att.is_empty() {
            let (att, _) = S::as_mut_simd_f32s(&mut att[columns]);
            for n in 0..N {
                att[n] = simd.add_f32s(att[n], sums[n][1]);
            }
        }
    }

    /// For the columns from `at` on, less than a vector.
    #[inline(always)]
    fn add_rest<S: Simd>(&self, simd: S, at: usize, slopes: &mut [f32], att: &mut [f32]) {
        let fixed = simd.partial_load_f32s(&self.fixed[at..]);
        let mut sums = [simd.partial_load_f32s(&slopes[at..]), simd.splat_f32s(0.0)];
        for (row, d) in self.rows.iter().zip(self.d_scores) {
            let row = simd.partial_load_f32s(&row[self.column..][at..self.fixed.len()]);
            let (above, below) = (simd.splat_f32s(*d), simd.splat_f32s(d * self.negative_slope));
            sums = add_slope(simd, simd.add_f32s(fixed, row), above, below, sums);
        }
        simd.partial_store_f32s(&mut slopes[at..], sums[0]);
        if !att.is_empty() {
            let sum = simd.add_f32s(simd.partial_load_f32s(&att[at..]), sums[1]);
            simd.partial_store_f32s(&mut att[at..], sum);
        }
    }
}

/// Adds `d LeakyReLU'(x)` and `d LeakyReLU(x)`.
#[inline(always)]
fn add_slope<S: Simd>(
    simd: S,
    x: S::f32s,
    above: S::f32s,
    below: S::f32s,
    [slopes, att]: [S::f32s; 2],
) -> [S::f32s; 2] {
    let d = simd.select_f32s(simd.greater_than_f32s(x, simd.splat_f32s(0.0)), above, below);
    [simd.add_f32s(slopes, d), simd.mul_add_e_f32s(d, x, att)]
}

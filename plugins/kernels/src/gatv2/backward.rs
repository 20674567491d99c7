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
use crate::prefetch::prefetch_rows;
use crate::row_sums::{sum_rows, Place, RowSum};
use crate::rows::Rows;
use crate::vector::{add_weighted, dot, exp_block, BLOCK};
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
    type Scratch = ();

    fn scratch(&self) {}

    #[inline(always)]
    fn add<S: Simd>(&self, simd: S, (): &mut (), at: &Place, edges: Range<usize>, slopes: &mut [f32]) {
        let Self { layer, csr, incoming, weights, att } = self;
        let (width, heads, channels) = (layer.width(), layer.heads, layer.channels());
        // SAFETY: a piece is worked on by one thread at a time, which uses its share of `att` here only.
        let grad_att = unsafe { att.range(at.piece * width, (at.piece + 1) * width) };
        let (x_r, grad, out) = (layer.x_r.row(at.row), incoming.grad_out.row(at.row), incoming.out.row(at.row));
        for block_begin in edges.clone().step_by(BLOCK) {
            let block = block_begin..(block_begin + BLOCK).min(edges.end);
            let ahead = at.reach.ahead(&block);
            layer.x_l.prefetch(&csr.neighbours[ahead.clone()]);
            prefetch_rows(weights, heads, &csr.edges[ahead]);
            let mut rows: [&[f32]; BLOCK] = [&[]; BLOCK];
            for (row, neighbour) in rows.iter_mut().zip(&csr.neighbours[block.clone()]) {
                *row = layer.x_l.row(*neighbour as usize);
            }
            let rows = &rows[..block.len()];
            for head in 0..heads {
                let columns = head * channels..(head + 1) * channels;
                let grad = &grad[columns.clone()];
                // `out` holds the bias, which is no part of the weighted mean.
                let of_bias = match layer.bias {
                    Some(bias) => dot(simd, grad, &bias[columns.clone()]),
                    None => 0.0,
                };
                let mean = dot(simd, grad, &out[columns.clone()]) - of_bias;
                let mut alpha = [0.0; BLOCK];
                for (alpha, edge) in alpha.iter_mut().zip(block.clone()) {
                    *alpha = incoming.scores[edge * heads + head];
                }
                exp_block(simd, &mut alpha, incoming.log_sums[at.row * heads + head]);
                let mut d_scores = [0.0; BLOCK];
                for (n, (edge, row)) in csr.edges[block.clone()].iter().zip(rows).enumerate() {
                    let kept = layer.kept(*edge, head);
                    d_scores[n] = alpha[n] * (kept * dot(simd, grad, &row[columns.clone()]) - mean);
                    weights[*edge as usize * heads + head].set(kept * alpha[n], d_scores[n]);
                }
                let sums = (&mut slopes[columns.clone()], &mut grad_att[columns.clone()]);
                let fixed = &x_r[columns.clone()];
                add_slopes(simd, layer.negative_slope, sums, fixed, rows, columns.start, &d_scores[..rows.len()]);
            }
        }
    }

    #[inline(always)]
    fn finish<S: Simd>(&self, _: S, _: usize, slopes: &mut [f32]) {
        for (slope, att) in slopes.iter_mut().zip(self.layer.att) {
            *slope *= att;
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
        let Self { layer, csr, grad_out, weights } = self;
        let (heads, channels) = (layer.heads, layer.channels());
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
    let mut groups = rows.chunks_exact(4);
    let mut d_groups = d_scores.chunks_exact(4);
    for (rows, d) in groups.by_ref().zip(d_groups.by_ref()) {
        let rows = [rows[0], rows[1], rows[2], rows[3]];
        add_group(simd, negative_slope, (slopes, att), fixed, rows, column, [d[0], d[1], d[2], d[3]]);
    }
    for (row, d) in groups.remainder().iter().zip(d_groups.remainder()) {
        add_group(simd, negative_slope, (slopes, att), fixed, [*row], column, [*d]);
    }
}

#[inline(always)]
fn add_group<S: Simd, const N: usize>(
    simd: S,
    negative_slope: f32,
    (slopes, att): (&mut [f32], &mut [f32]),
    fixed: &[f32],
    rows: [&[f32]; N],
    column: usize,
    d_scores: [f32; N],
) {
    let zero = simd.splat_f32s(0.0);
    let (mut above, mut below) = ([zero; N], [zero; N]);
    let mut vectors: [(&[S::f32s], &[f32]); N] = [(&[], &[]); N];
    for n in 0..N {
        above[n] = simd.splat_f32s(d_scores[n]);
        below[n] = simd.splat_f32s(d_scores[n] * negative_slope);
        vectors[n] = S::as_simd_f32s(&rows[n][column..][..fixed.len()]);
    }
    let (fixed, fixed_rest) = S::as_simd_f32s(fixed);
    let (slopes, slopes_rest) = S::as_mut_simd_f32s(slopes);
    let with_att = !att.is_empty();
    let (att, att_rest) = S::as_mut_simd_f32s(att);
    let n_vectors = fixed.len();
    for vector in &mut vectors {
        vector.0 = &vector.0[..n_vectors];
    }
    let slopes = &mut slopes[..n_vectors];
    for at in 0..n_vectors {
        let mut sums = [slopes[at], zero];
        for n in 0..N {
            sums = add_slope(simd, simd.add_f32s(fixed[at], vectors[n].0[at]), above[n], below[n], sums);
        }
        slopes[at] = sums[0];
        if with_att {
            att[at] = simd.add_f32s(att[at], sums[1]);
        }
    }
    if !fixed_rest.is_empty() {
        let fixed = simd.partial_load_f32s(fixed_rest);
        let mut sums = [simd.partial_load_f32s(slopes_rest), zero];
        for n in 0..N {
            let x = simd.add_f32s(fixed, simd.partial_load_f32s(vectors[n].1));
            sums = add_slope(simd, x, above[n], below[n], sums);
        }
        simd.partial_store_f32s(slopes_rest, sums[0]);
        if with_att {
            let att = simd.add_f32s(simd.partial_load_f32s(att_rest), sums[1]);
            simd.partial_store_f32s(att_rest, att);
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

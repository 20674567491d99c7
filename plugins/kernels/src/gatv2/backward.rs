//! From the gradient of the output to those of the inputs.
//!
//! With `k_ij` what dropout multiplies a weight by, and `g_i` the gradient of `out_i`, per head:
//!
//! ```text
//! alpha_ij = exp(e_ij - log_sum_i)
//! d e_ij   = alpha_ij (k_ij g_i . x_l_j - g_i . out_i)
//! d x_r_i  = sum over j of  d e_ij att * LeakyReLU'(x_l_j + x_r_i)
//! d x_l_j  = sum over i of (d e_ij att * LeakyReLU'(x_l_j + x_r_i) + k_ij alpha_ij g_i)
//! d att    = sum over all   d e_ij LeakyReLU(x_l_j + x_r_i)
//! ```
//!
//! By destination: `d e`, `d x_r`, `d att`; `d e` and `k alpha` are kept, two numbers an edge and head. By source: `d x_l`.

use std::sync::atomic::{AtomicU64, Ordering};

use pulp::{Simd, WithSimd};

use super::Gatv2;
use crate::arch::arch;
use crate::csr::Csr;
use crate::parallel::{for_each, for_each_with, Disjoint};
use crate::pieces::{Piece, Pieces};
use crate::rows::Rows;
use crate::vector::{add, add_weighted, dot, exp_block, BLOCK};

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
        let weights: Vec<_> = (0..by_destination.n_edges() * self.heads).map(|_| EdgeWeight::default()).collect();
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
        let all = Pieces::of(csr);
        let (n_parts, Pieces { pieces, split_rows }) = (all.n_parts(), &all);
        let mut part_sums = vec![0.0; n_parts * width];
        let mut att_sums = vec![0.0; pieces.len() * width];
        {
            let (x_r, sums) = (Disjoint::new(&mut *grad_x_r), Disjoint::new(&mut part_sums));
            let att_sums = Disjoint::new(&mut att_sums);
            for_each(pieces.len(), |at| {
                let piece = &pieces[at];
                // SAFETY: whole rows are in one piece only; every part has its own sums, every piece its own share of `att`.
                let (grad_x_r, grad_att) = unsafe {
                    let x_r = match piece.part {
                        None => x_r.range(piece.rows.start * width, piece.rows.end * width),
                        Some(part) => sums.range(part * width, (part + 1) * width),
                    };
                    (x_r, att_sums.range(at * width, (at + 1) * width))
                };
                let task = ByDestination { layer: self, csr, piece, incoming, weights, grad_x_r, grad_att };
                arch().dispatch(task);
            });
        }
        arch().dispatch(Join { parts: &part_sums, split_rows, out: grad_x_r, width, factor: Some(self.att) });
        grad_att.fill(0.0);
        for sums in att_sums.chunks(width.max(1)) {
            grad_att.iter_mut().zip(sums).for_each(|(att, sum)| *att += sum);
        }
    }

    fn by_source(&self, csr: &Csr, grad_out: Rows, weights: &[EdgeWeight], grad_x_l: &mut [f32]) {
        let width = self.width();
        let all = Pieces::of(csr);
        let (n_parts, Pieces { pieces, split_rows }) = (all.n_parts(), &all);
        let mut part_sums = vec![0.0; n_parts * width];
        {
            let (x_l, sums) = (Disjoint::new(&mut *grad_x_l), Disjoint::new(&mut part_sums));
            for_each_with(
                pieces.len(),
                || vec![0.0; width],
                |slopes, at| {
                    let piece = &pieces[at];
                    // SAFETY: whole rows are in one piece only; every part has its own sums.
                    let grad_x_l = unsafe {
                        match piece.part {
                            None => x_l.range(piece.rows.start * width, piece.rows.end * width),
                            Some(part) => sums.range(part * width, (part + 1) * width),
                        }
                    };
                    let task = BySource { layer: self, csr, piece, grad_out, weights, slopes, grad_x_l };
                    arch().dispatch(task);
                },
            );
        }
        arch().dispatch(Join { parts: &part_sums, split_rows, out: grad_x_l, width, factor: None });
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
    piece: &'a Piece,
    incoming: &'a Incoming<'a>,
    weights: &'a [EdgeWeight],
    /// The piece's rows, or the sum of its part (then without the factor `att`).
    grad_x_r: &'a mut [f32],
    grad_att: &'a mut [f32],
}

impl WithSimd for ByDestination<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, csr, piece, incoming, weights, grad_x_r, grad_att } = self;
        let (width, heads, channels) = (layer.width(), layer.heads, layer.channels());
        for row in piece.rows.clone() {
            let edges = if piece.part.is_some() { piece.edges.clone() } else { csr.row(row) };
            let slopes = &mut grad_x_r[(row - piece.rows.start) * width..][..width];
            slopes.fill(0.0);
            let (x_r, grad, out) = (layer.x_r.row(row), incoming.grad_out.row(row), incoming.out.row(row));
            for block_begin in edges.clone().step_by(BLOCK) {
                let block = block_begin..(block_begin + BLOCK).min(edges.end);
                let mut rows: [&[f32]; BLOCK] = [&[]; BLOCK];
                for (row, neighbour) in rows.iter_mut().zip(&csr.neighbours[block.clone()]) {
                    *row = layer.x_l.row(*neighbour as usize);
                }
                let rows = &rows[..block.len()];
                for head in 0..heads {
                    let columns = head * channels..(head + 1) * channels;
                    let grad = &grad[columns.clone()];
                    let mean = dot(simd, grad, &out[columns.clone()]);
                    let mut alpha = [0.0; BLOCK];
                    for (alpha, edge) in alpha.iter_mut().zip(block.clone()) {
                        *alpha = incoming.scores[edge * heads + head];
                    }
                    exp_block(simd, &mut alpha, incoming.log_sums[row * heads + head]);
                    let mut d_scores = [0.0; BLOCK];
                    for (at, (edge, row)) in csr.edges[block.clone()].iter().zip(rows).enumerate() {
                        let kept = layer.kept(*edge, head);
                        d_scores[at] = alpha[at] * (kept * dot(simd, grad, &row[columns.clone()]) - mean);
                        weights[*edge as usize * heads + head].set(kept * alpha[at], d_scores[at]);
                    }
                    let sums = (&mut slopes[columns.clone()], &mut grad_att[columns.clone()]);
                    let fixed = &x_r[columns.clone()];
                    add_slopes(simd, layer.negative_slope, sums, fixed, rows, columns.start, &d_scores[..rows.len()]);
                }
            }
            if piece.part.is_none() {
                for (slope, att) in slopes.iter_mut().zip(layer.att) {
                    *slope *= att;
                }
            }
        }
    }
}

struct BySource<'a> {
    layer: &'a Gatv2<'a>,
    csr: &'a Csr<'a>,
    piece: &'a Piece,
    grad_out: Rows<'a>,
    weights: &'a [EdgeWeight],
    /// Scratch, `[width]`.
    slopes: &'a mut [f32],
    grad_x_l: &'a mut [f32],
}

impl WithSimd for BySource<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, csr, piece, grad_out, weights, slopes, grad_x_l } = self;
        let (width, heads, channels) = (layer.width(), layer.heads, layer.channels());
        for row in piece.rows.clone() {
            let edges = if piece.part.is_some() { piece.edges.clone() } else { csr.row(row) };
            let sum = &mut grad_x_l[(row - piece.rows.start) * width..][..width];
            sum.fill(0.0);
            slopes.fill(0.0);
            let x_l = layer.x_l.row(row);
            for block_begin in edges.clone().step_by(BLOCK) {
                let block = block_begin..(block_begin + BLOCK).min(edges.end);
                let n = block.len();
                let (mut rows, mut grads): ([&[f32]; BLOCK], [&[f32]; BLOCK]) = ([&[]; BLOCK], [&[]; BLOCK]);
                for (at, neighbour) in csr.neighbours[block.clone()].iter().enumerate() {
                    rows[at] = layer.x_r.row(*neighbour as usize);
                    grads[at] = grad_out.row(*neighbour as usize);
                }
                for head in 0..heads {
                    let columns = head * channels..(head + 1) * channels;
                    let (mut kept_alpha, mut d_scores) = ([0.0; BLOCK], [0.0; BLOCK]);
                    for (at, edge) in csr.edges[block.clone()].iter().enumerate() {
                        (kept_alpha[at], d_scores[at]) = weights[*edge as usize * heads + head].get();
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

/// Adds up the parts of split rows in their order, times `factor` if there is one.
struct Join<'a> {
    parts: &'a [f32],
    split_rows: &'a [(usize, std::ops::Range<usize>)],
    out: &'a mut [f32],
    width: usize,
    factor: Option<&'a [f32]>,
}

impl WithSimd for Join<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { parts, split_rows, out, width, factor } = self;
        for (row, numbers) in split_rows {
            let out = &mut out[row * width..][..width];
            out.fill(0.0);
            for part in parts[numbers.start * width..numbers.end * width].chunks(width.max(1)) {
                add(simd, out, part);
            }
            if let Some(factor) = factor {
                out.iter_mut().zip(factor).for_each(|(out, factor)| *out *= factor);
            }
        }
    }
}

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
        // Per edge of the edge list and head: `k alpha`, `d e`.
        let mut weights = vec![0.0; by_destination.n_edges() * self.heads * 2];
        self.by_destination(by_destination, incoming, &mut weights, gradients.x_r, gradients.att);
        self.by_source(by_source, incoming.grad_out, &weights, gradients.x_l);
    }

    fn by_destination(
        &self,
        csr: &Csr,
        incoming: &Incoming,
        weights: &mut [f32],
        grad_x_r: &mut [f32],
        grad_att: &mut [f32],
    ) {
        let width = self.width();
        let all = Pieces::of(csr);
        let (n_parts, Pieces { pieces, split_rows }) = (all.n_parts(), &all);
        let mut part_sums = vec![0.0; n_parts * width];
        let mut att_sums = vec![0.0; pieces.len() * width];
        {
            let (x_r, weights) = (Disjoint::new(&mut *grad_x_r), Disjoint::new(weights));
            let (sums, att_sums) = (Disjoint::new(&mut part_sums), Disjoint::new(&mut att_sums));
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
                let task = ByDestination { layer: self, csr, piece, incoming, weights: &weights, grad_x_r, grad_att };
                arch().dispatch(task);
            });
        }
        arch().dispatch(Join { parts: &part_sums, split_rows, out: grad_x_r, width, factor: Some(self.att) });
        grad_att.fill(0.0);
        for sums in att_sums.chunks(width.max(1)) {
            grad_att.iter_mut().zip(sums).for_each(|(att, sum)| *att += sum);
        }
    }

    fn by_source(&self, csr: &Csr, grad_out: Rows, weights: &[f32], grad_x_l: &mut [f32]) {
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

struct ByDestination<'a> {
    layer: &'a Gatv2<'a>,
    csr: &'a Csr<'a>,
    piece: &'a Piece,
    incoming: &'a Incoming<'a>,
    weights: &'a Disjoint<'a, f32>,
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
                        let begin = (*edge as usize * heads + head) * 2;
                        // SAFETY: an edge of the edge list stands once in the CSR, hence in one piece and block.
                        let weights = unsafe { weights.range(begin, begin + 2) };
                        weights.copy_from_slice(&[kept * alpha[at], d_scores[at]]);
                    }
                    let sums = (&mut slopes[columns.clone()], &mut grad_att[columns.clone()]);
                    let fixed = &x_r[columns.clone()];
                    add_slopes(simd, layer.negative_slope, sums, fixed, rows, columns.start, &d_scores[..rows.len()]);
                }
            }
            if piece.part.is_none() {
                slopes.iter_mut().zip(layer.att).for_each(|(slope, att)| *slope *= att);
            }
        }
    }
}

struct BySource<'a> {
    layer: &'a Gatv2<'a>,
    csr: &'a Csr<'a>,
    piece: &'a Piece,
    grad_out: Rows<'a>,
    weights: &'a [f32],
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
                        let begin = (*edge as usize * heads + head) * 2;
                        (kept_alpha[at], d_scores[at]) = (weights[begin], weights[begin + 1]);
                    }
                    add_weighted(simd, &mut sum[columns.clone()], &grads[..n], columns.start, &kept_alpha[..n]);
                    let (slopes, fixed) = (&mut slopes[columns.clone()], &x_l[columns.clone()]);
                    let sums = (slopes, &mut [][..]);
                    add_slopes(simd, layer.negative_slope, sums, fixed, &rows[..n], columns.start, &d_scores[..n]);
                }
            }
            sum.iter_mut().zip(&*slopes).zip(layer.att).for_each(|((sum, slope), att)| *sum += slope * att);
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
    let d = d_scores.map(|d| (simd.splat_f32s(d), simd.splat_f32s(d * negative_slope)));
    let rows = rows.map(|row| S::as_simd_f32s(&row[column..][..fixed.len()]));
    let (fixed, fixed_rest) = S::as_simd_f32s(fixed);
    let (slopes, slopes_rest) = S::as_mut_simd_f32s(slopes);
    let with_att = !att.is_empty();
    let (att, att_rest) = S::as_mut_simd_f32s(att);
    let step = |fixed: S::f32s, row: S::f32s, (above, below): (S::f32s, S::f32s), slopes: &mut S::f32s| {
        let x = simd.add_f32s(fixed, row);
        let d = simd.select_f32s(simd.greater_than_f32s(x, zero), above, below);
        *slopes = simd.add_f32s(*slopes, d);
        (d, x)
    };
    for at in 0..fixed.len() {
        let (mut slope, mut of_att) = (slopes[at], if with_att { att[at] } else { zero });
        for n in 0..N {
            let (d, x) = step(fixed[at], rows[n].0[at], d[n], &mut slope);
            of_att = if with_att { simd.mul_add_e_f32s(d, x, of_att) } else { of_att };
        }
        slopes[at] = slope;
        if with_att {
            att[at] = of_att;
        }
    }
    if !fixed_rest.is_empty() {
        let fixed = simd.partial_load_f32s(fixed_rest);
        let mut slope = simd.partial_load_f32s(slopes_rest);
        let mut of_att = if with_att { simd.partial_load_f32s(att_rest) } else { zero };
        for n in 0..N {
            let (d, x) = step(fixed, simd.partial_load_f32s(rows[n].1), d[n], &mut slope);
            of_att = simd.mul_add_e_f32s(d, x, of_att);
        }
        simd.partial_store_f32s(slopes_rest, slope);
        if with_att {
            simd.partial_store_f32s(att_rest, of_att);
        }
    }
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

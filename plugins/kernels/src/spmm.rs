//! Sums over neighbours, the product of a sparse matrix and a dense one:
//!
//! ```text
//! y_i = plus * z_i + times * a_i * sum over edges j -> i of b_j x_j
//! ```
//!
//! Edges have no weights of their own: those of LightGCN and GCN are a factor a row times a factor a neighbour. One thread writes a
//! row, in one order: no atomics, the same numbers on any number of threads. [`light_gcn`] builds on it.

pub mod light_gcn;

use pulp::{Simd, WithSimd};

use crate::arch::arch;
use crate::csr::Csr;
use crate::parallel::{for_each, Disjoint};
use crate::pieces::{Piece, Pieces};
use crate::rows::Rows;
use crate::vector::{add, add_weighted, BLOCK};

/// The inputs of a product.
#[derive(Debug, Clone, Copy)]
pub struct Spmm<'a> {
    /// `[n_neighbours, width]`.
    pub x: Rows<'a>,
    /// `a`, `[n_rows]`; `None`: 1.
    pub of_row: Option<&'a [f32]>,
    /// `b`, `[n_neighbours]`; `None`: 1.
    pub of_neighbour: Option<&'a [f32]>,
    /// A factor of all sums.
    pub times: f32,
    /// `plus` and `z`, `[n_rows, width]`.
    pub plus: Option<(f32, Rows<'a>)>,
}

impl Spmm<'_> {
    /// Writes `out`, `[n_rows, width]`: the sum of a row without edges is 0.
    ///
    /// # Panics
    /// If the lengths do not fit each other.
    pub fn write(&self, csr: &Csr, out: &mut [f32]) {
        let width = self.x.width();
        assert_eq!(out.len(), csr.n_rows() * width);
        let all = Pieces::of(csr);
        let (n_parts, Pieces { pieces, split_rows }) = (all.n_parts(), &all);
        let mut part_sums = vec![0.0; n_parts * width];
        {
            let (out, sums) = (Disjoint::new(&mut *out), Disjoint::new(&mut part_sums));
            for_each(pieces.len(), |at| {
                let piece = &pieces[at];
                // SAFETY: whole rows are in one piece only; every part has its own sum.
                let out = unsafe {
                    match piece.part {
                        None => out.range(piece.rows.start * width, piece.rows.end * width),
                        Some(part) => sums.range(part * width, (part + 1) * width),
                    }
                };
                arch().dispatch(Sum { product: self, csr, piece, out });
            });
        }
        arch().dispatch(Join { product: self, parts: &part_sums, split_rows, out });
    }

    /// From the sum of row `row` to its result, in place.
    #[inline(always)]
    fn finish<S: Simd>(&self, simd: S, row: usize, sum: &mut [f32]) {
        let times = self.of_row.map_or(self.times, |factors| self.times * factors[row]);
        let (plus, z) = match self.plus {
            Some((plus, z)) => (plus, z.row(row)),
            None => (0.0, &[][..]),
        };
        let factors = (simd.splat_f32s(times), simd.splat_f32s(plus));
        let (sum, sum_rest) = S::as_mut_simd_f32s(sum);
        let (z, z_rest) = S::as_simd_f32s(z);
        if z.is_empty() && z_rest.is_empty() {
            for sum in sum {
                *sum = simd.mul_f32s(*sum, factors.0);
            }
            for sum in sum_rest {
                *sum *= times;
            }
            return;
        }
        for (sum, z) in sum.iter_mut().zip(z) {
            *sum = simd.mul_add_e_f32s(*sum, factors.0, simd.mul_f32s(*z, factors.1));
        }
        for (sum, z) in sum_rest.iter_mut().zip(z_rest) {
            *sum = *sum * times + z * plus;
        }
    }
}

/// A piece's rows, or the sum of its part, not yet finished.
struct Sum<'a> {
    product: &'a Spmm<'a>,
    csr: &'a Csr<'a>,
    piece: &'a Piece,
    out: &'a mut [f32],
}

impl WithSimd for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { product, csr, piece, out } = self;
        let width = product.x.width();
        for row in piece.rows.clone() {
            let edges = if piece.part.is_some() { piece.edges.clone() } else { csr.row(row) };
            let sum = &mut out[(row - piece.rows.start) * width..][..width];
            sum.fill(0.0);
            for begin in edges.clone().step_by(BLOCK) {
                let neighbours = &csr.neighbours[begin..(begin + BLOCK).min(edges.end)];
                let (mut rows, mut factors) = ([&[][..]; BLOCK], [1.0; BLOCK]);
                for (row, neighbour) in rows.iter_mut().zip(neighbours) {
                    *row = product.x.row(*neighbour as usize);
                }
                if let Some(of_neighbour) = product.of_neighbour {
                    for (factor, neighbour) in factors.iter_mut().zip(neighbours) {
                        *factor = of_neighbour[*neighbour as usize];
                    }
                }
                add_weighted(simd, sum, &rows[..neighbours.len()], 0, &factors[..neighbours.len()]);
            }
            if piece.part.is_none() {
                product.finish(simd, row, sum);
            }
        }
    }
}

/// Adds up the parts of split rows, in their order.
struct Join<'a> {
    product: &'a Spmm<'a>,
    parts: &'a [f32],
    split_rows: &'a [(usize, std::ops::Range<usize>)],
    out: &'a mut [f32],
}

impl WithSimd for Join<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { product, parts, split_rows, out } = self;
        let width = product.x.width();
        for (row, numbers) in split_rows {
            let out = &mut out[row * width..][..width];
            out.fill(0.0);
            for part in parts[numbers.start * width..numbers.end * width].chunks(width.max(1)) {
                add(simd, out, part);
            }
            product.finish(simd, *row, out);
        }
    }
}

#[cfg(test)]
mod tests;

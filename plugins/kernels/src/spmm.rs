//! Sums over neighbours, the product of a sparse matrix and a dense one:
//!
//! ```text
//! y_i = plus * z_i + times * a_i * sum over edges j -> i of b_j x_j
//! ```
//!
//! Edges have no weights of their own: those of LightGCN and GCN are a factor a row times a factor a neighbour. One thread writes a
//! row, in one order: no atomics, the same numbers on any number of threads. [`light_gcn`] builds on it.

pub mod light_gcn;

use std::ops::Range;

use pulp::Simd;

use crate::csr::Csr;
use crate::row_sums::{sum_rows, Place, RowSum};
use crate::rows::Rows;
use crate::vector::{add_weighted, BLOCK};
use crate::visits::Order;

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
        let task = Product { product: self, csr };
        sum_rows(&Order::of(csr, &[self.x]), out, self.x.width(), &task);
    }

    /// From the sum of row `row` to its result, in place.
    #[inline(always)]
    fn finish_row<S: Simd>(&self, simd: S, row: usize, sum: &mut [f32]) {
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

struct Product<'a> {
    product: &'a Spmm<'a>,
    csr: &'a Csr<'a>,
}

impl RowSum for Product<'_> {
    type Scratch = ();

    fn scratch(&self) {}

    #[inline(always)]
    fn add<S: Simd>(&self, simd: S, (): &mut (), at: &Place, edges: Range<usize>, sum: &mut [f32]) {
        for begin in edges.clone().step_by(BLOCK) {
            let block = begin..(begin + BLOCK).min(edges.end);
            self.product.x.prefetch(&self.csr.neighbours[at.reach.ahead(&block)]);
            let neighbours = &self.csr.neighbours[block];
            let (mut rows, mut factors) = ([&[][..]; BLOCK], [1.0; BLOCK]);
            for (row, neighbour) in rows.iter_mut().zip(neighbours) {
                *row = self.product.x.row(*neighbour as usize);
            }
            if let Some(of_neighbour) = self.product.of_neighbour {
                for (factor, neighbour) in factors.iter_mut().zip(neighbours) {
                    *factor = of_neighbour[*neighbour as usize];
                }
            }
            add_weighted(simd, sum, &rows[..neighbours.len()], 0, &factors[..neighbours.len()]);
        }
    }

    #[inline(always)]
    fn finish<S: Simd>(&self, simd: S, row: usize, sum: &mut [f32]) {
        self.product.finish_row(simd, row, sum);
    }
}

#[cfg(test)]
mod tests;

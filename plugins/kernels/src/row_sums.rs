//! Sums over the edges of every row of a [`Csr`](crate::csr::Csr), in shares of equal cost and in one order whatever the number of threads: the frame
//! that the kernels share.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::arch::arch;
use crate::parallel::Disjoint;
use crate::vector::add;
use crate::visits::{Order, Reach, Visits};

/// What is added up.
pub trait RowSum: Sync {
    /// What a thread keeps from row to row.
    type Scratch;

    fn scratch(&self) -> Self::Scratch;

    /// Adds what the edges at positions `edges`, all or a part of those of a row, contribute to `sum`.
    fn add<S: Simd>(&self, simd: S, scratch: &mut Self::Scratch, at: &Place, edges: Range<usize>, sum: &mut [f32]);

    /// Called once for every row with its whole sum.
    #[inline(always)]
    fn finish<S: Simd>(&self, _simd: S, _row: usize, _sum: &mut [f32]) {}
}

/// Where edges belong.
#[derive(Debug)]
pub struct Place {
    pub row: usize,
    /// The number of their share of the work.
    pub piece: usize,
    /// What comes after them.
    pub reach: Reach,
}

/// Writes the sums of all rows to `out`, `[n_rows, width]`.
///
/// # Panics
/// If `out` is of another size.
pub fn sum_rows<T: RowSum>(order: &Order, out: &mut [f32], width: usize, task: &T) {
    assert_eq!(out.len(), order.n_rows() * width);
    let mut parts = vec![0.0; order.shares.n_parts() * width];
    {
        let (out, parts) = (Disjoint::new(&mut *out), Disjoint::new(&mut parts));
        order.for_each(
            || task.scratch(),
            |scratch, visits| {
                let piece = visits.piece;
                // SAFETY: whole rows are in one piece only, and every part of a row has its own sums.
                let sums = unsafe {
                    match piece.part {
                        None => out.range(piece.rows.start * width, piece.rows.end * width),
                        Some(part) => parts.range(part * width, (part + 1) * width),
                    }
                };
                arch().dispatch(SumPiece { visits, width, scratch, sums, task });
            },
        );
    }
    for (row, numbers) in &order.shares.split_rows {
        let (sum, parts) = (&mut out[row * width..][..width], &parts[numbers.start * width..numbers.end * width]);
        arch().dispatch(Join { row: *row, sum, parts, task });
    }
}

struct SumPiece<'a, T: RowSum> {
    visits: Visits<'a>,
    width: usize,
    scratch: &'a mut T::Scratch,
    sums: &'a mut [f32],
    task: &'a T,
}

impl<T: RowSum> WithSimd for SumPiece<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { mut visits, width, scratch, sums, task } = self;
        let (rows, number) = (visits.piece.rows.clone(), visits.number);
        if visits.is_first_pass {
            sums.fill(0.0);
        }
        for (row, edges, reach) in visits.by_ref() {
            let sum = &mut sums[(row - rows.start) * width..][..width];
            task.add(simd, scratch, &Place { row, piece: number, reach }, edges, sum);
        }
        if visits.is_last_pass && visits.piece.part.is_none() {
            for row in rows.clone() {
                task.finish(simd, row, &mut sums[(row - rows.start) * width..][..width]);
            }
        }
    }
}

/// Adds up the parts of a row, in their order.
struct Join<'a, T> {
    row: usize,
    sum: &'a mut [f32],
    parts: &'a [f32],
    task: &'a T,
}

impl<T: RowSum> WithSimd for Join<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { row, sum, parts, task } = self;
        sum.fill(0.0);
        for part in parts.chunks(sum.len().max(1)) {
            add(simd, sum, part);
        }
        task.finish(simd, row, sum);
    }
}

//! Sums over the edges of every row of a [`Csr`](crate::csr::Csr), in shares of equal cost and in one order whatever the number of threads: the frame
//! that the kernels share.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::arch::arch;
use crate::parallel::{for_each_with, Disjoint};
use crate::pieces::{Piece, Pieces};
use crate::vector::add;

/// What is added up.
pub trait RowSum: Sync {
    /// What a thread keeps from row to row.
    type Scratch;

    fn scratch(&self) -> Self::Scratch;

    /// Adds what the edges at positions `edges`, all or a part of those of `row`, contribute to `sum`. `piece` numbers the share
    /// that they belong to.
    fn add<S: Simd>(&self, simd: S, scratch: &mut Self::Scratch, at: Place, edges: Range<usize>, sum: &mut [f32]);

    /// Called once for every row with its whole sum.
    #[inline(always)]
    fn finish<S: Simd>(&self, _simd: S, _row: usize, _sum: &mut [f32]) {}
}

/// Where a sum belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub row: usize,
    pub piece: usize,
}

/// Writes the sums of all rows to `out`, `[n_rows, width]`. `shares` are those of `offsets`.
///
/// # Panics
/// If `out` is of another size.
pub fn sum_rows<T: RowSum>(offsets: &[i64], shares: &Pieces, out: &mut [f32], width: usize, task: &T) {
    assert_eq!(out.len(), offsets.len().saturating_sub(1) * width);
    let Pieces { pieces, split_rows } = shares;
    let mut parts = vec![0.0; shares.n_parts() * width];
    {
        let (out, parts) = (Disjoint::new(&mut *out), Disjoint::new(&mut parts));
        let make = || task.scratch();
        for_each_with(pieces.len(), make, |scratch, at| {
            let piece = &pieces[at];
            // SAFETY: whole rows are in one piece only, and every part of a row has its own sums.
            let sums = unsafe {
                match piece.part {
                    None => out.range(piece.rows.start * width, piece.rows.end * width),
                    Some(part) => parts.range(part * width, (part + 1) * width),
                }
            };
            arch().dispatch(SumPiece { offsets, piece, number: at, width, scratch, sums, task });
        });
    }
    for (row, numbers) in split_rows {
        let (sum, parts) = (&mut out[row * width..][..width], &parts[numbers.start * width..numbers.end * width]);
        arch().dispatch(Join { row: *row, sum, parts, task });
    }
}

struct SumPiece<'a, T: RowSum> {
    offsets: &'a [i64],
    piece: &'a Piece,
    number: usize,
    width: usize,
    scratch: &'a mut T::Scratch,
    sums: &'a mut [f32],
    task: &'a T,
}

impl<T: RowSum> WithSimd for SumPiece<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { offsets, piece, number, width, scratch, sums, task } = self;
        sums.fill(0.0);
        if piece.part.is_some() {
            let place = Place { row: piece.rows.start, piece: number };
            task.add(simd, scratch, place, piece.edges.clone(), sums);
            return;
        }
        for row in piece.rows.clone() {
            let sum = &mut sums[(row - piece.rows.start) * width..][..width];
            task.add(
                simd,
                scratch,
                Place { row, piece: number },
                offsets[row] as usize..offsets[row + 1] as usize,
                sum,
            );
            task.finish(simd, row, sum);
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

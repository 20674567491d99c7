//! The order in which a kernel goes through the edges of a piece, and what it asks for ahead.
//!
//! Where the rows of the neighbours fit the caches: row after row. Where they do not, a row of the matrix would come from memory for
//! every edge, so the neighbours are cut into blocks that do fit: the edges to the first block, row after row, then those to the second.
//! A piece must then be long enough to come to a neighbour several times. The blocks depend on the graph alone, and every edge is
//! visited once whatever order the neighbours have; only where they ascend in every row, as those of data loaders do, a block is
//! all that is read for a while.

use std::ops::Range;

use crate::csr::Csr;
use crate::pieces::{Piece, Pieces};
use crate::rows::Rows;
use crate::vector::BLOCK;

/// A few threads' blocks fit a cache of the third level together. In tests so little that small graphs have blocks.
const BLOCK_BYTES: usize = if cfg!(test) { 256 } else { 4 << 20 };
/// Below this, blocks gain nothing: a good part of the rows stays in the caches by itself.
const CACHED_BYTES: usize = if cfg!(test) { 512 } else { 24 << 20 };
/// A row with fewer edges a block than this is visited once: coming back to it would cost more than it gains (measured at 10 and 32
/// million ratings: 4 costs a tenth, 16 to 128 are alike).
const EDGES_A_VISIT: usize = if cfg!(test) { 4 } else { 64 };

/// The shares of the work on a graph, and how the edges of each are gone through.
#[derive(Debug)]
pub struct Order<'a> {
    offsets: &'a [i64],
    neighbours: &'a [i32],
    blocks: Blocks,
    pub shares: Pieces,
}

impl<'a> Order<'a> {
    /// For a kernel that reads a row of each of `matrices` for every neighbour.
    pub fn of(csr: &Csr<'a>, matrices: &[Rows]) -> Self {
        let n_neighbours = matrices.iter().map(Rows::n).max().unwrap_or(0);
        let blocks = Blocks::of(n_neighbours, matrices.iter().map(Rows::bytes).sum());
        let shares = if blocks == Blocks::ONE { Pieces::of(csr.offsets()) } else { Pieces::long(csr.offsets()) };
        Self { offsets: csr.offsets(), neighbours: csr.neighbours, blocks, shares }
    }

    /// Row after row, where what stands in a row is no edges.
    pub fn by_row(offsets: &'a [i64]) -> Self {
        Self { offsets, neighbours: &[], blocks: Blocks::ONE, shares: Pieces::of(offsets) }
    }

    pub fn n_rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    pub fn n_edges(&self) -> usize {
        self.offsets.last().map_or(0, |n_edges| *n_edges as usize)
    }

    /// The visits of a piece of whole rows. `cursors` is only kept to be used again.
    pub fn visits<'b>(&'b self, piece: &Piece, cursors: &'b mut Vec<usize>) -> Visits<'b> {
        cursors.clear();
        cursors.extend(self.offsets[piece.rows.clone()].iter().map(|begin| *begin as usize));
        let mut visits =
            Visits { order: self, block: 0, row: piece.rows.start, rows: piece.rows.clone(), cursors, next: None };
        visits.next = visits.find();
        visits
    }

    fn row(&self, row: usize) -> Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }
}

/// How the neighbours are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Blocks {
    n: usize,
    /// Neighbours in a block.
    len: usize,
}

impl Blocks {
    const ONE: Self = Self { n: 1, len: usize::MAX };

    fn of(n_neighbours: usize, bytes: usize) -> Self {
        if bytes <= CACHED_BYTES {
            return Self::ONE;
        }
        let n = bytes.div_ceil(BLOCK_BYTES);
        Self { n, len: n_neighbours.div_ceil(n) }
    }
}

/// Some edges of a row.
#[derive(Debug, Clone)]
struct Visit {
    row: usize,
    edges: Range<usize>,
    /// What follows these edges in the CSR is what is visited next.
    whole: bool,
}

/// Rows and edges in the order in which they are visited.
#[derive(Debug)]
pub struct Visits<'a> {
    order: &'a Order<'a>,
    block: usize,
    row: usize,
    rows: Range<usize>,
    /// Of every row, where its edges that were not yet visited begin.
    cursors: &'a mut Vec<usize>,
    next: Option<Visit>,
}

impl Iterator for Visits<'_> {
    type Item = (usize, Range<usize>, Reach);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let Visit { row, edges, whole } = self.next.take()?;
        self.next = self.find();
        let reach = match (whole, &self.next) {
            (true, _) => Reach::all(self.order.n_edges()),
            (false, Some(next)) => Reach { end: edges.end, next: next.edges.clone() },
            (false, None) => Reach { end: edges.end, next: edges.end..edges.end },
        };
        Some((row, edges, reach))
    }
}

impl Visits<'_> {
    fn find(&mut self) -> Option<Visit> {
        loop {
            if self.row == self.rows.end {
                self.block += 1;
                if self.block >= self.order.blocks.n {
                    return None;
                }
                self.row = self.rows.start;
                continue;
            }
            let row = self.row;
            self.row += 1;
            let cursor = &mut self.cursors[row - self.rows.start];
            let all = self.order.row(row);
            let begin = *cursor;
            if begin == all.end {
                continue;
            }
            let whole = all.len() < self.order.blocks.n.saturating_mul(EDGES_A_VISIT) || self.order.blocks.n == 1;
            let end = if whole || self.block + 1 == self.order.blocks.n {
                all.end
            } else {
                let limit = (self.block + 1) * self.order.blocks.len;
                begin + self.order.neighbours[begin..all.end].partition_point(|neighbour| (*neighbour as usize) < limit)
            };
            if end > begin {
                *cursor = end;
                return Some(Visit { row, edges: begin..end, whole });
            }
        }
    }
}

/// Which edges come after those of a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Up to here in the order of the CSR, then `next`.
    end: usize,
    next: Range<usize>,
}

impl Reach {
    /// All edges in the order of the CSR.
    pub fn all(n_edges: usize) -> Self {
        Self { end: n_edges, next: n_edges..n_edges }
    }

    /// The positions that a kernel which goes through edges a [`BLOCK`] at a time comes to after `block`: each edge is ahead of
    /// exactly one block, but for the first ones.
    #[inline(always)]
    pub fn ahead(&self, block: &Range<usize>) -> Range<usize> {
        if block.end < self.end {
            (block.start + BLOCK).min(self.end)..(block.end + BLOCK).min(self.end)
        } else {
            self.next.start..self.next.end.min(self.next.start + BLOCK)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::csr::group;

    proptest! {
        #[test]
        fn every_edge_is_visited_once_and_in_its_block(
            edges in prop::collection::vec((0_i64..9, 0_i64..50), 0..400), n in 1_usize..6, sorted: bool,
        ) {
            let mut edges = edges;
            if sorted {
                edges.sort_unstable();
            }
            let (keys, others): (Vec<_>, Vec<_>) = edges.iter().copied().unzip();
            let grouped = group(&keys, &others, 9, 50).unwrap();
            let csr = grouped.view();
            let blocks = Blocks { n, len: 50_usize.div_ceil(n) };
            let order = Order { blocks, ..Order::of(&csr, &[]) };
            let (mut seen, mut cursors, mut latest) = (vec![0; edges.len()], vec![7], 0);
            let piece = Piece { rows: 2..9, edges: csr.row(2).start..csr.n_edges(), part: None };
            for (row, visited, _) in order.visits(&piece, &mut cursors) {
                prop_assert!(csr.row(row).start <= visited.start && visited.end <= csr.row(row).end && !visited.is_empty());
                if sorted && csr.row(row).len() >= n * EDGES_A_VISIT {
                    let block = |at: usize| csr.neighbours[at] as usize / blocks.len;
                    prop_assert!(visited.clone().all(|at| block(at) == block(visited.start)));
                    prop_assert!(block(visited.start) >= latest);
                    latest = block(visited.start);
                }
                visited.for_each(|at| seen[at] += 1);
            }
            let begin = csr.row(2).start;
            prop_assert!(seen[begin..].iter().all(|n| *n == 1) && seen[..begin].iter().all(|n| *n == 0));
        }
    }

    #[test]
    fn small_matrices_have_one_block_and_large_ones_blocks_that_fit() {
        assert_eq!(Blocks::of(CACHED_BYTES / 4, CACHED_BYTES), Blocks::ONE);
        let blocks = Blocks::of(1000, 1000 * 64);
        assert!(blocks.n > 1 && blocks.len * 64 <= BLOCK_BYTES && blocks.n * blocks.len >= 1000);
        assert_eq!(Blocks::of(0, 0), Blocks::ONE);
    }

    #[test]
    fn ahead_is_the_rest_of_the_visit_and_then_the_next() {
        let reach = Reach { end: 40, next: 90..95 };
        assert_eq!(reach.ahead(&(0..16)), 16..32);
        assert_eq!(reach.ahead(&(16..32)), 32..40);
        assert_eq!(reach.ahead(&(32..40)), 90..95);
        assert_eq!(Reach::all(20).ahead(&(3..7)), 19..20);
        assert_eq!(Reach::all(20).ahead(&(16..20)), 20..20);
    }
}

//! The order in which a kernel goes through the edges of a graph, and what it asks for ahead.
//!
//! Where the rows of the neighbours fit the caches: row after row, once. Where they do not, a row of the matrix would come from memory
//! for every edge, so the neighbours are cut into blocks that do fit, and there is a pass a block: the edges to the first block, row
//! after row, then those to the second. All threads are in the same pass, so a block comes from memory once. The blocks depend on
//! the graph alone, and every edge is visited once whatever order the neighbours have; only where they ascend in every row, as those
//! of data loaders do, a block is all that is read in its pass.

use std::ops::Range;

use crate::csr::Csr;
use crate::parallel::{for_each_with, Disjoint};
use crate::pieces::{Piece, Pieces};
use crate::prefetch::prefetch_rows;
use crate::rows::Rows;
use crate::vector::BLOCK;

/// Half of what a cache of the third level has on common machines: the rest is for what goes by (measured: 8 to 32 MB are
/// within 3%).
const BLOCK_BYTES: usize = if cfg!(test) { 256 } else { 16 << 20 };
/// Below this, blocks gain nothing: a good part of the rows stays in the caches by itself (measured: epochs on 10 and on 32 million
/// ratings are 1% to 4% shorter than with 24 MB; without any blocks, 9% longer on 32 million).
const CACHED_BYTES: usize = if cfg!(test) { 512 } else { 48 << 20 };
/// A row with fewer edges a block than this is visited once: coming back to it would cost more than it gains (measured on 32 million
/// ratings: 24 costs 4% against 64, 64 another 2% against 128, and 256 is alike).
const EDGES_A_VISIT: usize = if cfg!(test) { 4 } else { 128 };
/// How many rows before a visit its neighbours are asked for: between two visits of a row the caches have forgotten them.
const ROWS_AHEAD: usize = 4;

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
        Self { offsets: csr.offsets(), neighbours: csr.neighbours, blocks, shares: Pieces::of(csr.offsets()) }
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

    /// Calls `body` with the visits of every share, a pass after the other; within a pass on several threads. `make` gives what a
    /// thread keeps from share to share.
    pub fn for_each<S>(&self, make: impl Fn() -> S + Sync, body: impl Fn(&mut S, Visits) + Sync) {
        let pieces = &self.shares.pieces;
        let n_passes = self.n_passes();
        let mut cursors = if n_passes > 1 { vec![0; self.n_rows() + self.shares.n_parts()] } else { Vec::new() };
        let cursors = Disjoint::new(&mut cursors);
        for pass in 0..n_passes {
            for_each_with(pieces.len(), &make, |scratch, number| {
                let piece = &pieces[number];
                let lines = if n_passes > 1 { self.lines(piece) } else { 0..0 };
                // SAFETY: whole rows are in one piece only, and every part of a row has a cursor of its own.
                let cursors = unsafe { cursors.range(lines.start, lines.end) };
                body(scratch, Visits::of(self, (piece, number), pass, cursors));
            });
        }
    }

    /// One where there are no blocks; else one for the rows that are visited once, and one a block.
    fn n_passes(&self) -> usize {
        if self.blocks == Blocks::ONE {
            1
        } else {
            1 + self.blocks.n
        }
    }

    /// Where what is kept for the rows of a piece, or for its part of a row, stands among that of all rows and, after them, of all
    /// parts of rows.
    pub fn lines(&self, piece: &Piece) -> Range<usize> {
        match piece.part {
            None => piece.rows.clone(),
            Some(part) => self.n_rows() + part..self.n_rows() + part + 1,
        }
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

/// Which edges a pass goes through.
#[derive(Debug, Clone, Copy)]
enum Pass {
    /// All.
    Whole,
    /// All of the rows that have few a block.
    FewEdges,
    /// Of the other rows, those to neighbours below the limit that were not yet visited.
    Below(usize),
    /// What is left.
    Rest,
}

/// Rows and edges of a share in the order in which they are visited.
#[derive(Debug)]
pub struct Visits<'a> {
    order: &'a Order<'a>,
    pub piece: &'a Piece,
    /// The number of the piece.
    pub number: usize,
    pass: Pass,
    pub is_first_pass: bool,
    pub is_last_pass: bool,
    row: usize,
    /// Of every row of the piece, or of the part of a row, where its edges that were not yet visited begin; the first pass says so.
    cursors: &'a mut [usize],
    next: Option<(usize, Range<usize>)>,
}

impl Iterator for Visits<'_> {
    type Item = (usize, Range<usize>, Reach);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let (row, edges) = self.next.take()?;
        self.next = self.find();
        let reach = match &self.next {
            Some((_, next)) if next.start != edges.end => Reach { end: edges.end, next: next.clone() },
            Some(_) | None => Reach::all(self.order.n_edges()),
        };
        Some((row, edges, reach))
    }
}

impl<'a> Visits<'a> {
    fn of(order: &'a Order, (piece, number): (&'a Piece, usize), pass: usize, cursors: &'a mut [usize]) -> Self {
        let n_passes = order.n_passes();
        let which = match pass {
            _ if n_passes == 1 => Pass::Whole,
            0 => Pass::FewEdges,
            _ if pass + 1 == n_passes => Pass::Rest,
            block => Pass::Below(block * order.blocks.len),
        };
        let (is_first_pass, is_last_pass) = (pass == 0, pass + 1 == n_passes);
        let row = piece.rows.start;
        let mut visits =
            Self { order, piece, number, pass: which, is_first_pass, is_last_pass, row, cursors, next: None };
        visits.next = visits.find();
        visits
    }

    /// The next row with edges of this pass.
    fn find(&mut self) -> Option<(usize, Range<usize>)> {
        while self.row < self.piece.rows.end {
            let row = self.row;
            self.row += 1;
            let all = if self.piece.part.is_some() { self.piece.edges.clone() } else { self.order.row(row) };
            let edges = match self.pass {
                Pass::Whole => all,
                Pass::FewEdges | Pass::Below(_) | Pass::Rest => self.share_of_pass(row, all),
            };
            if !edges.is_empty() {
                return Some((row, edges));
            }
        }
        None
    }

    /// Of the edges `all` of a row those of this pass.
    #[inline]
    fn share_of_pass(&mut self, row: usize, all: Range<usize>) -> Range<usize> {
        let at = row - self.piece.rows.start;
        if matches!(self.pass, Pass::FewEdges) {
            self.cursors[at] = all.start;
            return if self.has_few(&all) { all } else { all.start..all.start };
        }
        self.prefetch_later(at + ROWS_AHEAD);
        if self.has_few(&all) {
            return all.end..all.end;
        }
        let begin = self.cursors[at];
        let end = match self.pass {
            Pass::Below(limit) => begin + n_below(&self.order.neighbours[begin..all.end], limit),
            Pass::Whole | Pass::FewEdges | Pass::Rest => all.end,
        };
        self.cursors[at] = end;
        begin..end
    }

    /// Asks for the first neighbours that [`n_below`] will look at in a later row of the piece.
    #[inline]
    fn prefetch_later(&self, at: usize) {
        if at < self.cursors.len() && !self.has_few(&self.order.row(self.piece.rows.start + at)) {
            let line = self.cursors[at] / BLOCK;
            prefetch_rows(self.order.neighbours, BLOCK, &[0, 1, 2, 4].map(|ahead| (line + ahead) as i32));
        }
    }

    /// Whether a row is visited once.
    #[inline]
    fn has_few(&self, all: &Range<usize>) -> bool {
        all.len() < self.order.blocks.n * EDGES_A_VISIT
    }
}

/// How many of the first ids are below `limit`, of ids that ascend; looks near the front only if they are few.
fn n_below(ids: &[i32], limit: usize) -> usize {
    let is_below = |id: &i32| (*id as usize) < limit;
    let (mut low, mut step) = (0, BLOCK);
    while ids.get(low + step).is_some_and(is_below) {
        low += step;
        step *= 2;
    }
    low + ids[low..(low + step).min(ids.len())].partition_point(is_below)
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
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::Mutex;

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
            let blocks = if n == 1 { Blocks::ONE } else { Blocks { n, len: 50_usize.div_ceil(n) } };
            // Small shares, so that rows are split, too.
            let order = Order { blocks, shares: Pieces::with_target(csr.offsets(), 60), ..Order::of(&csr, &[]) };
            let seen = Mutex::new(vec![0; edges.len()]);
            let (starts, ends) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let in_place = AtomicBool::new(true);
            order.for_each(|| (), |(), mut visits| {
                starts.fetch_add(usize::from(visits.is_first_pass), Ordering::Relaxed);
                ends.fetch_add(usize::from(visits.is_last_pass), Ordering::Relaxed);
                let (piece, pass) = (visits.piece.clone(), visits.pass);
                let mut last_row = piece.rows.start;
                for (row, visited, _) in visits.by_ref() {
                    let all = if piece.part.is_some() { piece.edges.clone() } else { csr.row(row) };
                    let inside = piece.rows.contains(&row) && all.start <= visited.start && visited.end <= all.end;
                    let in_block = match pass {
                        Pass::Whole | Pass::FewEdges => visited == all,
                        Pass::Below(limit) if sorted => csr.neighbours[visited.clone()].iter().all(|id| {
                            (limit - blocks.len..limit).contains(&(*id as usize))
                        }),
                        Pass::Below(_) | Pass::Rest => true,
                    };
                    if !inside || !in_block || visited.is_empty() || row < last_row {
                        in_place.store(false, Ordering::Relaxed);
                    }
                    last_row = row;
                    visited.for_each(|at| seen.lock().unwrap()[at] += 1);
                }
            });
            prop_assert!(in_place.into_inner());
            prop_assert!(seen.into_inner().unwrap().iter().all(|n| *n == 1));
            prop_assert_eq!(starts.into_inner(), order.shares.pieces.len());
            prop_assert_eq!(ends.into_inner(), order.shares.pieces.len());
        }

        #[test]
        fn those_below_a_limit_are_counted(ids in prop::collection::vec(0_i32..300, 0..200), limit in 0_usize..310) {
            let mut ids = ids;
            ids.sort_unstable();
            prop_assert_eq!(n_below(&ids, limit), ids.iter().filter(|id| (**id as usize) < limit).count());
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

//! The score of an edge, the dot product of the embeddings of its ends, and the way back: nothing of the size edges x width is stored.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::arch::arch;
use crate::csr::Csr;
use crate::parallel::for_each_chunk;
use crate::prefetch::prefetch_rows;
use crate::row_sums::{sum_rows, Place, RowSum};
use crate::rows::Rows;
use crate::vector::{add_weighted, dot, scale, BLOCK};
use crate::visits::{Order, Reach};

/// How many edges a thread scores at once.
const CHUNK: usize = 2048;

/// `scores[e] = source[sources[e]] . destination[destinations[e]]`.
///
/// # Panics
/// If an id names no row, or the lengths differ.
pub fn edge_scores(source: Rows, destination: Rows, sources: &[i64], destinations: &[i64], scores: &mut [f32]) {
    assert!(sources.len() == scores.len() && destinations.len() == scores.len());
    for_each_chunk(scores, CHUNK, |chunk, scores| {
        let edges = chunk * CHUNK..chunk * CHUNK + scores.len();
        let (sources, destinations) = (&sources[edges.clone()], &destinations[edges]);
        arch().dispatch(Chunk { source, destination, sources, destinations, scores });
    });
}

struct Chunk<'a> {
    source: Rows<'a>,
    destination: Rows<'a>,
    sources: &'a [i64],
    destinations: &'a [i64],
    scores: &'a mut [f32],
}

impl WithSimd for Chunk<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { source, destination, sources, destinations, scores } = self;
        for (block, scores) in scores.chunks_mut(BLOCK).enumerate() {
            let edges = block * BLOCK..block * BLOCK + scores.len();
            let ahead = Reach::all(sources.len()).ahead(&edges);
            source.prefetch(&sources[ahead.clone()]);
            destination.prefetch(&destinations[ahead]);
            for ((score, from), to) in scores.iter_mut().zip(&sources[edges.clone()]).zip(&destinations[edges]) {
                *score = dot(simd, source.row(*from as usize), destination.row(*to as usize));
            }
        }
    }
}

/// `out_r = factor * sum over the edges of row r of weight(edge) x[neighbour]`: a product with a sparse matrix, and what flows from
/// scores back to either end. The weights are by edge of the edge list.
///
/// # Panics
/// If a neighbour names no row of `x`, an edge has no weight, or `out` is of another size.
pub fn weighted_sums<W: EdgeWeight>(csr: &Csr, x: Rows, weights: &[W], factor: f32, out: &mut [f32]) {
    let task = WeightedSums { csr, x, weights, factor };
    sum_rows(&Order::of(csr, &[x]), out, x.width(), &task);
}

/// What [`weighted_sums`] reads the weight of an edge from.
pub trait EdgeWeight: Sync {
    fn weight(&self) -> f32;
}

impl EdgeWeight for f32 {
    #[inline(always)]
    fn weight(&self) -> f32 {
        *self
    }
}

struct WeightedSums<'a, W> {
    csr: &'a Csr<'a>,
    x: Rows<'a>,
    weights: &'a [W],
    factor: f32,
}

impl<W: EdgeWeight> RowSum for WeightedSums<'_, W> {
    type Scratch = ();

    fn scratch(&self) {}

    #[inline(always)]
    fn add<S: Simd>(&self, simd: S, (): &mut (), at: &Place, edges: Range<usize>, sum: &mut [f32]) {
        for begin in edges.clone().step_by(BLOCK) {
            let block = begin..(begin + BLOCK).min(edges.end);
            let ahead = at.reach.ahead(&block);
            self.x.prefetch(&self.csr.neighbours[ahead.clone()]);
            prefetch_rows(self.weights, 1, &self.csr.edges[ahead]);
            let (mut rows, mut weights): ([&[f32]; BLOCK], _) = ([&[]; BLOCK], [0.0; BLOCK]);
            for (n, at) in block.clone().enumerate() {
                rows[n] = self.x.row(self.csr.neighbours[at] as usize);
                weights[n] = self.weights[self.csr.edges[at] as usize].weight();
            }
            add_weighted(simd, sum, &rows[..block.len()], 0, &weights[..block.len()]);
        }
    }

    #[inline(always)]
    fn finish<S: Simd>(&self, simd: S, _: usize, sum: &mut [f32]) {
        if self.factor != 1.0 {
            scale(simd, sum, self.factor);
        }
    }
}

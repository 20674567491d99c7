//! From projections to weighted sums, in one pass over the edges by destination.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::Gatv2;
use crate::arch::arch;
use crate::csr::Csr;
use crate::parallel::Disjoint;
use crate::pieces::Piece;
use crate::row_sums::Place;
use crate::vector::{add, add_weighted, exp_block, leaky_relu, scale, with_width, BLOCK};
use crate::visits::{Order, Visits};

/// What backward needs of forward besides its output.
#[derive(Debug)]
pub struct Saved<'a> {
    /// `e_ij`, `[n_edges, heads]`, in the order of the CSR.
    pub scores: &'a mut [f32],
    /// `log sum over j of exp(e_ij)`, `[n_destinations, heads]`; not defined for nodes without edges.
    pub log_sums: &'a mut [f32],
}

/// The softmax of destinations so far: for each and per head the largest score, and the sum of the exponentials above it.
struct Softmax {
    /// `[n, heads]`, both.
    largest: Vec<f32>,
    sums: Vec<f32>,
}

/// That of some destinations.
struct State<'a> {
    largest: &'a mut [f32],
    sums: &'a mut [f32],
}

impl Softmax {
    fn new(n: usize, heads: usize) -> Self {
        Self { largest: vec![f32::NEG_INFINITY; n * heads], sums: vec![0.0; n * heads] }
    }

    fn all(&mut self) -> State<'_> {
        State { largest: &mut self.largest, sums: &mut self.sums }
    }
}

impl State<'_> {
    #[inline(always)]
    fn of(&mut self, at: usize, heads: usize) -> State<'_> {
        let heads = at * heads..(at + 1) * heads;
        State { largest: &mut self.largest[heads.clone()], sums: &mut self.sums[heads] }
    }
}

impl Gatv2<'_> {
    /// Writes `out`, `[n_destinations, width]`: the bias, or 0, for nodes without edges.
    ///
    /// # Panics
    /// If the lengths do not fit each other.
    pub fn forward(&self, by_destination: &Csr, out: &mut [f32], saved: Option<Saved>) {
        let (width, heads) = (self.width(), self.heads);
        assert_eq!(out.len(), by_destination.n_rows() * width);
        let order = Order::of(by_destination, &[self.x_l]);
        let (n_rows, n_parts) = (order.n_rows(), order.shares.n_parts());
        // The rows, and after them the parts of rows that are split.
        let mut softmax = Softmax::new(n_rows + n_parts, heads);
        let mut part_sums = vec![0.0; n_parts * width];
        let (scores, log_sums) = saved.map_or((&mut [][..], &mut [][..]), |saved| (saved.scores, saved.log_sums));
        let saves = !log_sums.is_empty();
        {
            let (out, scores, log_sums) = (Disjoint::new(out), Disjoint::new(scores), Disjoint::new(log_sums));
            let (part_sums, largest) = (Disjoint::new(&mut part_sums), Disjoint::new(&mut softmax.largest));
            let sums = Disjoint::new(&mut softmax.sums);
            order.for_each(
                || (),
                |(), visits| {
                    let piece = visits.piece;
                    let lines = order.lines(piece);
                    let edges = if saves { piece.edges.clone() } else { 0..0 };
                    let rows = if saves && piece.part.is_none() { piece.rows.clone() } else { 0..0 };
                    // SAFETY: pieces have different edges; whole rows are in one piece only; every part has its own sums and state.
                    let (out, state, scores, log_sums) = unsafe {
                        let out = match piece.part {
                            None => out.range(piece.rows.start * width, piece.rows.end * width),
                            Some(part) => part_sums.range(part * width, (part + 1) * width),
                        };
                        let largest = largest.range(lines.start * heads, lines.end * heads);
                        let sums = sums.range(lines.start * heads, lines.end * heads);
                        let scores = scores.range(edges.start * heads, edges.end * heads);
                        (out, State { largest, sums }, scores, log_sums.range(rows.start * heads, rows.end * heads))
                    };
                    arch().dispatch(Forward { layer: self, csr: by_destination, visits, out, state, scores, log_sums });
                },
            );
        }
        for (row, parts) in &order.shares.split_rows {
            let sums = &mut part_sums[parts.start * width..parts.end * width];
            let log_sums = if saves { &mut log_sums[row * heads..][..heads] } else { &mut [] };
            let target = (&mut out[row * width..][..width], log_sums);
            let lines = (n_rows + parts.start) * heads..(n_rows + parts.end) * heads;
            let states = (&softmax.largest[lines.clone()], &softmax.sums[lines]);
            arch().dispatch(Merge { layer: self, sums, states, target });
        }
    }

    /// `e_ij` of one head and some sources at once, so that what they share is read once.
    #[inline(always)]
    fn scores<S: Simd, const N: usize>(
        &self,
        simd: S,
        x_l: [&[f32]; N],
        column: usize,
        x_r: &[f32],
        att: &[f32],
    ) -> [f32; N] {
        let slope = simd.splat_f32s(self.negative_slope);
        let mut rows: [(&[S::f32s], &[f32]); N] = [(&[], &[]); N];
        for n in 0..N {
            rows[n] = S::as_simd_f32s(&x_l[n][column..][..x_r.len()]);
        }
        let (x_r, x_r_rest) = S::as_simd_f32s(x_r);
        let (att, att_rest) = S::as_simd_f32s(att);
        let mut sums = [simd.splat_f32s(0.0); N];
        for (at, (x_r, att)) in x_r.iter().zip(att).enumerate() {
            for n in 0..N {
                let x = simd.add_f32s(rows[n].0[at], *x_r);
                sums[n] = simd.mul_add_e_f32s(leaky_relu(simd, x, slope), *att, sums[n]);
            }
        }
        if !att_rest.is_empty() {
            let (x_r, att) = (simd.partial_load_f32s(x_r_rest), simd.partial_load_f32s(att_rest));
            for n in 0..N {
                let x = simd.add_f32s(simd.partial_load_f32s(rows[n].1), x_r);
                sums[n] = simd.mul_add_e_f32s(leaky_relu(simd, x, slope), att, sums[n]);
            }
        }
        let mut scores = [0.0; N];
        for n in 0..N {
            scores[n] = simd.reduce_sum_f32s(sums[n]);
        }
        scores
    }
}

struct Forward<'a> {
    layer: &'a Gatv2<'a>,
    csr: &'a Csr<'a>,
    visits: Visits<'a>,
    /// Of the rows of the piece, or of its part of a row.
    out: &'a mut [f32],
    state: State<'a>,
    /// Of the edges of the piece; empty if they are not wanted.
    scores: &'a mut [f32],
    /// Of the rows of the piece; empty if they are not wanted, or if it is a part of a row.
    log_sums: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, csr, mut visits, out, mut state, scores, log_sums } = self;
        let (width, heads, number) = (layer.width(), layer.heads, visits.number);
        let Piece { rows, edges: all, part } = visits.piece;
        if visits.is_first_pass {
            out.fill(0.0);
        }
        for (row, edges, reach) in visits.by_ref() {
            let at = row - rows.start;
            let scores = match scores.is_empty() {
                true => &mut [][..],
                false => &mut scores[(edges.start - all.start) * heads..][..edges.len() * heads],
            };
            let place = Place { row, piece: number, reach };
            let (sum, state) = (&mut out[at * width..][..width], state.of(at, heads));
            with_width!(layer.channels(), |channels| {
                attend(simd, (layer, csr, channels), &place, edges, scores, sum, state);
            });
        }
        if visits.is_last_pass && part.is_none() {
            for (at, out) in out.chunks_mut(width.max(1)).enumerate() {
                let log_sums = if log_sums.is_empty() { &mut [][..] } else { &mut log_sums[at * heads..][..heads] };
                finish(simd, layer, &state.of(at, heads), out, log_sums);
            }
        }
    }
}

/// Adds `exp(e_ij - largest) x_l_j` of some edges of one destination to `sum`.
#[inline(always)]
fn attend<S: Simd>(
    simd: S,
    (layer, csr, channels): (&Gatv2, &Csr, usize),
    at: &Place,
    edges: Range<usize>,
    scores: &mut [f32],
    sum: &mut [f32],
    softmax: State,
) {
    let heads = layer.heads;
    let x_r = layer.x_r.row(at.row);
    let begin = edges.start;
    for block_begin in edges.clone().step_by(BLOCK) {
        let block = block_begin..(block_begin + BLOCK).min(edges.end);
        let n = block.len();
        layer.x_l.prefetch(&csr.neighbours[at.reach.ahead(&block)]);
        let mut rows: [&[f32]; BLOCK] = [&[]; BLOCK];
        for (row, neighbour) in rows.iter_mut().zip(&csr.neighbours[block.clone()]) {
            *row = layer.x_l.row(*neighbour as usize);
        }
        let rows = &rows[..n];
        for head in 0..heads {
            let columns = head * channels..(head + 1) * channels;
            let (x_r, att) = (&x_r[columns.clone()], &layer.att[columns.clone()]);
            let sum = &mut sum[columns.clone()];
            let mut weights = [0.0; BLOCK];
            let mut largest = softmax.largest[head];
            let mut groups = rows.chunks_exact(4);
            let mut scored = weights[..n].chunks_exact_mut(4);
            for (weights, rows) in scored.by_ref().zip(groups.by_ref()) {
                let rows = [rows[0], rows[1], rows[2], rows[3]];
                weights.copy_from_slice(&layer.scores(simd, rows, columns.start, x_r, att));
            }
            for (weight, row) in scored.into_remainder().iter_mut().zip(groups.remainder()) {
                [*weight] = layer.scores(simd, [*row], columns.start, x_r, att);
            }
            largest = weights[..n].iter().fold(largest, |largest, score| largest.max(*score));
            if !scores.is_empty() {
                for (n, weight) in weights[..n].iter().enumerate() {
                    scores[(block_begin - begin + n) * heads + head] = *weight;
                }
            }
            if largest > softmax.largest[head] {
                let factor = (softmax.largest[head] - largest).exp();
                scale(simd, sum, factor);
                softmax.sums[head] *= factor;
                softmax.largest[head] = largest;
            }
            exp_block(simd, &mut weights, largest);
            softmax.sums[head] += weights[..n].iter().sum::<f32>();
            if layer.dropout.is_some() {
                for (weight, edge) in weights.iter_mut().zip(&csr.edges[block.clone()]) {
                    *weight *= layer.kept(*edge, head);
                }
            }
            add_weighted(simd, sum, rows, columns.start, &weights[..n]);
        }
    }
}

/// From sums over exponentials to weighted means, plus the bias.
#[inline(always)]
fn finish<S: Simd>(simd: S, layer: &Gatv2, softmax: &State, out: &mut [f32], log_sums: &mut [f32]) {
    for (head, out) in out.chunks_mut(layer.channels().max(1)).enumerate() {
        if softmax.sums[head] != 0.0 {
            scale(simd, out, 1.0 / softmax.sums[head]);
        }
    }
    if let Some(bias) = layer.bias {
        add(simd, out, bias);
    }
    for ((log_sum, largest), sum) in log_sums.iter_mut().zip(&*softmax.largest).zip(&*softmax.sums) {
        *log_sum = largest + sum.ln();
    }
}

/// Joins the parts of a row, in their order.
struct Merge<'a> {
    layer: &'a Gatv2<'a>,
    sums: &'a mut [f32],
    /// The largest scores and the sums of every part, `[n_parts, heads]`.
    states: (&'a [f32], &'a [f32]),
    target: (&'a mut [f32], &'a mut [f32]),
}

impl WithSimd for Merge<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, sums, states: (largest, exponentials), target: (out, log_sums) } = self;
        let (channels, heads) = (layer.channels(), layer.heads);
        let mut whole = Softmax::new(1, heads);
        for part in largest.chunks(heads.max(1)) {
            whole.largest.iter_mut().zip(part).for_each(|(all, part)| *all = all.max(*part));
        }
        out.fill(0.0);
        let parts = largest.chunks(heads.max(1)).zip(exponentials.chunks(heads.max(1)));
        for ((largest, exponentials), sum) in parts.zip(sums.chunks_mut(out.len().max(1))) {
            for (head, sum) in sum.chunks_mut(channels.max(1)).enumerate() {
                let factor = (largest[head] - whole.largest[head]).exp();
                scale(simd, sum, factor);
                whole.sums[head] += factor * exponentials[head];
            }
            add(simd, out, sum);
        }
        finish(simd, layer, &whole.all(), out, log_sums);
    }
}

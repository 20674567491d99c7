//! From projections to weighted sums, in one pass over the edges by destination.

use pulp::{Simd, WithSimd};

use super::Gatv2;
use crate::arch::arch;
use crate::csr::Csr;
use crate::parallel::{for_each_with, Disjoint};
use crate::pieces::{Piece, Pieces};
use crate::row_sums::Place;
use crate::vector::{add, add_weighted, exp_block, leaky_relu, scale, BLOCK};
use crate::visits::{Order, Reach};

/// What backward needs of forward besides its output.
#[derive(Debug)]
pub struct Saved<'a> {
    /// `e_ij`, `[n_edges, heads]`, in the order of the CSR.
    pub scores: &'a mut [f32],
    /// `log sum over j of exp(e_ij)`, `[n_destinations, heads]`; not defined for nodes without edges.
    pub log_sums: &'a mut [f32],
}

/// The softmax of destinations so far: for each and per head the largest score, and the sum of the exponentials above it.
#[derive(Default)]
struct Softmax {
    largest: Vec<f32>,
    sums: Vec<f32>,
}

/// That of one destination, `[heads]`.
struct State<'a> {
    largest: &'a mut [f32],
    sums: &'a mut [f32],
}

impl Softmax {
    fn clear(&mut self, n_rows: usize, heads: usize) {
        for (values, value) in [(&mut self.largest, f32::NEG_INFINITY), (&mut self.sums, 0.0)] {
            values.clear();
            values.resize(n_rows * heads, value);
        }
    }

    fn of(&mut self, row: usize, heads: usize) -> State<'_> {
        let heads = row * heads..(row + 1) * heads;
        State { largest: &mut self.largest[heads.clone()], sums: &mut self.sums[heads] }
    }
}

/// What a thread keeps from piece to piece.
#[derive(Default)]
struct Scratch {
    softmax: Softmax,
    cursors: Vec<usize>,
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
        let (n_parts, Pieces { pieces, split_rows }) = (order.shares.n_parts(), &order.shares);
        let mut part_sums = vec![0.0; n_parts * width];
        let mut part_states = Vec::new();
        part_states.resize_with(n_parts, Softmax::default);
        let (scores, log_sums) = saved.map_or((&mut [][..], &mut [][..]), |saved| (saved.scores, saved.log_sums));
        let saves = !log_sums.is_empty();
        {
            let (out, scores, log_sums) = (Disjoint::new(out), Disjoint::new(scores), Disjoint::new(log_sums));
            let (sums, states) = (Disjoint::new(&mut part_sums), Disjoint::new(&mut part_states));
            for_each_with(pieces.len(), Scratch::default, |scratch, at| {
                let piece = &pieces[at];
                // SAFETY: pieces have different edges; whole rows are in one piece only; every part has its own sums and state.
                let (scores, target) = unsafe {
                    let scores =
                        if saves { scores.range(piece.edges.start * heads, piece.edges.end * heads) } else { &mut [] };
                    let target = match piece.part {
                        None => Target::Rows {
                            out: out.range(piece.rows.start * width, piece.rows.end * width),
                            log_sums: match saves {
                                true => log_sums.range(piece.rows.start * heads, piece.rows.end * heads),
                                false => &mut [],
                            },
                            scratch,
                        },
                        Some(part) => Target::Part {
                            sum: sums.range(part * width, (part + 1) * width),
                            softmax: &mut states.range(part, part + 1)[0],
                        },
                    };
                    (scores, target)
                };
                arch().dispatch(Forward { layer: self, csr: by_destination, order: &order, piece, scores, target });
            });
        }
        for (row, parts) in split_rows {
            let sums = &mut part_sums[parts.start * width..parts.end * width];
            let log_sums = if saves { &mut log_sums[row * heads..][..heads] } else { &mut [] };
            let target = (&mut out[row * width..][..width], log_sums);
            arch().dispatch(Merge { layer: self, sums, states: &mut part_states[parts.clone()], target });
        }
    }

    /// `e_ij` of one head.
    #[inline(always)]
    fn score<S: Simd>(&self, simd: S, x_l: &[f32], x_r: &[f32], att: &[f32]) -> f32 {
        let slope = simd.splat_f32s(self.negative_slope);
        let (x_l, x_l_rest) = S::as_simd_f32s(x_l);
        let (x_r, x_r_rest) = S::as_simd_f32s(x_r);
        let (att, att_rest) = S::as_simd_f32s(att);
        let mut sum = simd.splat_f32s(0.0);
        for ((x_l, x_r), att) in x_l.iter().zip(x_r).zip(att) {
            sum = simd.mul_add_e_f32s(leaky_relu(simd, simd.add_f32s(*x_l, *x_r), slope), *att, sum);
        }
        if !att_rest.is_empty() {
            let x = simd.add_f32s(simd.partial_load_f32s(x_l_rest), simd.partial_load_f32s(x_r_rest));
            sum = simd.mul_add_e_f32s(leaky_relu(simd, x, slope), simd.partial_load_f32s(att_rest), sum);
        }
        simd.reduce_sum_f32s(sum)
    }
}

/// Where a piece writes.
enum Target<'a> {
    Rows { out: &'a mut [f32], log_sums: &'a mut [f32], scratch: &'a mut Scratch },
    Part { sum: &'a mut [f32], softmax: &'a mut Softmax },
}

struct Forward<'a> {
    layer: &'a Gatv2<'a>,
    csr: &'a Csr<'a>,
    order: &'a Order<'a>,
    piece: &'a Piece,
    /// Of the piece's edges; empty if they are not wanted.
    scores: &'a mut [f32],
    target: Target<'a>,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, csr, order, piece, scores, target } = self;
        let (width, heads) = (layer.width(), layer.heads);
        match target {
            Target::Part { sum, softmax } => {
                sum.fill(0.0);
                softmax.clear(1, heads);
                let at = Place { row: piece.rows.start, piece: 0, reach: Reach::all(csr.n_edges()) };
                attend(simd, (layer, csr), &at, piece.edges.clone(), scores, sum, softmax.of(0, heads));
            }
            Target::Rows { out, log_sums, scratch: Scratch { softmax, cursors } } => {
                out.fill(0.0);
                softmax.clear(piece.rows.len(), heads);
                for (row, edges, reach) in order.visits(piece, cursors) {
                    let at = row - piece.rows.start;
                    let begin = (edges.start - piece.edges.start) * heads;
                    let scores =
                        if scores.is_empty() { &mut [][..] } else { &mut scores[begin..][..edges.len() * heads] };
                    let sum = &mut out[at * width..][..width];
                    let place = Place { row, piece: 0, reach };
                    attend(simd, (layer, csr), &place, edges, scores, sum, softmax.of(at, heads));
                }
                for (at, out) in out.chunks_mut(width.max(1)).enumerate() {
                    let log_sums = if log_sums.is_empty() { &mut [][..] } else { &mut log_sums[at * heads..][..heads] };
                    finish(simd, layer, &softmax.of(at, heads), out, log_sums);
                }
            }
        }
    }
}

/// Adds `exp(e_ij - largest) x_l_j` of some edges of one destination to `sum`.
#[inline(always)]
fn attend<S: Simd>(
    simd: S,
    (layer, csr): (&Gatv2, &Csr),
    at: &Place,
    edges: std::ops::Range<usize>,
    scores: &mut [f32],
    sum: &mut [f32],
    softmax: State,
) {
    let (channels, heads) = (layer.channels(), layer.heads);
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
            for (weight, row) in weights.iter_mut().zip(rows) {
                *weight = layer.score(simd, &row[columns.clone()], x_r, att);
                largest = largest.max(*weight);
            }
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
    states: &'a mut [Softmax],
    target: (&'a mut [f32], &'a mut [f32]),
}

impl WithSimd for Merge<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, sums, states, target: (out, log_sums) } = self;
        let channels = layer.channels();
        let (mut whole, heads) = (Softmax::default(), layer.heads);
        whole.clear(1, heads);
        for state in &*states {
            whole.largest.iter_mut().zip(&state.largest).for_each(|(all, part)| *all = all.max(*part));
        }
        out.fill(0.0);
        for (state, sum) in states.iter().zip(sums.chunks_mut(out.len().max(1))) {
            for (head, sum) in sum.chunks_mut(channels.max(1)).enumerate() {
                let factor = (state.largest[head] - whole.largest[head]).exp();
                scale(simd, sum, factor);
                whole.sums[head] += factor * state.sums[head];
            }
            add(simd, out, sum);
        }
        finish(simd, layer, &whole.of(0, heads), out, log_sums);
    }
}

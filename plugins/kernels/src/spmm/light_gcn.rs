//! The propagation of LightGCN (He et al.: LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation, SIGIR
//! 2020) over bipartite edges:
//!
//! ```text
//! B = [0 A; A' 0] with A = D_s^-1/2 (number of edges from s to d) D_d^-1/2
//! y = w_0 x + w_1 B x + w_2 B^2 x + ...
//! ```
//!
//! `D` counts the edges of a node, duplicates each time, as PyG's `gcn_norm`. `B` is its own transpose, so the gradient of `x` is the same
//! propagation of the gradient of `y`: there is no backward, and nothing to be saved.

use super::Spmm;
use crate::csr::Csr;
use crate::rows::Rows;

/// The graph, by both ends of its edges.
#[derive(Debug, Clone, Copy)]
pub struct LightGcn<'a> {
    pub by_source: Csr<'a>,
    pub by_destination: Csr<'a>,
    /// `w`, one more than there are layers.
    pub layer_weights: &'a [f32],
}

/// One end of the edges.
struct Side<'a> {
    csr: Csr<'a>,
    /// `D^-1/2`.
    factors: Vec<f32>,
    x: Rows<'a>,
    out: &'a mut [f32],
}

impl<'a> Side<'a> {
    fn new(csr: Csr<'a>, x: &'a [f32], width: usize, out: &'a mut [f32]) -> Self {
        let factors = csr.offsets().windows(2).map(|ends| match ends[1] - ends[0] {
            0 => 0.0,
            degree => 1.0 / (degree as f32).sqrt(),
        });
        Self { csr, factors: factors.collect(), x: Rows::new(x, csr.n_rows(), width), out }
    }
}

impl LightGcn<'_> {
    /// `x` and `out` are `[n_sources + n_destinations, width]`, sources first.
    ///
    /// By Horner's rule, `y = w_0 x + B (w_1 x + B (w_2 x + ...))`: besides input and output it takes one buffer of the size of the
    /// smaller side.
    ///
    /// # Panics
    /// If the lengths do not fit each other, or there are no weights.
    pub fn propagate(&self, x: &[f32], width: usize, out: &mut [f32]) {
        assert!(!self.layer_weights.is_empty(), "the input has a weight even without layers");
        assert_eq!(x.len(), out.len());
        let n_layers = self.layer_weights.len() - 1;
        if n_layers == 0 {
            out.iter_mut().zip(x).for_each(|(out, x)| *out = self.layer_weights[0] * x);
            return;
        }
        let (x_of_sources, x_of_destinations) = x.split_at(self.by_source.n_rows() * width);
        let (of_sources, of_destinations) = out.split_at_mut(x_of_sources.len());
        let mut small = Side::new(self.by_source, x_of_sources, width, of_sources);
        let mut large = Side::new(self.by_destination, x_of_destinations, width, of_destinations);
        if small.out.len() > large.out.len() {
            std::mem::swap(&mut small, &mut large);
        }
        let mut other = vec![0.0; if n_layers > 1 { small.out.len() } else { 0 }];
        // Layers alternate between the two; the last one has to end in the output.
        let (mut before, mut after) = (&mut *small.out, &mut other[..]);
        if n_layers % 2 == 1 {
            std::mem::swap(&mut before, &mut after);
        }
        for layer in (0..n_layers).rev() {
            let innermost = layer + 1 == n_layers;
            let step = Step {
                times: if innermost { self.layer_weights[n_layers] } else { 1.0 },
                plus: self.layer_weights[layer],
            };
            let state = if innermost { large.x } else { Rows::new(large.out, large.csr.n_rows(), width) };
            step.product(state, (&large.factors, &small.factors), small.x).write(&small.csr, after);
            // The large side needs no second buffer: its former state has just been read for the last time.
            let state = if innermost { small.x } else { Rows::new(before, small.csr.n_rows(), width) };
            step.product(state, (&small.factors, &large.factors), large.x).write(&large.csr, large.out);
            std::mem::swap(&mut before, &mut after);
        }
    }
}

struct Step {
    times: f32,
    plus: f32,
}

impl Step {
    /// From one side, `state`, to the other, whose input is `x`.
    fn product<'a>(&self, state: Rows<'a>, (from, to): (&'a [f32], &'a [f32]), x: Rows<'a>) -> Spmm<'a> {
        let Self { times, plus } = *self;
        Spmm { x: state, of_row: Some(to), of_neighbour: Some(from), times, plus: Some((plus, x)) }
    }
}

//! The part of GATv2 that runs over edges (Brody, Alon, Yahav: How Attentive are Graph Attention Networks?, ICLR 2022), fused: nothing
//! of the size edges x heads x channels is ever stored.
//!
//! ```text
//! e_ij  = att . LeakyReLU(x_l_j + x_r_i)       for every edge j -> i and head
//! out_i = sum over j of softmax_j(e_ij) x_l_j + bias
//! ```
//!
//! [`forward`](Gatv2::forward) goes once over the edges grouped by destination, with the softmax of Milakov and Gimelshein (Online
//! normalizer calculation for softmax, 2018). [`backward`](Gatv2::backward) goes over them by destination and then by source, so that
//! every row of a gradient is written by one thread in one order: no atomics, the same numbers on any number of threads.

mod backward;
mod forward;

use crate::dropout::Dropout;
use crate::rows::Rows;

pub use backward::{Gradients, Incoming};
pub use forward::Saved;

/// A layer's inputs. `width` is `heads * channels`.
#[derive(Debug, Clone, Copy)]
pub struct Gatv2<'a> {
    /// The projections of the sources, `[n_sources, width]`.
    pub x_l: Rows<'a>,
    /// The projections of the destinations, `[n_destinations, width]`.
    pub x_r: Rows<'a>,
    /// `[heads, channels]`.
    pub att: &'a [f32],
    /// `[width]`, added to every row.
    pub bias: Option<&'a [f32]>,
    pub heads: usize,
    /// Slope of LeakyReLU below 0 and at 0.
    pub negative_slope: f32,
    /// `None`: no weight is dropped.
    pub dropout: Option<Dropout>,
}

impl Gatv2<'_> {
    fn width(&self) -> usize {
        self.att.len()
    }

    fn channels(&self) -> usize {
        self.att.len() / self.heads.max(1)
    }

    fn kept(&self, edge: i32, head: usize) -> f32 {
        self.dropout.map_or(1.0, |dropout| dropout.factor(edge as u64 * self.heads as u64 + head as u64))
    }
}

#[cfg(test)]
mod tests;

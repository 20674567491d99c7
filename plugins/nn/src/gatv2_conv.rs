//! `torch_geometric.nn.GATv2Conv` over bipartite edges, without self loops (Brody, Alon, Yahav: How Attentive are Graph
//! Attention Networks?, ICLR 2022).

use tch::nn::{Init, Path};
use tch::{TchError, Tensor};

use crate::linear::glorot;
use crate::path::fused;
use crate::{gather_rows, scatter_sum, softmax_by_destination, Edges, Linear, Result};

/// The options of PyG's class of the same names.
#[derive(Debug, Clone, Copy)]
pub struct GATv2Options {
    /// Width of a head.
    pub out_channels: i64,
    pub heads: i64,
    /// Heads side by side (`[n, heads * out_channels]`), or their mean (`[n, out_channels]`).
    pub concat: bool,
    pub negative_slope: f64,
    /// Probability with which an attention weight is dropped in training.
    pub dropout: f64,
    /// One projection for both ends.
    pub share_weights: bool,
}

/// For every edge `j -> i` and head: `alpha = softmax_j(att . LeakyReLU(lin_l x_j + lin_r x_i))`,
/// `out_i = sum_j alpha lin_l x_j + bias`.
///
/// Weights under PyG's names: `lin_l.*` (sources), `lin_r.*` (destinations), `att` `[1, heads, out_channels]`, `bias`.
#[derive(Debug)]
pub struct GATv2Conv {
    lin_l: Linear,
    /// `None` where the weights are shared.
    lin_r: Option<Linear>,
    att: Tensor,
    bias: Tensor,
    options: GATv2Options,
}

impl GATv2Conv {
    /// `in_channels`: widths of source and destination features.
    ///
    /// # Errors
    /// libtorch's, and if all heads together are wider than can be counted.
    pub fn new(path: &Path, in_channels: (i64, i64), options: GATv2Options) -> Result<Self> {
        let GATv2Options { out_channels, heads, concat, share_weights, .. } = options;
        let width = heads.checked_mul(out_channels);
        let width = width.ok_or_else(|| TchError::Shape(format!("{heads} heads of {out_channels} channels")))?;
        let lin_l = Linear::glorot(&(path / "lin_l"), in_channels.0, width)?;
        let lin_r = if share_weights { None } else { Some(Linear::glorot(&(path / "lin_r"), in_channels.1, width)?) };
        let att = path.f_var("att", &[1, heads, out_channels], glorot(heads, out_channels))?;
        let bias = path.f_var("bias", &[if concat { width } else { out_channels }], Init::Const(0.0))?;
        Ok(Self { lin_l, lin_r, att, bias, options })
    }

    /// `x_source` f32 `[n_sources, in]`, `x_destination` f32 `[n_destinations, in]`; gives `[n_destinations, out]`.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn forward(&self, x_source: &Tensor, x_destination: &Tensor, edges: &Edges, train: bool) -> Result<Tensor> {
        let (x_l, x_r) = self.project(x_source, x_destination)?;
        self.attend(&x_l, &x_r, edges, train)
    }

    /// Both ends, `[n_sources, heads * channels]` and `[n_destinations, heads * channels]`.
    fn project(&self, x_source: &Tensor, x_destination: &Tensor) -> Result<(Tensor, Tensor)> {
        Ok((self.lin_l.forward(x_source)?, self.lin_r.as_ref().unwrap_or(&self.lin_l).forward(x_destination)?))
    }

    /// From both projections to the layer's output.
    fn attend(&self, x_l: &Tensor, x_r: &Tensor, edges: &Edges, train: bool) -> Result<Tensor> {
        let GATv2Options { negative_slope, dropout, concat, .. } = self.options;
        if !fused(&[x_l, x_r, &self.att], edges.n_edges()) {
            return self.attend_plain(x_l, x_r, edges, train);
        }
        let inputs = [x_l, x_r, &self.att];
        let dropout = if train { dropout } else { 0.0 };
        if concat {
            return fused::attend(inputs, Some(&self.bias), edges, negative_slope, dropout);
        }
        self.combine(&fused::attend(inputs, None, edges, negative_slope, dropout)?)
    }

    /// The heads side by side or their mean, with the bias.
    fn combine(&self, heads: &Tensor) -> Result<Tensor> {
        let GATv2Options { heads: n_heads, out_channels, concat, .. } = self.options;
        if concat {
            return heads.f_add(&self.bias);
        }
        let by_head = heads.f_view([-1, n_heads, out_channels])?; // [n_destinations, heads, channels]
        by_head.f_mean_dim([1].as_slice(), false, None)?.f_add(&self.bias) // [n_destinations, channels]
    }

    /// The same with libtorch's operations, which store several values an edge and channel.
    fn attend_plain(&self, x_l: &Tensor, x_r: &Tensor, edges: &Edges, train: bool) -> Result<Tensor> {
        let GATv2Options { heads, out_channels, negative_slope, dropout, .. } = self.options;
        let n_edges = edges.n_edges();
        let x_j = gather_rows(x_l, &edges.source)?; // [n_edges, heads * channels]
        let sum = gather_rows(x_r, &edges.destination)?.f_add_(&x_j)?; // [n_edges, heads * channels]
        let activated = leaky_relu_(sum, negative_slope)?.f_view([n_edges, heads, out_channels])?;
        let scores = activated.f_mul(&self.att)?.f_sum_dim_intlist([-1].as_slice(), false, None)?; // [n_edges, heads]
        let alpha = softmax_by_destination(&scores, &edges.destination, edges.n_destinations)?; // [n_edges, heads]
        let alpha = alpha.f_dropout(dropout, train)?.f_unsqueeze(-1)?; // [n_edges, heads, 1]
        let messages = x_j.f_view([n_edges, heads, out_channels])?.f_mul(&alpha)?; // [n_edges, heads, channels]
        let messages = messages.f_view([n_edges, heads * out_channels])?; // [n_edges, heads * channels]
        self.combine(&scatter_sum(&messages, &edges.destination, edges.n_destinations)?)
    }
}

/// tch leaves out the slope of libtorch's own `leaky_relu`. At 0 the gradient is the slope, as there. In place, since `x` is as
/// large as a message of every edge.
fn leaky_relu_(mut x: Tensor, negative_slope: f64) -> Result<Tensor> {
    let positive = x.f_relu()?.f_mul_scalar(1.0 - negative_slope)?;
    x.f_mul_scalar_(negative_slope)?.f_add_(&positive)
}

mod fused;

#[cfg(test)]
mod tests;

//! The part of the layer that runs over edges, by the fused kernels.

use kernels::dropout::Dropout;
use kernels::gatv2::{Gatv2, Gradients, Incoming, Saved};
use plugin_api::edge_index::EdgeIndex;
use plugin_api::profile;
use tch::{no_grad, Device, Kind, TchError, Tensor};

use crate::autograd::{attach, needs_grad};
use crate::edges::csr;
use crate::path::{draw_seed, EDGE_KERNEL};
use crate::slices::{rows, same_width, slice, slice_mut};
use crate::{Edges, Result};

/// What does not change between forward and backward.
struct Attention {
    heads: i64,
    negative_slope: f64,
    dropout: Option<Dropout>,
    index: EdgeIndex,
}

/// `x_l` f32 `[n_sources, heads * channels]`, `x_r` f32 `[n_destinations, heads * channels]`, `att` f32 `[1, heads, channels]`, `bias`
/// f32 `[heads * channels]`; gives `[n_destinations, heads * channels]`. `dropout` is 0 outside training.
pub fn attend(
    [x_l, x_r, att]: [&Tensor; 3],
    bias: Option<&Tensor>,
    edges: &Edges,
    negative_slope: f64,
    dropout: f64,
) -> Result<Tensor> {
    same_width(x_l, x_r)?;
    if att.dim() != 3 || att.numel() as i64 != x_l.size()[1] {
        let text = format!("att of shape {:?} does not fit projections of shape {:?}", att.size(), x_l.size());
        return Err(TchError::Shape(text));
    }
    let attention = Attention { heads: att.size()[1], negative_slope, dropout: draw(dropout)?, index: edges.index()? };
    let inputs = [x_l.f_contiguous()?, x_r.f_contiguous()?, att.f_contiguous()?];
    let inputs = [&inputs[0], &inputs[1], &inputs[2]];
    let all: Vec<_> = inputs.into_iter().chain(bias).collect();
    if !needs_grad(&all) {
        return no_grad(|| attention.forward(inputs, bias, None));
    }
    let options = (Kind::Float, Device::Cpu);
    let mut scores = Tensor::f_empty([edges.n_edges(), attention.heads], options)?; // [n_edges, heads]
    let mut log_sums = Tensor::f_empty([edges.n_destinations, attention.heads], options)?; // [n_destinations, heads]
    let out = no_grad(|| {
        let saved = Saved { scores: slice_mut(&mut scores)?, log_sums: slice_mut(&mut log_sums)? };
        attention.forward(inputs, bias, Some(saved))
    })?; // [n_destinations, heads * channels]
    let own = out.shallow_clone();
    let saved: Vec<_> = [inputs[0], inputs[1], inputs[2], &own, &scores, &log_sums].into_iter().chain(bias).collect();
    attach(out, &all, &saved, move |saved, grad_out| attention.backward(saved, grad_out))
}

/// A mask of its own for every call, which libtorch's generator seeds.
fn draw(probability: f64) -> Result<Option<Dropout>> {
    if probability <= 0.0 {
        return Ok(None);
    }
    Ok(Dropout::new(probability, draw_seed()?))
}

impl Attention {
    fn layer<'a>(&self, [x_l, x_r, att]: [&'a Tensor; 3], bias: Option<&'a Tensor>) -> Result<Gatv2<'a>> {
        Ok(Gatv2 {
            x_l: rows(x_l)?,
            x_r: rows(x_r)?,
            att: slice(att)?,
            bias: bias.map(slice).transpose()?,
            heads: self.heads as usize,
            negative_slope: self.negative_slope as f32,
            dropout: self.dropout,
        })
    }

    fn forward(&self, inputs: [&Tensor; 3], bias: Option<&Tensor>, saved: Option<Saved>) -> Result<Tensor> {
        let mut out = Tensor::f_empty_like(inputs[1])?; // [n_destinations, heads * channels]
        let (layer, csr) = (self.layer(inputs, bias)?, csr(&self.index.by_destination)?);
        let sums = slice_mut(&mut out)?;
        profile::timed(EDGE_KERNEL, || layer.forward(&csr, sums, saved));
        Ok(out)
    }

    fn backward(&self, saved: &[Tensor], grad_out: &Tensor) -> Result<Vec<Option<Tensor>>> {
        let [x_l, x_r, att, out, scores, log_sums, bias @ ..] = saved else { unreachable!("`attend` saves them") };
        let grad_out = grad_out.f_contiguous()?; // [n_destinations, heads * channels]
        let incoming = Incoming {
            scores: slice(scores)?,
            log_sums: slice(log_sums)?,
            out: rows(out)?,
            grad_out: rows(&grad_out)?,
        };
        let mut gradients = [Tensor::f_empty_like(x_l)?, Tensor::f_empty_like(x_r)?, Tensor::f_empty_like(att)?];
        let [of_x_l, of_x_r, of_att] = &mut gradients;
        let written = Gradients { x_l: slice_mut(of_x_l)?, x_r: slice_mut(of_x_r)?, att: slice_mut(of_att)? };
        let (by_destination, by_source) = (csr(&self.index.by_destination)?, csr(&self.index.by_source)?);
        let layer = self.layer([x_l, x_r, att], bias.first())?;
        profile::timed(EDGE_KERNEL, || layer.backward(&by_destination, &by_source, &incoming, written));
        let mut gradients: Vec<_> = gradients.into_iter().map(Some).collect();
        if !bias.is_empty() {
            gradients.push(Some(grad_out.f_sum_dim_intlist([0].as_slice(), false, None)?));
            // [heads * channels]
        }
        Ok(gradients)
    }
}

//! The propagation by the fused kernels.

use kernels::spmm::light_gcn::LightGcn;
use plugin_api::edge_index::EdgeIndex;
use tch::{no_grad, Tensor};

use crate::autograd::{attach, needs_grad};
use crate::edges::csr;
use crate::slices::{slice, slice_mut};
use crate::{Edges, Result};

/// What does not change between forward and backward.
struct Propagation {
    index: EdgeIndex,
    layer_weights: Vec<f32>,
}

/// As [`super::light_gcn_propagation`], whose checks it relies on.
pub fn propagate(x: &Tensor, edges: &Edges, layer_weights: &[f64]) -> Result<Tensor> {
    let layer_weights = layer_weights.iter().map(|weight| *weight as f32).collect();
    let propagation = Propagation { index: edges.index()?, layer_weights };
    let out = no_grad(|| propagation.apply(x))?; // [n_sources + n_destinations, width]
    if !needs_grad(&[x]) {
        return Ok(out);
    }
    // Linear and its own adjoint: the gradient of the input is the propagation of that of the output.
    attach(out, &[x], &[], move |_, grad_out| Ok(vec![Some(propagation.apply(grad_out)?)]))
}

impl Propagation {
    fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.f_contiguous()?; // [n_sources + n_destinations, width]
        let mut out = Tensor::f_empty_like(&x)?;
        let graph = LightGcn {
            by_source: csr(&self.index.by_source)?,
            by_destination: csr(&self.index.by_destination)?,
            layer_weights: &self.layer_weights,
        };
        graph.propagate(slice(&x)?, x.size()[1] as usize, slice_mut(&mut out)?);
        Ok(out)
    }
}

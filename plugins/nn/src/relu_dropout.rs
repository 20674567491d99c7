//! `torch.nn.functional.dropout(torch.relu(x), p, training)`; the order of the two does not matter.

use kernels::relu_dropout::{backward, forward};
use tch::Tensor;

use crate::autograd::attach;
use crate::path::{draw_seed, fused};
use crate::slices::{slice, slice_mut};
use crate::Result;

/// `x` f32 of any shape. In training every value is dropped with `probability`, the others are scaled to keep the mean.
///
/// # Errors
/// libtorch's.
pub fn relu_dropout(x: &Tensor, probability: f64, train: bool) -> Result<Tensor> {
    let drops = train && probability > 0.0;
    if !drops || !fused(&[x], 0) {
        return x.f_relu()?.f_dropout(probability, drops);
    }
    let x = x.f_contiguous()?;
    let mut out = Tensor::f_empty_like(&x.f_detach()?)?;
    forward(slice(&x)?, probability, draw_seed()?, slice_mut(&mut out)?);
    let saved = out.shallow_clone();
    attach(out, &[&x], &[&saved], move |saved, grad_out| {
        let grad_out = grad_out.f_contiguous()?;
        let mut grad_x = Tensor::f_empty_like(&grad_out)?;
        backward(slice(&saved[0])?, slice(&grad_out)?, probability, slice_mut(&mut grad_x)?);
        Ok(vec![Some(grad_x)])
    })
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn drops_in_training_only_and_gradients_follow() {
        let x = (Tensor::arange(10_000, (Kind::Float, Device::Cpu)) - 5000.5).set_requires_grad(true);
        let still = relu_dropout(&x, 0.5, false).unwrap();
        assert_eq!(still, x.relu());
        let out = relu_dropout(&x, 0.5, true).unwrap();
        let kept = out.ne(0).sum(Kind::Int64).int64_value(&[]);
        assert!((2200..2700).contains(&kept), "{kept} of 4999 kept");
        assert!(out.ne(0).logical_and(&out.ne_tensor(&(&x * 2.0))).sum(Kind::Int64).int64_value(&[]) == 0);
        out.sum(Kind::Float).backward();
        assert_eq!(x.grad(), out.ne(0).to_kind(Kind::Float) * 2.0);
    }
}

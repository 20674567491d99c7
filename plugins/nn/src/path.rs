//! The choice between the fused kernels and libtorch's operations.

use tch::{Device, Kind, Tensor};

use crate::Result;

/// The name under which `train --profile` times what the fused kernels do.
pub const EDGE_KERNEL: &str = "edge kernel";

/// Whether a layer over `n_edges` edges of these inputs runs in the fused kernels: on the CPU, in f32, with edges that 32 bits can
/// number. Everything else, CUDA above all, takes libtorch's operations, which are also the oracle in tests:
/// `RECSYS_KERNELS=plain` chooses them everywhere.
pub fn fused(inputs: &[&Tensor], n_edges: i64) -> bool {
    let fits = |input: &&Tensor| input.device() == Device::Cpu && matches!(input.f_kind(), Ok(Kind::Float));
    inputs.iter().all(fits) && n_edges < i64::from(i32::MAX) && !plain_wanted()
}

/// Whether `RECSYS_KERNELS=plain` asks for libtorch's operations.
pub fn plain_wanted() -> bool {
    std::env::var_os("RECSYS_KERNELS").is_some_and(|value| value == "plain")
}

/// A seed for what a kernel drops in this call, from libtorch's generator, which the host seeds.
///
/// # Errors
/// libtorch's.
pub(crate) fn draw_seed() -> Result<u64> {
    Ok(Tensor::f_randint(i64::MAX, [1], (Kind::Int64, Device::Cpu))?.f_int64_value(&[0])? as u64)
}

//! [`TensorHandle`]: a tensor that crosses the boundary; and tensors made of memory: [`filled`], [`over`].
//!
//! Both sides link one libtorch, so what crosses is a heap `at::Tensor*`: storage, autograd graph and reference count
//! are shared. The Rust wrapper around it is not: each side makes its own with its own copy of tch's C++ glue, and the
//! shell that a side allocated is freed by that side's `release`.

use std::mem::MaybeUninit;

use abi_stable::StableAbi;
use tch::kind::Element;
use tch::{Device, Kind, Tensor};

use crate::error::Result;

/// An owned `at::Tensor*` with the function of its producer that frees it.
#[repr(C)]
#[derive(StableAbi)]
pub struct TensorHandle {
    pointer: *mut (),
    release: unsafe extern "C" fn(*mut ()),
}

// SAFETY: `tch::Tensor` is `Send`, and a handle owns exactly what one such tensor owns: a heap `at::Tensor` whose
// reference count is atomic. It gives out no shared access, so it is deliberately not `Sync`.
unsafe impl Send for TensorHandle {}

unsafe extern "C" fn release(pointer: *mut ()) {
    // SAFETY: `pointer` came from `TensorHandle::new` of this very library (the handle carries this function for that
    // reason), which forgot the `Tensor`; the handle's `Drop` runs once.
    drop(unsafe { Tensor::from_ptr(pointer.cast()) });
}

impl TensorHandle {
    /// Hands a tensor over. The storage is not copied.
    pub fn new(tensor: Tensor) -> Self {
        let mut tensor = std::mem::ManuallyDrop::new(tensor);
        Self { pointer: tensor.as_mut_ptr().cast(), release }
    }

    /// Hands over a second reference to the same storage and autograd node.
    pub fn share(tensor: &Tensor) -> Self {
        Self::new(tensor.shallow_clone())
    }

    /// This side's own tensor over the same storage and autograd node.
    pub fn tensor(&self) -> Tensor {
        // SAFETY: `pointer` is a live `at::Tensor` as long as `self` is; the clone has its own reference.
        unsafe { Tensor::clone_from_ptr(self.pointer.cast()) }
    }
}

impl Drop for TensorHandle {
    fn drop(&mut self) {
        // SAFETY: the producer made `pointer` and `release` together, and nobody else frees it.
        unsafe { (self.release)(self.pointer) }
    }
}

/// A new CPU tensor whose elements, row after row, `fill` writes. Those it leaves out have arbitrary values.
///
/// # Errors
/// If there is no memory for it or `shape` is none.
pub fn filled<T: Element>(shape: &[i64], fill: impl FnOnce(&mut [MaybeUninit<T>])) -> Result<Tensor> {
    let tensor = Tensor::f_empty(shape, (T::KIND, Device::Cpu))?;
    if tensor.numel() > 0 {
        let data = tensor.data_ptr().cast::<MaybeUninit<T>>();
        // SAFETY: a tensor that was just made is contiguous, on the CPU, of `numel` elements of `T`'s kind, aligned by libtorch to 64
        // bytes, and known to nobody else until this function returns; `MaybeUninit` makes no claim about what is in it.
        fill(unsafe { std::slice::from_raw_parts_mut(data, tensor.numel()) });
    }
    Ok(tensor)
}

/// A CPU tensor over memory that lives as long as the process, without copying; if the memory is not aligned for `kind`, a copy.
///
/// # Errors
/// If `bytes` are not as many as `shape` needs.
pub fn over(bytes: &'static mut [u8], kind: Kind, shape: &[i64]) -> Result<Tensor> {
    let width = kind.elt_size_in_bytes();
    let needed = shape.iter().try_fold(width, |n, size| n.checked_mul(usize::try_from(*size).ok()?));
    if needed != Some(bytes.len()) {
        let message = format!("{} bytes are no {kind:?} tensor of shape {shape:?}", bytes.len());
        return Err(crate::PluginError::invalid_data(message));
    }
    if bytes.is_empty() || bytes.as_ptr().align_offset(width) != 0 {
        return Ok(Tensor::f_from_data_size(bytes, shape, kind)?);
    }
    let strides: Vec<i64> = (1..=shape.len()).map(|dim| shape[dim..].iter().product()).collect();
    // SAFETY: the memory is exclusively this tensor's for the rest of the process, aligned, and of exactly the size that a contiguous
    // tensor of this shape spans (checked above; no size is 0, so that no stride overflows); every bit pattern is a number, and
    // libtorch reads a bool as any byte that is not 0.
    Ok(unsafe { Tensor::f_from_blob(bytes.as_ptr(), shape, &strides, kind, Device::Cpu)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaked(n: usize) -> &'static mut [u8] {
        vec![7; n].leak()
    }

    #[test]
    fn memory_becomes_a_tensor_or_an_error() {
        let tensor = over(leaked(24), Kind::Uint8, &[2, 12]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((tensor.size(), tensor.sum(Kind::Int64).int64_value(&[])), (vec![2, 12], 24 * 7));
        let shifted = over(&mut leaked(16)[1..9], Kind::Int64, &[1]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(shifted.int64_value(&[0]), 0x0707_0707_0707_0707);
        assert_eq!(over(&mut [], Kind::Float, &[2, 0]).map(|none| none.size()).ok(), Some(vec![2, 0]));
        assert!(over(leaked(8), Kind::Float, &[3]).is_err());
        assert!(over(leaked(8), Kind::Float, &[-1, -2]).is_err());
        assert!(over(leaked(8), Kind::Float, &[i64::MAX, 8]).is_err());
    }

    #[test]
    fn a_tensor_is_filled_row_after_row() {
        let tensor = filled::<i64>(&[2, 3], |slots| {
            slots.iter_mut().zip(0..).for_each(|(slot, value)| _ = slot.write(value));
        });
        assert!(tensor.is_ok_and(|tensor| tensor == Tensor::arange(6, (Kind::Int64, Device::Cpu)).view([2, 3])));
        assert!(filled::<f32>(&[0], |_| panic!("there is nothing to fill")).is_ok());
    }
}

//! [`TensorHandle`]: a tensor that crosses the boundary.
//!
//! Both sides link one libtorch, so what crosses is a heap `at::Tensor*`: storage, autograd graph and reference count
//! are shared. The Rust wrapper around it is not: each side makes its own with its own copy of tch's C++ glue, and the
//! shell that a side allocated is freed by that side's `release`.

use abi_stable::StableAbi;
use tch::Tensor;

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

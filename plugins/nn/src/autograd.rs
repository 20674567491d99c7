//! Gives what a Rust kernel computed a place in libtorch's autograd, so that models write `conv.forward(..)` and put any loss on top.
//! The other side is `autograd/function.cpp`.

use std::ffi::{c_char, c_void, CStr, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};

use tch::{TchError, Tensor};

use crate::Result;

#[repr(C)]
struct Backward {
    data: *mut c_void,
    call: unsafe extern "C" fn(
        *mut c_void,
        *const *mut c_void,
        usize,
        *mut c_void,
        *mut *mut c_void,
        usize,
    ) -> *mut c_char,
    free_message: unsafe extern "C" fn(*mut c_char),
    release: unsafe extern "C" fn(*mut c_void),
}

extern "C" {
    fn recsys_autograd(
        inputs: *const *mut c_void,
        n_inputs: usize,
        saved: *const *mut c_void,
        n_saved: usize,
        output: *mut c_void,
        function: Backward,
        result: *mut *mut c_void,
    ) -> *mut c_char;
    fn recsys_free_message(message: *mut c_char);
    fn recsys_grad_enabled() -> bool;
}

/// Whether results of these would have gradients: backward will be asked for.
pub fn needs_grad(inputs: &[&Tensor]) -> bool {
    // SAFETY: reads a flag of this thread.
    inputs.iter().any(|input| input.requires_grad()) && unsafe { recsys_grad_enabled() }
}

/// `output`, computed from `inputs` without autograd, as a result of them whose gradient `backward` computes.
///
/// `backward` is given the `saved` tensors (`output` may be one of them) and the gradient of `output`; it returns one for each input.
/// libtorch keeps the saved tensors, sees when one is changed in place before backward, and lets go of them after it.
///
/// # Errors
/// libtorch's.
pub fn attach<F>(output: Tensor, inputs: &[&Tensor], saved: &[&Tensor], backward: F) -> Result<Tensor>
where
    F: Fn(&[Tensor], &Tensor) -> Result<Vec<Option<Tensor>>> + Send + 'static,
{
    let pointers = |tensors: &[&Tensor]| -> Vec<*mut c_void> {
        tensors.iter().map(|tensor| tensor.as_ptr().cast_mut().cast()).collect()
    };
    let (inputs, saved) = (pointers(inputs), pointers(saved));
    let function = Backward {
        data: Box::into_raw(Box::new(backward)).cast(),
        call: call::<F>,
        free_message,
        release: release::<F>,
    };
    let mut result = std::ptr::null_mut();
    // SAFETY: all pointers are live tensors that the callee only reads; `function` owns the box in `data`, whose type `call` and
    // `release` know; `result` is written before null is returned.
    unsafe {
        let message = recsys_autograd(
            inputs.as_ptr(),
            inputs.len(),
            saved.as_ptr(),
            saved.len(),
            output.as_ptr().cast_mut().cast(),
            function,
            &mut result,
        );
        if message.is_null() {
            return Ok(Tensor::from_ptr(result.cast()));
        }
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        recsys_free_message(message);
        Err(TchError::Torch(text))
    }
}

/// # Safety
/// `data` is the box of [`attach`]; `saved` are `n_saved` live tensors, `grad` is one; `grads` has room for `n_grads`.
unsafe extern "C" fn call<F>(
    data: *mut c_void,
    saved: *const *mut c_void,
    n_saved: usize,
    grad: *mut c_void,
    grads: *mut *mut c_void,
    n_grads: usize,
) -> *mut c_char
where
    F: Fn(&[Tensor], &Tensor) -> Result<Vec<Option<Tensor>>>,
{
    // A panic must not unwind into C++.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: as the caller promises; the clones hold references of their own.
        let (backward, saved, grad) = unsafe {
            let saved: Vec<_> = (0..n_saved).map(|at| Tensor::clone_from_ptr((*saved.add(at)).cast())).collect();
            (&*data.cast_const().cast::<F>(), saved, Tensor::clone_from_ptr(grad.cast()))
        };
        let made = backward(&saved, &grad)?;
        for (at, gradient) in made.into_iter().enumerate().take(n_grads) {
            let Some(gradient) = gradient else { continue };
            let mut gradient = std::mem::ManuallyDrop::new(gradient);
            // SAFETY: `at` is below `n_grads`. The C++ side frees what it finds there: a heap `at::Tensor`, as in every tch tensor.
            unsafe { *grads.add(at) = gradient.as_mut_ptr().cast() };
        }
        Ok::<_, TchError>(())
    }));
    let text = match outcome {
        Ok(Ok(())) => return std::ptr::null_mut(),
        Ok(Err(error)) => error.to_string(),
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
            format!("the backward of a kernel panicked: {text}")
        }
    };
    CString::new(text.replace('\0', " ")).unwrap_or_default().into_raw()
}

/// # Safety
/// `message` came from [`call`].
unsafe extern "C" fn free_message(message: *mut c_char) {
    // SAFETY: `call` made it with `into_raw`, and the C++ side frees it once.
    drop(unsafe { CString::from_raw(message) });
}

/// # Safety
/// `data` is the box of [`attach`], not used afterwards.
unsafe extern "C" fn release<F>(data: *mut c_void) {
    // SAFETY: the C++ side calls this once, when its last reference goes.
    drop(unsafe { Box::from_raw(data.cast::<F>()) });
}

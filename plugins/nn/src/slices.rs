//! CPU tensors as slices, for the kernels.

use kernels::rows::Rows;
use tch::kind::Element;
use tch::{Device, TchError, Tensor};

use crate::Result;

/// The elements of a contiguous CPU tensor.
///
/// # Errors
/// If it is anything else.
pub fn slice<T: Element>(tensor: &Tensor) -> Result<&[T]> {
    let n = check::<T>(tensor)?;
    if n == 0 {
        return Ok(&[]);
    }
    // SAFETY: `n` initialised elements of `T` lie there in a row, aligned as libtorch's allocator aligns; the storage lives as long as
    // the tensor. Nobody writes meanwhile: autograd's tensors are changed by the thread that computes, which is this one.
    Ok(unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast_const().cast(), n) })
}

/// The elements of a contiguous CPU tensor that has just been made, and that nobody else has.
///
/// # Errors
/// If it is anything else than a contiguous CPU tensor of that kind.
pub fn slice_mut<T: Element>(tensor: &mut Tensor) -> Result<&mut [T]> {
    let n = check::<T>(tensor)?;
    if n == 0 {
        return Ok(&mut []);
    }
    // SAFETY: as in `slice`; `&mut` says that this handle is not in use elsewhere, and callers pass tensors that they have just made.
    Ok(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), n) })
}

/// A contiguous CPU matrix, f32 `[n, width]`.
///
/// # Errors
/// If it is anything else.
pub fn rows(matrix: &Tensor) -> Result<Rows<'_>> {
    match matrix.size()[..] {
        [n, width] => Ok(Rows::new(slice(matrix)?, n as usize, width as usize)),
        _ => Err(TchError::Shape(format!("expected a matrix, got shape {:?}", matrix.size()))),
    }
}

/// # Errors
/// If two matrices are not equally wide: rows of theirs are multiplied, and a kernel would take the shorter one's length.
pub fn same_width(one: &Tensor, other: &Tensor) -> Result<()> {
    let (one, other) = (one.size(), other.size());
    if one.len() == 2 && other.len() == 2 && one[1] == other[1] {
        return Ok(());
    }
    Err(TchError::Shape(format!("expected matrices of one width, got shapes {one:?} and {other:?}")))
}

fn check<T: Element>(tensor: &Tensor) -> Result<usize> {
    let kind = tensor.f_kind()?;
    if tensor.device() != Device::Cpu || kind != T::KIND || !tensor.is_contiguous() {
        let text =
            format!("expected a contiguous {:?} tensor on the CPU, got {kind:?} on {:?}", T::KIND, tensor.device());
        return Err(TchError::Kind(text));
    }
    Ok(tensor.numel())
}

//! Asking for memory before it is needed. Neighbours lie anywhere: on a graph whose rows do not fit the caches, a kernel without this
//! waits for memory at every edge.

/// How a row is named.
pub trait RowId: Copy {
    /// Ids below 0 become ones beyond any row.
    fn index(self) -> usize;
}

impl RowId for i32 {
    #[inline(always)]
    fn index(self) -> usize {
        self as usize
    }
}

impl RowId for i64 {
    #[inline(always)]
    fn index(self) -> usize {
        self as usize
    }
}

/// Asks for the rows `ids` of a matrix of `width` columns; ids that name none are passed over.
#[inline(always)]
pub fn prefetch_rows<T>(values: &[T], width: usize, ids: &[impl RowId]) {
    for id in ids {
        let begin = id.index().wrapping_mul(width);
        if let Some(row) = values.get(begin..begin.wrapping_add(width)) {
            prefetch(row);
        }
    }
}

/// Starts to bring `values` into the caches. Only a hint: does nothing where stable Rust has no instruction for it.
#[inline(always)]
fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T1};
        const LINE: usize = 64;
        let begin = values.as_ptr().cast::<i8>();
        for at in (0..size_of_val(values)).step_by(LINE) {
            // Into the second level: the first has too few places for lines on their way (measured: no gain at all), and wide rows fill it.
            // SAFETY: the address is within `values`, and a prefetch reads nothing that a program could see.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(begin.add(at)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Asks for the places that `ids` have in `values`, `width` to each, which will be written: of each the first line, into the first
/// level, since a store that misses it holds up those behind it (measured: an eighth of attention's backward pass by destination).
/// For reading this gains nothing.
#[inline(always)]
pub fn prefetch_places<T>(values: &[T], width: usize, ids: &[i32]) {
    #[cfg(target_arch = "x86_64")]
    for id in ids {
        use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
        if let Some(place) = values.get((*id as usize).wrapping_mul(width)) {
            // SAFETY: the address is within `values`, and a prefetch reads nothing that a program could see.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, width, ids);
}

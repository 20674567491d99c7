//! Loops over the threads that libtorch computes with.
//!
//! One pool a process: a plugin that brought its own threads would compete with libtorch's for the same cores. Tasks are handed out
//! as threads come free, so nothing may depend on which thread runs a task; what a task writes must depend on its number alone.

use std::any::Any;
use std::os::raw::{c_int, c_void};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

extern "C" {
    fn recsys_n_threads() -> c_int;
    fn recsys_parallel(n_threads: c_int, body: extern "C" fn(*mut c_void), data: *mut c_void);
}

/// How many threads a loop started here would use: what `tch::set_num_threads` set, 1 inside a task.
pub fn n_threads() -> usize {
    // SAFETY: reads OpenMP's settings; no argument, no effect.
    usize::try_from(unsafe { recsys_n_threads() }).unwrap_or(1).max(1)
}

/// Calls `body` once for every number below `n_tasks`, on several threads. A panic of a task is raised here, once all threads are
/// done; tasks not yet begun are then left out.
pub fn for_each(n_tasks: usize, body: impl Fn(usize) + Sync) {
    for_each_with(n_tasks, || (), |(), task| body(task));
}

/// As [`for_each`], with a scratch value that each thread makes once.
pub fn for_each_with<S>(n_tasks: usize, make: impl Fn() -> S + Sync, body: impl Fn(&mut S, usize) + Sync) {
    let next = AtomicUsize::new(0);
    let panicked = Mutex::new(None);
    let work = || {
        let mut scratch = None;
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= n_tasks {
                return;
            }
            body(scratch.get_or_insert_with(&make), task);
        }
    };
    let guarded = || {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
            next.store(n_tasks, Ordering::Relaxed);
            keep_first(&panicked, payload);
        }
    };
    on_threads(n_threads().min(n_tasks), &guarded);
    if let Some(payload) = panicked.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        resume_unwind(payload);
    }
}

fn keep_first(slot: &Mutex<Option<Box<dyn Any + Send>>>, payload: Box<dyn Any + Send>) {
    let mut slot = slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    slot.get_or_insert(payload);
}

/// Runs `body`, which must not panic, once on each of `n` threads.
fn on_threads<F: Fn() + Sync>(n: usize, body: &F) {
    extern "C" fn enter<F: Fn() + Sync>(data: *mut c_void) {
        // SAFETY: `data` is the `&F` below, which outlives the parallel region; `F` is `Sync`.
        unsafe { (*data.cast_const().cast::<F>())() }
    }
    match n {
        0 => {}
        1 => body(),
        _ => {
            let data = std::ptr::from_ref(body).cast_mut().cast();
            // SAFETY: `enter::<F>` is called with `data` before this returns, never after; it unwinds never, as `body` never does.
            unsafe { recsys_parallel(c_int::try_from(n).unwrap_or(c_int::MAX), enter::<F>, data) }
        }
    }
}

/// Calls `body` with the number and the elements of every chunk of `chunk_len` elements (the last may be shorter).
pub fn for_each_chunk<T: Send>(values: &mut [T], chunk_len: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    let n_chunks = values.len().div_ceil(chunk_len.max(1));
    let values = Disjoint::new(values);
    for_each(n_chunks, |chunk| {
        let begin = chunk * chunk_len;
        let end = (begin + chunk_len).min(values.len());
        // SAFETY: every chunk is another range, and `for_each` calls once per chunk.
        body(chunk, unsafe { values.range(begin, end) });
    });
}

/// `n` values, made by several threads: for a large buffer even that takes its time.
pub fn filled<T: Send>(n: usize, make: impl Fn() -> T + Sync) -> Vec<T> {
    const CHUNK: usize = 1 << 16;
    let mut values = Vec::with_capacity(n);
    for_each_chunk(&mut values.spare_capacity_mut()[..n], CHUNK, |_, slots| {
        for slot in slots {
            slot.write(make());
        }
    });
    // SAFETY: the loop came back, so every one of the first `n` slots was written.
    unsafe { values.set_len(n) };
    values
}

/// A slice of which several tasks write ranges that do not overlap.
#[derive(Debug)]
pub struct Disjoint<'a, T> {
    pointer: *mut T,
    len: usize,
    borrow: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: it only gives out ranges, and the caller of `range` vouches that no two overlap; what is in them goes to another thread.
unsafe impl<T: Send> Sync for Disjoint<'_, T> {}

impl<'a, T> Disjoint<'a, T> {
    pub fn new(values: &'a mut [T]) -> Self {
        Self { pointer: values.as_mut_ptr(), len: values.len(), borrow: std::marker::PhantomData }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The elements `begin..end`.
    ///
    /// # Safety
    /// While the slice that is returned lives, no other range that overlaps it may be asked for.
    ///
    /// # Panics
    /// If the range is not inside the slice.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn range(&self, begin: usize, end: usize) -> &mut [T] {
        assert!(begin <= end && end <= self.len, "{begin}..{end} of {}", self.len);
        // SAFETY: inside the slice that is borrowed for `'a`, and the caller vouches that nobody else has it.
        unsafe { std::slice::from_raw_parts_mut(self.pointer.add(begin), end - begin) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_and_inner_loops_stay_on_their_thread() {
        let counts: Vec<_> = (0..1000).map(|_| AtomicUsize::new(0)).collect();
        for_each(10, |outer| for_each(100, |inner| _ = counts[outer * 100 + inner].fetch_add(1, Ordering::Relaxed)));
        assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        for_each(0, |_| panic!("there is no task"));
    }

    #[test]
    fn chunks_cover_the_slice() {
        let mut values = vec![0; 1003];
        for_each_chunk(&mut values, 10, |chunk, values| values.fill(chunk));
        assert!(values.iter().enumerate().all(|(at, chunk)| *chunk == at / 10));
        for_each_chunk(&mut [0; 0], 10, |_, _| panic!("there is no chunk"));
    }

    #[test]
    fn filled_to_the_last() {
        let next = AtomicUsize::new(0);
        let mut values = filled(200_003, || next.fetch_add(1, Ordering::Relaxed));
        values.sort_unstable();
        assert!(values.iter().copied().eq(0..200_003));
        assert_eq!(filled(0, || 1), [0; 0]);
    }

    #[test]
    fn a_panic_arrives_where_the_loop_was_started() {
        let outcome = catch_unwind(|| for_each(100, |task| assert_ne!(task, 57, "task 57")));
        let payload = outcome.unwrap_err();
        assert!(payload.downcast_ref::<String>().is_some_and(|text| text.contains("task 57")));
        for_each(4, |_| {});
    }
}

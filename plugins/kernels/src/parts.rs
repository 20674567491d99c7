//! Loops in which every task owns what it works on: pieces of slices, files, buffers.

use std::sync::{Mutex, PoisonError};

use crate::parallel::for_each;

/// Calls `body` with every part, on several threads, and returns what it gives in the order of the parts.
///
/// Parts are begun in their order, so a part that takes long belongs in front. A panic of `body` is raised here.
pub fn map_parts<P: Send, R: Send>(parts: Vec<P>, body: impl Fn(P) -> R + Sync) -> Vec<R> {
    let slots: Vec<Mutex<Slot<P, R>>> = parts.into_iter().map(|part| Mutex::new(Slot::Waiting(part))).collect();
    for_each(slots.len(), |task| {
        let waiting = std::mem::replace(&mut *lock(&slots[task]), Slot::Empty);
        if let Slot::Waiting(part) = waiting {
            *lock(&slots[task]) = Slot::Done(body(part));
        }
    });
    let done = slots.into_iter().map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner));
    // `for_each` came back, so every task ran to its end: none is left out here.
    done.filter_map(|slot| if let Slot::Done(result) = slot { Some(result) } else { None }).collect()
}

enum Slot<P, R> {
    Waiting(P),
    Empty,
    Done(R),
}

/// The lock is never held while `body` runs, so no panic can poison it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Cuts a slice into pieces of the given lengths, which must not exceed it together; what is beyond them is left out.
///
/// # Panics
/// If they do.
pub fn split_by_len<T>(mut values: &mut [T], lens: impl IntoIterator<Item = usize>) -> Vec<&mut [T]> {
    let cut = lens.into_iter().map(|len| {
        let (piece, rest) = std::mem::take(&mut values).split_at_mut(len);
        values = rest;
        piece
    });
    cut.collect()
}

/// `0..n` in ranges of at most `len`.
pub fn ranges(n: usize, len: usize) -> Vec<std::ops::Range<usize>> {
    let len = len.max(1);
    (0..n).step_by(len).map(|begin| begin..n.min(begin + len)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_owned_and_results_ordered() {
        let mut values = [1, 2, 3, 4, 5, 6];
        let parts = split_by_len(&mut values, [1, 0, 3]);
        let sums = map_parts(parts, |part| {
            part.iter_mut().for_each(|value| *value *= 10);
            part.iter().sum::<i32>()
        });
        assert_eq!(sums, [10, 0, 90]);
        assert_eq!(values, [10, 20, 30, 40, 5, 6]);
        assert_eq!(map_parts(Vec::<()>::new(), |()| 1), [0; 0]);
    }

    #[test]
    fn ranges_cover() {
        assert_eq!(ranges(5, 2), [0..2, 2..4, 4..5]);
        assert_eq!(ranges(0, 2), [0..0; 0]);
        assert_eq!(ranges(2, 0), [0..1, 1..2]);
    }
}

//! The best k items of every user by dot product.
//!
//! [`Items`] holds the items in one of two layouts. [`panels`] are read by [`tile`], which makes all scores a tile at a time; [`best`] is
//! a user's list so far. Where the processor multiplies 8-bit numbers faster, [`codes`] are read by [`screen`], which bounds all scores
//! and makes those of the [`candidates`] only. Scores are looked at while they are in the first cache, and never stored.
//!
//! A score is one sum in the order of the width, whatever the tile, so that lists depend neither on how users are grouped into calls
//! nor on the number of threads; nor on the processor, if it multiplies and adds in one rounding (all with AVX2 or NEON do).

mod best;
mod candidates;
mod codes;
mod items;
mod panels;
mod screen;
mod tile;

use std::sync::atomic::{AtomicBool, Ordering};

use best::Best;
pub use items::Items;
use items::Layout;
use panels::Panels;
use pulp::Simd;

use crate::parallel;

/// An item of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub item: u32,
    /// Never NaN, never -0.0.
    pub score: f32,
}

/// Some scores are NaN, so that there is no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotANumber;

/// A list for each of `n_users` users: the `k` items with the highest scores, best first, equal scores by the lower id, without the
/// items of `known(user)`, which are in ascending order and may repeat or name no item. Shorter where fewer are left.
///
/// `users` is `[n_users, width]`. Takes n_users x n_items x width multiplications and, beside the lists, 2 k numbers a user.
///
/// # Errors
/// If a score is NaN, be it of a known item.
///
/// # Panics
/// If `users` has another shape.
pub fn top_k<'a>(
    users: &[f32],
    n_users: usize,
    items: &Items,
    known: impl Fn(usize) -> &'a [u32] + Sync,
    k: usize,
) -> Result<Vec<Vec<Scored>>, NotANumber> {
    assert_eq!(users.len(), n_users * items.width(), "users of the width of the items");
    let mut lists = vec![Vec::new(); n_users];
    // Several tasks a thread, so that none waits long for the last; which users share a task does not change their lists.
    let step = items.users_per_tile();
    let n_users_per_task = (n_users / (4 * parallel::n_threads())).clamp(1, items.most_users()).next_multiple_of(step);
    let failed = AtomicBool::new(false);
    parallel::for_each_chunk(&mut lists, n_users_per_task, |task, lists| {
        if failed.load(Ordering::Relaxed) {
            return;
        }
        let first = task * n_users_per_task;
        let rows = &users[first * items.width()..(first + lists.len()) * items.width()];
        let known = (first..).take(lists.len()).map(&known);
        let made = match items.layout() {
            Layout::Panels(panels) => tiled(items.arch(), rows, panels, known, k),
            Layout::Codes(codes) => screen::lists(items.arch(), rows, codes, known, k),
        };
        match made {
            Ok(made) => lists.iter_mut().zip(made).for_each(|(list, made)| *list = made),
            Err(NotANumber) => failed.store(true, Ordering::Relaxed),
        }
    });
    if failed.into_inner() {
        return Err(NotANumber);
    }
    Ok(lists)
}

/// The lists of the users of `rows`, from all scores.
fn tiled<'a>(
    arch: pulp::Arch,
    rows: &[f32],
    items: &Panels,
    known: impl Iterator<Item = &'a [u32]>,
    k: usize,
) -> Result<Vec<Vec<Scored>>, NotANumber> {
    let mut bests: Vec<Best> = known.map(|known| Best::new(known, k)).collect();
    arch.dispatch(Offer { rows, items, bests: &mut bests })?;
    Ok(bests.into_iter().map(Best::into_list).collect())
}

/// Offers all items to the users of `rows`, one [`Best`] each.
struct Offer<'a, 'b> {
    rows: &'a [f32],
    items: &'a Panels,
    bests: &'a mut [Best<'b>],
}

impl pulp::WithSimd for Offer<'_, '_> {
    type Output = Result<(), NotANumber>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let Self { rows, items, bests } = self;
        tile::offer(simd, rows, items, bests)
    }
}

#[cfg(test)]
mod tests;

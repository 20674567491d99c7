//! Tiles of scores: a few users times a few vectors of items, summed in registers.

use pulp::{Simd, WithSimd};

use super::best::Best;
use super::panels::{transpose, Panels};
use super::NotANumber;

/// Users and vectors of items in a tile: as many sums as the registers hold beside what is read.
const WIDE: (usize, usize) = (12, 2);
const NARROW: (usize, usize) = (6, 2);

fn shape<S: Simd>() -> (usize, usize) {
    if S::REGISTER_COUNT >= 32 {
        WIDE
    } else {
        NARROW
    }
}

struct Shape;

impl WithSimd for Shape {
    type Output = (usize, usize);

    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        let (n_users, n_vectors) = shape::<S>();
        (n_users, n_vectors * S::F32_LANES)
    }
}

pub fn users_per_tile(arch: pulp::Arch) -> usize {
    arch.dispatch(Shape).0
}

pub fn items_per_tile(arch: pulp::Arch) -> usize {
    arch.dispatch(Shape).1
}

/// Offers all items to the users of `rows`, one [`Best`] each.
#[inline(always)]
pub fn offer<S: Simd>(simd: S, rows: &[f32], items: &Panels, bests: &mut [Best]) -> Result<(), NotANumber> {
    match shape::<S>() {
        WIDE => offer_by_tiles::<S, { WIDE.0 }, { WIDE.1 }>(simd, rows, items, bests),
        _ => offer_by_tiles::<S, { NARROW.0 }, { NARROW.1 }>(simd, rows, items, bests),
    }
}

#[inline(always)]
fn offer_by_tiles<S: Simd, const USERS: usize, const VECTORS: usize>(
    simd: S,
    rows: &[f32],
    items: &Panels,
    bests: &mut [Best],
) -> Result<(), NotANumber> {
    const { assert!(VECTORS * S::F32_LANES <= u32::BITS as usize, "a bit an item") };
    let width = items.width();
    let mut users = vec![0.0; bests.len().next_multiple_of(USERS) * width];
    for (tile, users) in users.chunks_exact_mut((USERS * width).max(1)).enumerate() {
        let begin = tile * USERS * width;
        transpose(&rows[begin..(begin + USERS * width).min(rows.len())], width, users, USERS);
    }
    for (items, panel) in items.panels() {
        let (panel, _) = pulp::as_arrays::<VECTORS, _>(S::as_simd_f32s(panel).0); // [width]
        for (tile, bests) in bests.chunks_mut(USERS).enumerate() {
            let (users, _) = pulp::as_arrays::<USERS, _>(&users[tile * USERS * width..(tile + 1) * USERS * width]); // [width]
            let scores = multiply(simd, users, panel); // [USERS, VECTORS]
            for (scores, best) in scores.iter().zip(bests) {
                let scores: &[f32] = pulp::bytemuck::cast_slice(scores);
                let floor = best.floor();
                // Without a branch, so that whole vectors are compared. NaN is not below anything.
                if !scores.iter().fold(true, |below, score| below & (*score <= floor)) {
                    let bit = |(lane, score): (usize, &f32)| u32::from(*score <= floor) << lane;
                    let below = scores.iter().enumerate().map(bit).fold(0, std::ops::BitOr::bitor);
                    let above = !below & u32::MAX >> (u32::BITS as usize - items.len());
                    best.offer(items.start, scores, above)?;
                }
            }
        }
    }
    Ok(())
}

/// The products of `users` `[width, USERS]` and `items` `[width, VECTORS]`, each summed in the order of the width.
#[inline(always)]
fn multiply<S: Simd, const USERS: usize, const VECTORS: usize>(
    simd: S,
    users: &[[f32; USERS]],
    items: &[[S::f32s; VECTORS]],
) -> [[S::f32s; VECTORS]; USERS] {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; USERS];
    for (users, items) in users.iter().zip(items) {
        for (sums, user) in sums.iter_mut().zip(users) {
            let user = simd.splat_f32s(*user);
            for (sum, items) in sums.iter_mut().zip(items) {
                *sum = simd.mul_add_e_f32s(user, *items, *sum);
            }
        }
    }
    sums
}

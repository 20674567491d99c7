//! Ranking with few scores: products of 8-bit codes bound every score, and only items that can be in the list are scored.
//!
//! The instruction that multiplies 64 codes does four times the work of one that multiplies 16 floats. What it leaves uncertain is
//! bounded (see [`codes`](super::codes)), so that the lists are those that all scores give, to the last bit.

use pulp::{Simd, WithSimd};

use super::best::Best;
use super::candidates::{Candidate, Candidates};
use super::codes::{Codes, EncodeUsers, UserCodes, GROUP};
use super::{NotANumber, Scored};

/// Users and items in a tile: with AVX-512, 24 registers of products.
pub const USERS: usize = 12;
pub const ITEMS: usize = 32;

type Products = [[i32; ITEMS]; USERS];

const _: () = assert!(ITEMS == u32::BITS as usize, "a bit an item");

/// Whether this processor gains by it.
#[cfg(target_arch = "x86_64")]
pub fn is_available(arch: pulp::Arch) -> bool {
    matches!(arch, pulp::Arch::V4(_)) && std::arch::is_x86_feature_detected!("avx512vnni")
}

#[cfg(not(target_arch = "x86_64"))]
pub fn is_available(_: pulp::Arch) -> bool {
    false
}

/// The lists of the users of `rows`, `[n, width]`; see [`top_k`](super::top_k).
pub fn lists<'a>(
    arch: pulp::Arch,
    rows: &[f32],
    items: &Codes,
    known: impl Iterator<Item = &'a [u32]>,
    k: usize,
) -> Result<Vec<Vec<Scored>>, NotANumber> {
    let width = items.width();
    let mut candidates: Vec<Candidates> = known.map(|known| Candidates::new(known, k)).collect();
    let tile = |first: usize| &rows[first * width..(first + USERS).min(candidates.len()) * width];
    let firsts = (0..candidates.len()).step_by(USERS);
    let users: Vec<UserCodes> = firsts.map(|first| arch.dispatch(EncodeUsers { rows: tile(first), width })).collect();
    offer(arch, &users, items, &mut candidates);
    let scored = candidates.into_iter().enumerate().map(|(user, candidates)| {
        let user = &rows[user * width..(user + 1) * width];
        arch.dispatch(Score { user, items, candidates: candidates.into_remaining(), k })
    });
    scored.collect()
}

fn offer(arch: pulp::Arch, users: &[UserCodes], items: &Codes, candidates: &mut [Candidates]) {
    #[cfg(target_arch = "x86_64")]
    if is_available(arch) {
        // SAFETY: the processor has these instructions.
        return unsafe { vnni::offer(users, items, candidates) };
    }
    offer_by_tiles(users, items, candidates, multiply, |estimates, floor| estimates.above(floor));
}

#[inline(always)]
fn offer_by_tiles(
    users: &[UserCodes],
    items: &Codes,
    candidates: &mut [Candidates],
    multiply: impl Fn(&[[[i8; GROUP]; USERS]], &[[[u8; GROUP]; ITEMS]]) -> Products,
    above: impl Fn(&Estimates, f32) -> u32,
) {
    for (ids, codes, bounds) in items.panels() {
        let are_items = u32::MAX >> (ITEMS - ids.len());
        for (users, candidates) in users.iter().zip(candidates.chunks_mut(USERS)) {
            let products = multiply(&users.codes, codes);
            let part: [f32; ITEMS] = std::array::from_fn(|item| users.rest * bounds.length[item] + bounds.rest[item]);
            for (user, candidates) in candidates.iter_mut().enumerate() {
                let (products, offset, length) = (&products[user], users.offset[user], users.length[user]);
                let estimates = Estimates { products, offset, scale: &bounds.scale, length, part: &part };
                let mut above = above(&estimates, candidates.floor()) & are_items;
                while above != 0 {
                    let item = above.trailing_zeros() as usize;
                    above &= above - 1;
                    candidates.offer((ids.start + item) as u32, estimates.score(item), estimates.uncertain(item));
                }
            }
        }
    }
}

/// The scores of a panel's items for one user, in units of the user's scale, as far as codes tell.
struct Estimates<'a> {
    products: &'a [i32; ITEMS],
    /// What the offset of the items adds to a product.
    offset: i32,
    scale: &'a [f32; ITEMS],
    length: f32,
    /// How far a score can be off, as a part of the user's length.
    part: &'a [f32; ITEMS],
}

impl Estimates<'_> {
    #[inline(always)]
    fn score(&self, item: usize) -> f32 {
        (self.products[item] - self.offset) as f32 * self.scale[item]
    }

    #[inline(always)]
    fn uncertain(&self, item: usize) -> f32 {
        self.length * self.part[item]
    }

    /// A bit an item: whether its score is not surely up to `floor`. What is not bounded is not below anything.
    #[inline(always)]
    fn above(&self, floor: f32) -> u32 {
        let below = |item: usize| self.score(item) + self.uncertain(item) <= floor;
        (0..ITEMS).map(|item| u32::from(!below(item)) << item).fold(0, std::ops::BitOr::bitor)
    }
}

#[inline(always)]
fn multiply(users: &[[[i8; GROUP]; USERS]], items: &[[[u8; GROUP]; ITEMS]]) -> Products {
    let mut products = [[0; ITEMS]; USERS];
    for (users, items) in users.iter().zip(items) {
        for (products, user) in products.iter_mut().zip(users) {
            for (product, item) in products.iter_mut().zip(items) {
                *product += user.iter().zip(item).map(|(one, other)| i32::from(*one) * i32::from(*other)).sum::<i32>();
            }
        }
    }
    products
}

/// Scores what is left of a user's candidates: each a sum in the order of the width, as in a tile.
struct Score<'a> {
    user: &'a [f32],
    items: &'a Codes,
    candidates: Vec<Candidate>,
    k: usize,
}

impl WithSimd for Score<'_> {
    type Output = Result<Vec<Scored>, NotANumber>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        // Sums that do not wait for each other.
        const AT_ONCE: usize = 8;
        let Self { user, items, candidates, k } = self;
        let mut best = Best::new(&[], k);
        for candidates in candidates.chunks(AT_ONCE) {
            let rows: [&[f32]; AT_ONCE] =
                std::array::from_fn(|at| &items.row(candidates.get(at).unwrap_or(&candidates[0]).item)[..user.len()]);
            let mut scores = [0.0_f32; AT_ONCE];
            for (at, number) in user.iter().enumerate() {
                for (score, row) in scores.iter_mut().zip(&rows) {
                    *score = number.mul_add(row[at], *score);
                }
            }
            for (candidate, score) in candidates.iter().zip(scores) {
                if score.is_nan() {
                    return Err(NotANumber);
                }
                if !candidate.is_known {
                    best.offer(candidate.item as usize, &[score], 1)?;
                }
            }
        }
        Ok(best.into_list())
    }
}

#[cfg(target_arch = "x86_64")]
mod vnni {
    //! With the instructions for it.

    use std::arch::x86_64::{
        __m512i, _mm512_cmp_ps_mask, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_loadu_ps,
        _mm512_loadu_si512, _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512,
        _mm512_storeu_si512, _mm512_sub_epi32, _CMP_NLE_UQ,
    };

    use super::{offer_by_tiles, Candidates, Codes, Estimates, Products, UserCodes, GROUP, ITEMS, USERS};

    /// Items in a register.
    const LANES: usize = 16;
    const VECTORS: usize = ITEMS / LANES;

    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni,avx2,fma")]
    pub fn offer(users: &[UserCodes], items: &Codes, candidates: &mut [Candidates]) {
        offer_by_tiles(
            users,
            items,
            candidates,
            |users, items| multiply(users, items),
            |estimates, floor| above(estimates, floor),
        );
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni,avx2,fma")]
    fn multiply(users: &[[[i8; GROUP]; USERS]], items: &[[[u8; GROUP]; ITEMS]]) -> Products {
        let mut sums = [[_mm512_setzero_si512(); VECTORS]; USERS];
        for (users, items) in users.iter().zip(items) {
            let items: [__m512i; VECTORS] = std::array::from_fn(|vector| {
                // SAFETY: 64 bytes of 128.
                unsafe { _mm512_loadu_si512(items[vector * LANES..].as_ptr().cast()) }
            });
            for (sums, user) in sums.iter_mut().zip(users) {
                let user = _mm512_set1_epi32(i32::from_ne_bytes(user.map(|code| code as u8)));
                for (sum, items) in sums.iter_mut().zip(items) {
                    *sum = _mm512_dpbusd_epi32(*sum, items, user);
                }
            }
        }
        let mut products = [[0; ITEMS]; USERS];
        for (products, sums) in products.iter_mut().zip(sums) {
            for (products, sum) in products.as_chunks_mut::<LANES>().0.iter_mut().zip(sums) {
                // SAFETY: 16 numbers of 4 bytes.
                unsafe { _mm512_storeu_si512(products.as_mut_ptr().cast(), sum) };
            }
        }
        products
    }
    /// [`Estimates::above`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni,avx2,fma")]
    fn above(estimates: &Estimates, floor: f32) -> u32 {
        let offset = _mm512_set1_epi32(estimates.offset);
        let (length, floor) = (_mm512_set1_ps(estimates.length), _mm512_set1_ps(floor));
        let mut bits = 0;
        for vector in 0..VECTORS {
            let at = vector * LANES..(vector + 1) * LANES;
            // SAFETY: 16 numbers of 4 bytes each.
            let (products, scale, part) = unsafe {
                (
                    _mm512_loadu_si512(estimates.products[at.clone()].as_ptr().cast()),
                    _mm512_loadu_ps(estimates.scale[at.clone()].as_ptr()),
                    _mm512_loadu_ps(estimates.part[at].as_ptr()),
                )
            };
            let score = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(products, offset)), scale);
            let upper = _mm512_fmadd_ps(length, part, score);
            bits |= u32::from(_mm512_cmp_ps_mask::<_CMP_NLE_UQ>(upper, floor)) << (vector * LANES);
        }
        bits
    }
}

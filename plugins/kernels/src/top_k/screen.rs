//! Ranking with few scores: products of 8-bit codes bound every score, and only items that can be in the list are scored.
//!
//! Items come in panels. The best of each panel, the peak, is found without a branch; what k peaks surely reach holds back most panels,
//! and of the others those items that do not reach it.
//!
//! The instruction that multiplies 64 codes does four times the work of one that multiplies 16 floats. What it leaves uncertain is
//! bounded (see [`codes`](super::codes)), so that the lists are those that all scores give, to the last bit.

#[cfg(target_arch = "x86_64")]
mod vnni;

use pulp::{Simd, WithSimd};

use super::best::Best;
use super::candidates::{Candidate, Candidates};
use super::codes::{Codes, EncodeUsers, Panel, UserCodes, GROUP};
use super::{NotANumber, Scored};

/// Users and items in a tile: with AVX-512, 24 registers of products.
pub const USERS: usize = 12;
pub const ITEMS: usize = 32;

/// Of wider rows the sum of products of codes could pass 32 bits.
pub const WIDEST: usize = 1 << 16;

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

/// How many users may be taken at once, so that what is remembered of each panel stays in the second cache.
pub fn most_users(n_items: usize) -> usize {
    const PEAKS: usize = 1 << 17;
    (PEAKS / n_items.div_ceil(ITEMS).max(1)).max(USERS)
}

/// The lists of the users of `rows`, `[n, width]`; see [`top_k`](super::top_k).
///
/// All products are made twice at most: first for the best of each panel, then those of the panels that can hold an item of the list.
pub fn lists<'a>(
    arch: pulp::Arch,
    rows: &[f32],
    items: &Codes,
    known: impl Iterator<Item = &'a [u32]>,
    k: usize,
) -> Result<Vec<Vec<Scored>>, NotANumber> {
    let (width, known) = (items.width(), known.collect::<Vec<_>>());
    let tile = |first: usize| &rows[first * width..(first + USERS).min(known.len()) * width];
    let firsts = (0..known.len()).step_by(USERS);
    let users: Vec<UserCodes> = firsts.map(|first| arch.dispatch(EncodeUsers { rows: tile(first), width })).collect();
    let candidates = candidates(arch, &users, items, &known, k);
    let scored = candidates.into_iter().enumerate().map(|(user, candidates)| {
        let user = &rows[user * width..(user + 1) * width];
        arch.dispatch(Score { user, items, candidates: candidates.into_remaining(), k })
    });
    scored.collect()
}

fn candidates<'a>(
    arch: pulp::Arch,
    users: &[UserCodes],
    items: &Codes,
    known: &[&'a [u32]],
    k: usize,
) -> Vec<Candidates<'a>> {
    #[cfg(target_arch = "x86_64")]
    if is_available(arch) {
        // SAFETY: the processor has these instructions.
        return unsafe { vnni::candidates(users, items, known, k) };
    }
    let _ = arch;
    candidates_by(users, items, known, k, &Portable)
}

/// What a processor may do faster.
trait Instructions {
    /// Of the users' codes and a panel's.
    fn multiply(&self, users: &[[[i8; GROUP]; USERS]], items: &[[[u8; GROUP]; ITEMS]]) -> Products;
    /// The same of one user.
    fn multiply_one(&self, users: &[[[i8; GROUP]; USERS]], user: usize, items: &[[[u8; GROUP]; ITEMS]])
        -> [i32; ITEMS];
    /// The largest score of the items whose bit is set; minus infinity if there is none.
    fn peak(&self, estimates: &Estimates, which: u32) -> f32;
    /// A bit an item: whether its score is not surely up to `floor`. What is not bounded is not below anything.
    fn above(&self, estimates: &Estimates, floor: f32) -> u32;
}

#[inline(always)]
fn candidates_by<'a>(
    users: &[UserCodes],
    items: &Codes,
    known: &[&'a [u32]],
    k: usize,
    instructions: &impl Instructions,
) -> Vec<Candidates<'a>> {
    let n_panels = items.panels().len();
    let mut candidates = Vec::with_capacity(known.len());
    let unknown = unknown(known, items.n_items(), n_panels);
    let mut peaks = vec![[0.0_f32; USERS]; n_panels];
    // How far a score of a panel can be off, as a part of the user's length.
    let mut parts = vec![0.0_f32; n_panels];
    for (users, known) in users.iter().zip(known.chunks(USERS)) {
        for ((panel, peaks), largest) in items.panels().zip(&mut peaks).zip(&mut parts) {
            let products = instructions.multiply(&users.codes, panel.codes);
            let part = panel.part(users.rest);
            *largest = part.iter().fold(0.0, |largest: f32, part| largest.max(*part));
            for (user, peak) in peaks.iter_mut().enumerate().take(known.len()) {
                let estimates = Estimates::of(&products[user], users, user, &panel, &part);
                *peak = instructions.peak(&estimates, unknown[(candidates.len() + user) * n_panels + panel.number]);
            }
        }
        for (user, known) in known.iter().enumerate() {
            let bounds = || peaks.iter().zip(&parts).map(|(peaks, part)| (peaks[user], users.length[user] * part));
            let mut found = Candidates::new(known, k, floor(bounds().map(|(peak, uncertain)| peak - uncertain), k));
            for (panel, (peak, uncertain)) in items.panels().zip(bounds()) {
                let is_hopeless = peak + uncertain <= found.floor();
                if !is_hopeless {
                    let products = instructions.multiply_one(&users.codes, user, panel.codes);
                    let part = panel.part(users.rest);
                    let estimates = Estimates::of(&products, users, user, &panel, &part);
                    let above = instructions.above(&estimates, found.floor());
                    offer(&mut found, &panel, &estimates, above);
                }
            }
            candidates.push(found);
        }
    }
    candidates
}

/// Of each user and panel a bit an item that the user does not know: `[user, panel]`.
fn unknown(known: &[&[u32]], n_items: usize, n_panels: usize) -> Vec<u32> {
    let mut unknown = vec![u32::MAX; known.len() * n_panels];
    for (unknown, known) in unknown.chunks_exact_mut(n_panels.max(1)).zip(known) {
        for &item in known.iter().take_while(|&&item| (item as usize) < n_items) {
            unknown[item as usize / ITEMS] &= !(1 << (item as usize % ITEMS));
        }
        if let (Some(last), 1..) = (unknown.last_mut(), n_items % ITEMS) {
            *last &= u32::MAX >> (ITEMS - n_items % ITEMS);
        }
    }
    unknown
}

/// What k items surely exceed, or NaN: of as many panels the best item does. A little lower, because of two equal scores the one to
/// be taken may come after.
fn floor(lower: impl Iterator<Item = f32>, k: usize) -> f32 {
    let mut lower: Vec<f32> = lower.map(|lower| if lower.is_nan() { f32::NEG_INFINITY } else { lower }).collect();
    if k == 0 || lower.len() < k {
        return f32::NAN;
    }
    let (_, kth, _) = lower.select_nth_unstable_by(k - 1, |one, other| other.total_cmp(one));
    kth.next_down()
}

fn offer(candidates: &mut Candidates, panel: &Panel, estimates: &Estimates, above: u32) {
    let mut above = above & u32::MAX >> (ITEMS - panel.items.len());
    while above != 0 {
        let item = above.trailing_zeros() as usize;
        above &= above - 1;
        candidates.offer((panel.items.start + item) as u32, estimates.score(item), estimates.uncertain(item));
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

impl<'a> Estimates<'a> {
    #[inline(always)]
    fn of(
        products: &'a [i32; ITEMS],
        users: &UserCodes,
        user: usize,
        panel: &Panel<'a>,
        part: &'a [f32; ITEMS],
    ) -> Self {
        Self { products, offset: users.offset[user], scale: &panel.bounds.scale, length: users.length[user], part }
    }

    #[inline(always)]
    fn score(&self, item: usize) -> f32 {
        (self.products[item] - self.offset) as f32 * self.scale[item]
    }

    #[inline(always)]
    fn uncertain(&self, item: usize) -> f32 {
        self.length * self.part[item]
    }
}

/// Plain Rust.
struct Portable;

impl Instructions for Portable {
    fn multiply(&self, users: &[[[i8; GROUP]; USERS]], items: &[[[u8; GROUP]; ITEMS]]) -> Products {
        std::array::from_fn(|user| self.multiply_one(users, user, items))
    }

    fn multiply_one(
        &self,
        users: &[[[i8; GROUP]; USERS]],
        user: usize,
        items: &[[[u8; GROUP]; ITEMS]],
    ) -> [i32; ITEMS] {
        let mut products = [0; ITEMS];
        for (users, items) in users.iter().zip(items) {
            for (product, item) in products.iter_mut().zip(items) {
                let pairs = users[user].iter().zip(item);
                *product += pairs.map(|(one, other)| i32::from(*one) * i32::from(*other)).sum::<i32>();
            }
        }
        products
    }

    fn peak(&self, estimates: &Estimates, which: u32) -> f32 {
        let is_asked = |item: &usize| which >> item & 1 == 1;
        (0..ITEMS).filter(is_asked).map(|item| estimates.score(item)).fold(f32::NEG_INFINITY, f32::max)
    }

    fn above(&self, estimates: &Estimates, floor: f32) -> u32 {
        let below = |item: usize| estimates.score(item) + estimates.uncertain(item) <= floor;
        (0..ITEMS).map(|item| u32::from(!below(item)) << item).fold(0, std::ops::BitOr::bitor)
    }
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

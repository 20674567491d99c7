//! [`super::candidates_by`] with the instructions for 8-bit numbers of AVX-512.

use std::arch::x86_64::{
    __m512, __m512i, _mm512_add_epi32, _mm512_cmp_ps_mask, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_mov_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_reduce_max_ps,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512, _mm512_storeu_si512, _mm512_sub_epi32, _CMP_NLE_UQ,
};

use super::{candidates_by, Candidates, Codes, Estimates, Instructions, Products, UserCodes, GROUP, ITEMS, USERS};

/// Items in a register.
const LANES: usize = 16;
const VECTORS: usize = ITEMS / LANES;

#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni,avx2,fma")]
pub fn candidates<'a>(users: &[UserCodes], items: &Codes, known: &[&'a [u32]], k: usize) -> Vec<Candidates<'a>> {
    candidates_by(users, items, known, k, &Vnni(()))
}

/// Made only where the processor has the instructions.
struct Vnni(());

impl Instructions for Vnni {
    #[inline(always)]
    fn multiply(&self, users: &[[[i8; GROUP]; USERS]], items: &[[[u8; GROUP]; ITEMS]]) -> Products {
        // SAFETY: there is a `Vnni`.
        unsafe { multiply(users, items) }
    }

    #[inline(always)]
    fn multiply_one(
        &self,
        users: &[[[i8; GROUP]; USERS]],
        user: usize,
        items: &[[[u8; GROUP]; ITEMS]],
    ) -> [i32; ITEMS] {
        // SAFETY: there is a `Vnni`.
        unsafe { multiply_one(users, user, items) }
    }

    #[inline(always)]
    fn peak(&self, estimates: &Estimates, which: u32) -> f32 {
        // SAFETY: there is a `Vnni`.
        unsafe { peak(estimates, which) }
    }

    #[inline(always)]
    fn above(&self, estimates: &Estimates, floor: f32) -> u32 {
        // SAFETY: there is a `Vnni`.
        unsafe { above(estimates, floor) }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni,avx2,fma")]
fn load(items: &[[u8; GROUP]; ITEMS], vector: usize) -> __m512i {
    // SAFETY: 64 bytes of 128.
    unsafe { _mm512_loadu_si512(items[vector * LANES..].as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni,avx2,fma")]
fn store(sums: [__m512i; VECTORS]) -> [i32; ITEMS] {
    let mut products = [0; ITEMS];
    for (products, sum) in products.as_chunks_mut::<LANES>().0.iter_mut().zip(sums) {
        // SAFETY: 16 numbers of 4 bytes.
        unsafe { _mm512_storeu_si512(products.as_mut_ptr().cast(), sum) };
    }
    products
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni,avx2,fma")]
fn broadcast(codes: [i8; GROUP]) -> __m512i {
    _mm512_set1_epi32(i32::from_ne_bytes(codes.map(i8::cast_unsigned)))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni,avx2,fma")]
fn multiply(users: &[[[i8; GROUP]; USERS]], items: &[[[u8; GROUP]; ITEMS]]) -> Products {
    let mut sums = [[_mm512_setzero_si512(); VECTORS]; USERS];
    for (users, items) in users.iter().zip(items) {
        let items = [load(items, 0), load(items, 1)];
        for (sums, user) in sums.iter_mut().zip(users) {
            let user = broadcast(*user);
            for (sum, items) in sums.iter_mut().zip(items) {
                *sum = _mm512_dpbusd_epi32(*sum, items, user);
            }
        }
    }
    let mut products = [[0; ITEMS]; USERS];
    for (products, sums) in products.iter_mut().zip(sums) {
        *products = store(sums);
    }
    products
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni,avx2,fma")]
fn multiply_one(users: &[[[i8; GROUP]; USERS]], user: usize, items: &[[[u8; GROUP]; ITEMS]]) -> [i32; ITEMS] {
    // Two chains, so that a product does not wait for the one before.
    let mut even = [_mm512_setzero_si512(); VECTORS];
    let mut odd = even;
    let add = |sums: &mut [__m512i; VECTORS], users: &[[i8; GROUP]; USERS], items: &[[u8; GROUP]; ITEMS]| {
        let user = broadcast(users[user]);
        *sums = [0, 1].map(|vector| _mm512_dpbusd_epi32(sums[vector], load(items, vector), user));
    };
    let ((users, last_users), (items, last_items)) = (users.as_chunks::<2>(), items.as_chunks::<2>());
    for (users, items) in users.iter().zip(items) {
        add(&mut even, &users[0], &items[0]);
        add(&mut odd, &users[1], &items[1]);
    }
    for (users, items) in last_users.iter().zip(last_items) {
        add(&mut even, users, items);
    }
    store([_mm512_add_epi32(even[0], odd[0]), _mm512_add_epi32(even[1], odd[1])])
}

/// 16 of the scores.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni,avx2,fma")]
fn scores(estimates: &Estimates, vector: usize) -> __m512 {
    let at = vector * LANES..(vector + 1) * LANES;
    // SAFETY: 16 numbers of 4 bytes each.
    let (products, scale) = unsafe {
        (
            _mm512_loadu_si512(estimates.products[at.clone()].as_ptr().cast()),
            _mm512_loadu_ps(estimates.scale[at].as_ptr()),
        )
    };
    let products = _mm512_sub_epi32(products, _mm512_set1_epi32(estimates.offset));
    _mm512_mul_ps(_mm512_cvtepi32_ps(products), scale)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni,avx2,fma")]
fn peak(estimates: &Estimates, which: u32) -> f32 {
    let none = _mm512_set1_ps(f32::NEG_INFINITY);
    let of = |vector: usize| _mm512_mask_mov_ps(none, (which >> (vector * LANES)) as u16, scores(estimates, vector));
    _mm512_reduce_max_ps(_mm512_max_ps(of(0), of(1)))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni,avx2,fma")]
fn above(estimates: &Estimates, floor: f32) -> u32 {
    let (length, floor) = (_mm512_set1_ps(estimates.length), _mm512_set1_ps(floor));
    let mut bits = 0;
    for vector in 0..VECTORS {
        // SAFETY: 16 numbers of 4 bytes.
        let part = unsafe { _mm512_loadu_ps(estimates.part[vector * LANES..(vector + 1) * LANES].as_ptr()) };
        let upper = _mm512_fmadd_ps(length, part, scores(estimates, vector));
        bits |= u32::from(_mm512_cmp_ps_mask::<_CMP_NLE_UQ>(upper, floor)) << (vector * LANES);
    }
    bits
}

//! What the kernels do with rows, a vector at a time: `pulp` gives AVX-512, AVX2 with FMA, NEON or plain Rust, chosen when the program
//! runs. Rows may have any width: what is left over goes through one shorter vector.
//!
//! No closures in here: one that is not inlined is compiled without the vector instructions, and calls each as a function.

use pulp::Simd;

/// How many edges are worked on at once: their rows stay in the first-level cache between scoring and adding, and a whole vector of
/// them goes through `exp`.
pub const BLOCK: usize = 16;

/// Evaluates `$body` with `$n` = `$channels`, as a constant where that is a common width: loops over a row are then unrolled, and what
/// they share stays in registers.
macro_rules! with_width {
    ($channels:expr, |$n:ident| $body:expr) => {
        match $channels {
            16 => {
                let $n = 16;
                $body
            }
            32 => {
                let $n = 32;
                $body
            }
            64 => {
                let $n = 64;
                $body
            }
            128 => {
                let $n = 128;
                $body
            }
            $n => $body,
        }
    };
}
pub(crate) use with_width;

/// `x > 0 ? x : slope * x`, with the slope at 0, as torch.
#[inline(always)]
pub fn leaky_relu<S: Simd>(simd: S, x: S::f32s, slope: S::f32s) -> S::f32s {
    let positive = simd.greater_than_f32s(x, simd.splat_f32s(0.0));
    simd.select_f32s(positive, x, simd.mul_f32s(x, slope))
}

/// `sum of a * b`.
#[inline(always)]
pub fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (S::as_simd_f32s(a), S::as_simd_f32s(b));
    let zero = simd.splat_f32s(0.0);
    let mut sums = [zero; 2];
    let (mut a_pairs, mut b_pairs) = (a.chunks_exact(2), b.chunks_exact(2));
    for (a, b) in a_pairs.by_ref().zip(b_pairs.by_ref()) {
        sums[0] = simd.mul_add_e_f32s(a[0], b[0], sums[0]);
        sums[1] = simd.mul_add_e_f32s(a[1], b[1], sums[1]);
    }
    for (a, b) in a_pairs.remainder().iter().zip(b_pairs.remainder()) {
        sums[0] = simd.mul_add_e_f32s(*a, *b, sums[0]);
    }
    if !a_rest.is_empty() {
        let (a, b) = (simd.partial_load_f32s(a_rest), simd.partial_load_f32s(b_rest));
        sums[1] = simd.mul_add_e_f32s(a, b, sums[1]);
    }
    simd.reduce_sum_f32s(simd.add_f32s(sums[0], sums[1]))
}

/// `a . rows[n]` of some rows at once, from column `column` on, so that `a` is read once.
#[inline(always)]
pub fn dots<S: Simd, const N: usize>(simd: S, a: &[f32], rows: [&[f32]; N], column: usize) -> [f32; N] {
    let mut vectors: [(&[S::f32s], &[f32]); N] = [(&[], &[]); N];
    for n in 0..N {
        vectors[n] = S::as_simd_f32s(&rows[n][column..][..a.len()]);
    }
    let (a, a_rest) = S::as_simd_f32s(a);
    let mut sums = [simd.splat_f32s(0.0); N];
    for (at, a) in a.iter().enumerate() {
        for n in 0..N {
            sums[n] = simd.mul_add_e_f32s(*a, vectors[n].0[at], sums[n]);
        }
    }
    if !a_rest.is_empty() {
        let a = simd.partial_load_f32s(a_rest);
        for n in 0..N {
            sums[n] = simd.mul_add_e_f32s(a, simd.partial_load_f32s(vectors[n].1), sums[n]);
        }
    }
    let mut dots = [0.0; N];
    for n in 0..N {
        dots[n] = simd.reduce_sum_f32s(sums[n]);
    }
    dots
}

/// `y *= factor`.
#[inline(always)]
pub fn scale<S: Simd>(simd: S, y: &mut [f32], factor: f32) {
    let factors = simd.splat_f32s(factor);
    let (y, y_rest) = S::as_mut_simd_f32s(y);
    for y in y {
        *y = simd.mul_f32s(*y, factors);
    }
    for y in y_rest {
        *y *= factor;
    }
}

/// `y += x`.
#[inline(always)]
pub fn add<S: Simd>(simd: S, y: &mut [f32], x: &[f32]) {
    let ((y, y_rest), (x, x_rest)) = (S::as_mut_simd_f32s(y), S::as_simd_f32s(x));
    for (y, x) in y.iter_mut().zip(x) {
        *y = simd.add_f32s(*y, *x);
    }
    for (y, x) in y_rest.iter_mut().zip(x_rest) {
        *y += x;
    }
}

/// How many vectors of sums stay in registers while rows go by.
pub const SUMS: usize = 4;

/// `y += sum of weights[e] * rows[e]` over the rows, each from column `column` on.
#[inline(always)]
pub fn add_weighted<S: Simd>(simd: S, y: &mut [f32], rows: &[&[f32]], column: usize, weights: &[f32]) {
    let mut begin = column;
    let mut wide = y.chunks_exact_mut(SUMS * S::F32_LANES);
    for y in wide.by_ref() {
        add_columns::<S, SUMS>(simd, y, rows, begin, weights);
        begin += SUMS * S::F32_LANES;
    }
    let mut narrow = wide.into_remainder().chunks_exact_mut(S::F32_LANES);
    for y in narrow.by_ref() {
        add_columns::<S, 1>(simd, y, rows, begin, weights);
        begin += S::F32_LANES;
    }
    let rest = narrow.into_remainder();
    if !rest.is_empty() {
        let mut sum = simd.partial_load_f32s(rest);
        for (row, weight) in rows.iter().zip(weights) {
            let x = simd.partial_load_f32s(&row[begin..][..rest.len()]);
            sum = simd.mul_add_e_f32s(x, simd.splat_f32s(*weight), sum);
        }
        simd.partial_store_f32s(rest, sum);
    }
}

/// The same for `N` whole vectors of columns.
#[inline(always)]
fn add_columns<S: Simd, const N: usize>(simd: S, y: &mut [f32], rows: &[&[f32]], begin: usize, weights: &[f32]) {
    let len = y.len();
    let (y, _) = S::as_mut_simd_f32s(y);
    let mut sums = [simd.splat_f32s(0.0); N];
    sums.copy_from_slice(y);
    // In pairs: half as many additions wait for each other.
    let (mut row_pairs, mut weight_pairs) = (rows.chunks_exact(2), weights.chunks_exact(2));
    for (rows, weights) in row_pairs.by_ref().zip(weight_pairs.by_ref()) {
        let (a, _) = S::as_simd_f32s(&rows[0][begin..][..len]);
        let (b, _) = S::as_simd_f32s(&rows[1][begin..][..len]);
        let of_a = simd.splat_f32s(weights[0]);
        let of_b = simd.splat_f32s(weights[1]);
        for n in 0..N {
            let pair = simd.mul_add_e_f32s(b[n], of_b, simd.mul_f32s(a[n], of_a));
            sums[n] = simd.add_f32s(sums[n], pair);
        }
    }
    for (row, weight) in row_pairs.remainder().iter().zip(weight_pairs.remainder()) {
        let (x, _) = S::as_simd_f32s(&row[begin..][..len]);
        let weight = simd.splat_f32s(*weight);
        for n in 0..N {
            sums[n] = simd.mul_add_e_f32s(x[n], weight, sums[n]);
        }
    }
    y.copy_from_slice(&sums);
}

/// `e^x`, within 2 units in the last place for normal results; 0 below -87. NaN stays NaN.
#[inline(always)]
pub fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // The constants of Cephes: x = n ln 2 + r with ln 2 in two parts, e^r a polynomial.
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the lowest bits.
    const SHIFT: f32 = 12_582_912.0;
    let shifted = simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), simd.splat_f32s(SHIFT));
    let n = simd.sub_f32s(shifted, simd.splat_f32s(SHIFT));
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-0.693_359_4), x);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(2.121_944_4e-4), r);
    let mut p = simd.splat_f32s(1.987_569_1e-4);
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = simd.mul_add_e_f32s(p, r, simd.splat_f32s(coefficient));
    }
    let e_r = simd.add_f32s(simd.mul_add_e_f32s(p, simd.mul_f32s(r, r), r), simd.splat_f32s(1.0));
    let bits = simd.add_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(127));
    let power = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(bits, simd.splat_u32s(23)));
    let tiny = simd.less_than_f32s(x, simd.splat_f32s(-87.0));
    simd.select_f32s(tiny, simd.splat_f32s(0.0), simd.mul_f32s(e_r, power))
}

/// `ln(1 + x)` for `x` between 0 and 1, within 3 units in the last place. NaN stays NaN.
#[inline(always)]
pub fn ln_1p<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // ln(1 + x) = 2 artanh(s) with s = x / (2 + x), at most 1/3: the series of artanh ends below rounding with s^13.
    let s = simd.div_f32s(x, simd.add_f32s(x, simd.splat_f32s(2.0)));
    let square = simd.mul_f32s(s, s);
    let mut p = simd.splat_f32s(1.0 / 13.0);
    for odd in [11.0, 9.0, 7.0, 5.0, 3.0, 1.0_f32] {
        p = simd.mul_add_e_f32s(p, square, simd.splat_f32s(1.0 / odd));
    }
    simd.mul_f32s(simd.add_f32s(s, s), p)
}

/// `x = e^(x - shift)` for a block.
#[inline(always)]
pub fn exp_block<S: Simd>(simd: S, x: &mut [f32; BLOCK], shift: f32) {
    let shifts = simd.splat_f32s(shift);
    let (x, _) = S::as_mut_simd_f32s(x);
    for x in x {
        *x = exp(simd, simd.sub_f32s(*x, shifts));
    }
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;

    struct Exp<'a>(&'a mut [f32; BLOCK]);

    impl WithSimd for Exp<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            exp_block(simd, self.0, 0.0);
        }
    }

    struct Ln1p<'a>(&'a mut [f32; BLOCK]);

    impl WithSimd for Ln1p<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let (x, _) = S::as_mut_simd_f32s(self.0);
            for x in x {
                *x = ln_1p(simd, *x);
            }
        }
    }

    #[test]
    fn ln_1p_is_close_and_keeps_nan() {
        for at in 0..8_000 {
            let x: [f32; BLOCK] = std::array::from_fn(|lane| ((at * BLOCK + lane) as f32 / 127_999.0).powi(3));
            let mut y = x;
            crate::arch::arch().dispatch(Ln1p(&mut y));
            for (x, y) in x.iter().zip(y) {
                let expected = f64::from(*x).ln_1p();
                assert!((f64::from(y) - expected).abs() <= 3.6e-7 * expected, "ln(1 + {x}) = {expected}, not {y}");
            }
        }
        let mut special = [f32::NAN; BLOCK];
        special[1] = 0.0;
        crate::arch::arch().dispatch(Ln1p(&mut special));
        assert!(special[0].is_nan() && special[1] == 0.0);
    }

    #[test]
    fn exp_is_close_and_keeps_nan() {
        for at in 0..8_000 {
            let x: [f32; BLOCK] = std::array::from_fn(|lane| (at * BLOCK + lane) as f32 * (-87.0 / 128_000.0));
            let mut y = x;
            crate::arch::arch().dispatch(Exp(&mut y));
            for (x, y) in x.iter().zip(y) {
                let expected = f64::from(*x).exp();
                assert!((f64::from(y) - expected).abs() <= 2.5e-7 * expected, "e^{x} = {expected}, not {y}");
            }
        }
        let mut special = [0.0; BLOCK];
        special[..4].copy_from_slice(&[f32::NAN, f32::NEG_INFINITY, -88.0, 0.0]);
        crate::arch::arch().dispatch(Exp(&mut special));
        assert!(special[0].is_nan());
        assert_eq!(special[1..5], [0.0, 0.0, 1.0, 1.0]);
    }
}

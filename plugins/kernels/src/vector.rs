//! What the kernels do with rows, a vector at a time: `pulp` gives AVX-512, AVX2 with FMA, NEON or plain Rust, chosen when the program
//! runs. Rows may have any width: what is left over goes through one shorter vector.
//!
//! No closures in here: one that is not inlined is compiled without the vector instructions, and calls each as a function.

use pulp::Simd;

/// How many edges are worked on at once: their rows stay in the first-level cache between scoring and adding, and a whole vector of
/// them goes through `exp`.
pub const BLOCK: usize = 16;

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

/// `y += sum of weights[e] * rows[e]` over the rows, each from column `column` on.
#[inline(always)]
pub fn add_weighted<S: Simd>(simd: S, y: &mut [f32], rows: &[&[f32]], column: usize, weights: &[f32]) {
    let mut rows = rows.chunks_exact(4);
    let mut weights = weights.chunks_exact(4);
    for (rows, weights) in rows.by_ref().zip(weights.by_ref()) {
        add_four(
            simd,
            y,
            [rows[0], rows[1], rows[2], rows[3]],
            column,
            [weights[0], weights[1], weights[2], weights[3]],
        );
    }
    for (row, weight) in rows.remainder().iter().zip(weights.remainder()) {
        add_one(simd, y, row, column, *weight);
    }
}

#[inline(always)]
fn add_four<S: Simd>(simd: S, y: &mut [f32], rows: [&[f32]; 4], column: usize, weights: [f32; 4]) {
    let width = y.len();
    let [a, b, c, d] = rows;
    let (a, a_rest) = S::as_simd_f32s(&a[column..][..width]);
    let (b, b_rest) = S::as_simd_f32s(&b[column..][..width]);
    let (c, c_rest) = S::as_simd_f32s(&c[column..][..width]);
    let (d, d_rest) = S::as_simd_f32s(&d[column..][..width]);
    let (y, y_rest) = S::as_mut_simd_f32s(y);
    let w = [
        simd.splat_f32s(weights[0]),
        simd.splat_f32s(weights[1]),
        simd.splat_f32s(weights[2]),
        simd.splat_f32s(weights[3]),
    ];
    for ((((y, a), b), c), d) in y.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *y = sum_four(simd, *y, [*a, *b, *c, *d], w);
    }
    if !y_rest.is_empty() {
        let rest = [
            simd.partial_load_f32s(a_rest),
            simd.partial_load_f32s(b_rest),
            simd.partial_load_f32s(c_rest),
            simd.partial_load_f32s(d_rest),
        ];
        let sum = sum_four(simd, simd.partial_load_f32s(y_rest), rest, w);
        simd.partial_store_f32s(y_rest, sum);
    }
}

#[inline(always)]
fn sum_four<S: Simd>(simd: S, y: S::f32s, [a, b, c, d]: [S::f32s; 4], w: [S::f32s; 4]) -> S::f32s {
    let left = simd.mul_add_e_f32s(b, w[1], simd.mul_add_e_f32s(a, w[0], y));
    let right = simd.mul_add_e_f32s(d, w[3], simd.mul_f32s(c, w[2]));
    simd.add_f32s(left, right)
}

#[inline(always)]
fn add_one<S: Simd>(simd: S, y: &mut [f32], row: &[f32], column: usize, weight: f32) {
    let (x, x_rest) = S::as_simd_f32s(&row[column..][..y.len()]);
    let (y, y_rest) = S::as_mut_simd_f32s(y);
    let weights = simd.splat_f32s(weight);
    for (y, x) in y.iter_mut().zip(x) {
        *y = simd.mul_add_e_f32s(*x, weights, *y);
    }
    for (y, x) in y_rest.iter_mut().zip(x_rest) {
        *y += x * weight;
    }
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

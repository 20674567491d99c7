//! ReLU and dropout in one pass, without a stored mask: what is 0 in the output has no gradient, whatever made it 0.

use crate::parallel::for_each_chunk;
use crate::random::bits;

/// Elements that a thread works on at once; a multiple of [`GROUP`].
const CHUNK: usize = 16_384;

/// Elements that share 64 random bits, 16 each.
const GROUP: usize = 4;

/// `out = relu(x)`, dropped with `probability`, else times `1 / (1 - probability)`. The probability is met to within 2^-17. NaN stays NaN.
///
/// # Panics
/// If the lengths differ.
pub fn forward(x: &[f32], probability: f64, seed: u64, out: &mut [f32]) {
    assert_eq!(x.len(), out.len());
    let threshold = (probability.clamp(0.0, 1.0) * 65_536.0).round() as u64;
    let factor = factor(probability);
    for_each_chunk(out, CHUNK, |chunk, out| {
        let begin = chunk * CHUNK;
        let groups = out.chunks_mut(GROUP).zip(x[begin..].chunks(GROUP));
        for (number, (out, x)) in (begin / GROUP..).zip(groups) {
            let drawn = bits(seed, number as u64);
            for (lane, (out, x)) in out.iter_mut().zip(x).enumerate() {
                let kept = if drawn >> (16 * lane) & 0xffff < threshold { 0.0 } else { factor };
                *out = if *x <= 0.0 { 0.0 } else { x * kept };
            }
        }
    });
}

/// `grad_x`, from `out` of [`forward`] and its gradient.
///
/// # Panics
/// If the lengths differ.
pub fn backward(out: &[f32], grad_out: &[f32], probability: f64, grad_x: &mut [f32]) {
    assert!(out.len() == grad_x.len() && grad_out.len() == grad_x.len());
    let factor = factor(probability);
    for_each_chunk(grad_x, CHUNK, |chunk, grad_x| {
        let begin = chunk * CHUNK;
        for ((grad_x, out), grad_out) in grad_x.iter_mut().zip(&out[begin..]).zip(&grad_out[begin..]) {
            *grad_x = if *out == 0.0 { 0.0 } else { grad_out * factor };
        }
    });
}

fn factor(probability: f64) -> f32 {
    if probability < 1.0 {
        (1.0 / (1.0 - probability)) as f32
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_positive_values_with_their_mean_and_gradients_where_they_are() {
        let x: Vec<f32> = (0..100_003).map(|at| (at % 7) as f32 - 3.0).collect();
        for probability in [0.0, 0.1, 0.5, 1.0] {
            let (mut out, mut grad) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
            forward(&x, probability, 3, &mut out);
            backward(&out, &vec![2.0; x.len()], probability, &mut grad);
            let factor = factor(probability);
            let positive = x.iter().filter(|x| **x > 0.0).count() as f64;
            let kept = out.iter().filter(|out| **out != 0.0).count() as f64;
            assert!((kept / positive - (1.0 - probability)).abs() < 0.01, "{kept} of {positive}");
            for ((x, out), grad) in x.iter().zip(&out).zip(&grad) {
                assert!(*out == 0.0 || (*x > 0.0 && *out == x * factor));
                assert_eq!(*grad, if *out == 0.0 { 0.0 } else { 2.0 * factor });
            }
        }
        let mut out = [0.0];
        forward(&[f32::NAN], 0.0, 0, &mut out);
        assert!(out[0].is_nan());
    }

    #[test]
    fn another_seed_drops_others() {
        let x = [1.0; 4096];
        let drop = |seed| {
            let mut out = [0.0; 4096];
            forward(&x, 0.5, seed, &mut out);
            out
        };
        assert_eq!(drop(1), drop(1));
        let same = drop(1).iter().zip(drop(2)).filter(|(one, two)| **one == *two).count();
        assert!((1700..2400).contains(&same), "{same} of 4096");
    }
}

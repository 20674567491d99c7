//! Dropout without a stored mask.

use crate::random::bits;

/// Which attention weights are dropped: a function of seed, edge and head, so that forward and backward see the same without keeping
/// it, and no reordering of the edges changes it.
#[derive(Debug, Clone, Copy)]
pub struct Dropout {
    seed: u64,
    /// Drops where the upper half of the hash is below.
    threshold: u64,
    /// `1 / (1 - p)`, what the weights that stay are multiplied by.
    factor: f32,
}

impl Dropout {
    /// `None` for a probability of 0. At 1 everything is dropped.
    pub fn new(probability: f64, seed: u64) -> Option<Self> {
        let threshold = (probability.clamp(0.0, 1.0) * (1_u64 << 32) as f64) as u64;
        let factor = if probability < 1.0 { 1.0 / (1.0 - probability) } else { 0.0 };
        (threshold > 0).then_some(Self { seed, threshold, factor: factor as f32 })
    }

    /// 0 or `1 / (1 - p)`; `key` numbers the weight, `edge * heads + head`.
    #[inline(always)]
    pub fn factor(&self, key: u64) -> f32 {
        if bits(self.seed, key) >> 32 < self.threshold {
            0.0
        } else {
            self.factor
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_the_share_it_is_told() {
        for probability in [0.1, 0.5, 0.9] {
            let dropout = Dropout::new(probability, 7).unwrap();
            let n = 200_000;
            let kept: Vec<f32> = (0..n).map(|key| dropout.factor(key)).collect();
            let share = kept.iter().filter(|factor| **factor == 0.0).count() as f64 / n as f64;
            assert!((share - probability).abs() < 0.005, "{share} of {probability}");
            let mean = kept.iter().sum::<f32>() / n as f32;
            assert!((mean - 1.0).abs() < 0.05, "{mean}");
        }
        assert!(Dropout::new(0.0, 7).is_none());
        assert!((0..1000).all(|key| Dropout::new(1.0, 7).is_some_and(|dropout| dropout.factor(key) == 0.0)));
    }
}

//! Random numbers of a split: a stream that depends on seed and purpose only, drawn from by several threads, and shuffling.

use kernels::parallel::for_each_chunk;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws made by one task.
const CHUNK: usize = 1 << 16;

/// A sequence of 64-bit draws of which any part can be had without what is before it.
pub struct Stream {
    generator: ChaCha8Rng,
    n_drawn: u64,
}

impl Stream {
    /// The key is spelled out here because the expansion of `seed_from_u64` is rand_core's to change.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&purpose.to_le_bytes());
        Self { generator: ChaCha8Rng::from_seed(key), n_drawn: 0 }
    }

    /// The generator as it is after `n_drawn` draws, of two words each.
    fn at(&self, n_drawn: u64) -> ChaCha8Rng {
        let mut generator = self.generator.clone();
        generator.set_word_pos(2 * u128::from(n_drawn));
        generator
    }

    /// The next `count` numbers below `bound`, one draw each.
    pub fn draw(&mut self, bound: u64, count: usize) -> Vec<u64> {
        let mut numbers = vec![0; count];
        for_each_chunk(&mut numbers, CHUNK, |chunk, numbers| {
            let mut generator = self.at(self.n_drawn + (chunk * CHUNK) as u64);
            numbers.iter_mut().for_each(|number| *number = below(bound, generator.next_u64()));
        });
        self.n_drawn += count as u64;
        numbers
    }

    /// Fisher-Yates with one 64-bit draw an item, so the order does not depend on the width of `usize`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        let mut generator = self.at(self.n_drawn);
        for last in (1..items.len()).rev() {
            items.swap(last, below(last as u64 + 1, generator.next_u64()) as usize);
        }
        self.n_drawn += items.len().saturating_sub(1) as u64;
    }
}

/// A number below `bound` from one draw; its bias of at most `bound / 2^64` cannot be seen.
fn below(bound: u64, draw: u64) -> u64 {
    ((u128::from(draw) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_one_generator_whatever_the_pieces() {
        let (mut stream, mut generator) = (Stream::new(7, 1), Stream::new(7, 1).generator);
        for count in [3, CHUNK + 5, 0, 2 * CHUNK] {
            let expected: Vec<u64> = (0..count).map(|_| below(1000, generator.next_u64())).collect();
            assert!(stream.draw(1000, count) == expected, "{count}");
        }
        let (mut items, mut expected) = ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4]);
        stream.shuffle(&mut items);
        (1..5).rev().for_each(|last| expected.swap(last, below(last as u64 + 1, generator.next_u64()) as usize));
        assert_eq!(items, expected);
        assert_eq!(stream.draw(1000, 1), [below(1000, generator.next_u64())]);
    }
}

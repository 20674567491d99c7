//! The best items of one user so far.

use super::{NotANumber, Scored};

/// The items that a user knows, asked for in ascending order.
pub struct Known<'a> {
    /// Those not yet passed.
    ahead: &'a [u32],
}

impl<'a> Known<'a> {
    pub fn new(known: &'a [u32]) -> Self {
        debug_assert!(known.is_sorted(), "known items are in ascending order");
        Self { ahead: known }
    }

    pub fn holds(&mut self, item: u32) -> bool {
        let passed = self.ahead.iter().take_while(|&&known| known < item).count();
        self.ahead = &self.ahead[passed..];
        self.ahead.first() == Some(&item)
    }
}

/// Keeps the k largest of the items offered, in ascending order of ids: it collects up to 2k of them, then drops the smaller half,
/// which costs O(1) an item on average, and most never get in.
pub struct Best<'a> {
    known: Known<'a>,
    k: usize,
    keys: Vec<u64>,
    /// Score of the k-th best item so far; NaN, which holds nothing back, while there are fewer.
    floor: f32,
}

impl<'a> Best<'a> {
    pub fn new(known: &'a [u32], k: usize) -> Self {
        Self { known: Known::new(known), k, keys: Vec::new(), floor: f32::NAN }
    }

    /// Scores up to this one need not be offered: an equal one belongs to a higher id than those that got in.
    pub fn floor(&self) -> f32 {
        self.floor
    }

    /// Takes those of the items `first..`, of these scores, whose bit is set: all above the floor.
    pub fn offer(&mut self, first: usize, scores: &[f32], mut above: u32) -> Result<(), NotANumber> {
        while above != 0 {
            let lane = above.trailing_zeros() as usize;
            above &= above - 1;
            let (item, score) = ((first + lane) as u32, scores[lane]);
            if score.is_nan() {
                return Err(NotANumber);
            }
            // The floor may have risen since.
            if score <= self.floor || self.known.holds(item) {
                continue;
            }
            self.keys.push(key(score, item));
            if self.keys.len() >= self.k.saturating_mul(2) {
                self.drop_smaller();
            }
        }
        Ok(())
    }

    fn drop_smaller(&mut self) {
        if self.k == 0 {
            self.keys.clear();
        } else if self.keys.len() > self.k {
            let (_, kth, _) = self.keys.select_nth_unstable_by(self.k - 1, |one, other| other.cmp(one));
            self.floor = scored(*kth).score;
            self.keys.truncate(self.k);
        }
    }

    pub fn into_list(mut self) -> Vec<Scored> {
        self.drop_smaller();
        self.keys.sort_unstable_by(|one, other| other.cmp(one));
        self.keys.into_iter().map(scored).collect()
    }
}

const SIGN: u32 = 1 << 31;

/// A score, not NaN, and an item as one number that is larger for the better item; no two items have the same.
fn key(score: f32, item: u32) -> u64 {
    let bits = (score + 0.0).to_bits(); // -0.0 + 0.0 is 0.0, so that both zeros tie
    let rank = if bits & SIGN == 0 { bits | SIGN } else { !bits };
    u64::from(rank) << 32 | u64::from(!item)
}

fn scored(key: u64) -> Scored {
    let rank = (key >> 32) as u32;
    let bits = if rank & SIGN == 0 { !rank } else { rank ^ SIGN };
    Scored { item: !(key as u32), score: f32::from_bits(bits) }
}

//! The items that can be in one user's list, by the bounds of their scores.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::best::Known;

/// An item that can be in the list.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    pub item: u32,
    /// Not for the list, but its score may be NaN, of which the caller is told.
    pub is_known: bool,
    lower: f32,
    upper: f32,
}

/// Keeps the items offered, in ascending order of ids, of which k others are not surely better.
pub struct Candidates<'a> {
    known: Known<'a>,
    k: usize,
    kept: Vec<Candidate>,
    /// When to drop what has become hopeless: at twice what was left the last time, which costs O(1) an item on average.
    n_most: usize,
    /// The k largest lower bounds, the least of them first.
    lower: BinaryHeap<Reverse<Bound>>,
    /// That least one, or what was known before; NaN, which holds nothing back, while there is neither.
    floor: f32,
}

/// A number as a whole one of the same order, which compares faster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Bound(i32);

impl Bound {
    fn of(value: f32) -> Self {
        Self(flip(value.to_bits().cast_signed()))
    }

    fn value(self) -> f32 {
        f32::from_bits(flip(self.0).cast_unsigned())
    }
}

/// Turns the order of negative numbers around; its own inverse.
fn flip(bits: i32) -> i32 {
    bits ^ ((bits >> 31).cast_unsigned() >> 1).cast_signed()
}

impl<'a> Candidates<'a> {
    /// `floor`: what k items are known to exceed, or NaN.
    pub fn new(known: &'a [u32], k: usize, floor: f32) -> Self {
        // Lists are short as a rule.
        const USUAL: usize = 64;
        let k = k.max(1);
        Self {
            known: Known::new(known),
            k,
            kept: Vec::with_capacity(k.min(USUAL) * 8),
            n_most: k.saturating_mul(8),
            lower: BinaryHeap::with_capacity(k.min(USUAL)),
            floor,
        }
    }

    /// Items of which the score is at most this need not be offered: an equal one belongs to a higher id than k others.
    pub fn floor(&self) -> f32 {
        self.floor
    }

    /// Takes an item whose score is about this, or more or less by `uncertain`; if these are not numbers, anything is possible.
    #[inline]
    pub fn offer(&mut self, item: u32, score: f32, uncertain: f32) {
        let (lower, upper) = (score - uncertain, score + uncertain);
        // The floor may have risen since it was asked for.
        if upper <= self.floor {
            return;
        }
        let is_known = self.known.holds(item);
        let candidate = if upper.is_finite() && lower.is_finite() {
            if is_known {
                return;
            }
            Candidate { item, is_known, lower, upper }
        } else {
            Candidate { item, is_known, lower: f32::NEG_INFINITY, upper: f32::INFINITY }
        };
        self.kept.push(candidate);
        self.raise_floor(candidate.lower);
        if self.kept.len() >= self.n_most {
            self.drop_hopeless();
            self.n_most = self.n_most.max(self.kept.len().saturating_mul(2));
        }
    }

    #[inline]
    fn raise_floor(&mut self, lower: f32) {
        let lower = Reverse(Bound::of(lower));
        if self.lower.len() < self.k {
            self.lower.push(lower);
        } else if let Some(mut least) = self.lower.peek_mut().filter(|least| **least > lower) {
            *least = lower;
        }
        if self.lower.len() == self.k {
            // The larger one, or the one that is a number.
            self.floor = self.lower.peek().map_or(self.floor, |least| self.floor.max(least.0.value()));
        }
    }

    fn drop_hopeless(&mut self) {
        let floor = self.floor;
        self.kept.retain(|candidate| {
            let is_hopeless = candidate.upper < floor;
            !is_hopeless
        });
    }

    /// In ascending order of ids.
    pub fn into_remaining(mut self) -> Vec<Candidate> {
        self.drop_hopeless();
        self.kept
    }
}

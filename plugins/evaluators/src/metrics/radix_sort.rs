//! Sorting many whole numbers.

/// Bits of a digit: its counts fit the first cache.
const DIGIT: u32 = 11;
const N_DIGITS: usize = u32::BITS.div_ceil(DIGIT) as usize;
/// Below this many a sort by comparison is faster.
const FEW: usize = 1 << 11;

/// Ascending. O(n), with room for as many numbers again.
pub fn radix_sort(values: &mut Vec<u32>) {
    if values.len() < FEW {
        values.sort_unstable();
        return;
    }
    let digit = |value: u32, place: usize| (value >> (place as u32 * DIGIT)) as usize & ((1 << DIGIT) - 1);
    let mut counts = vec![[0_usize; 1 << DIGIT]; N_DIGITS];
    for &value in values.iter() {
        counts.iter_mut().enumerate().for_each(|(place, counts)| counts[digit(value, place)] += 1);
    }
    let mut sorted = vec![0; values.len()];
    for (place, counts) in counts.iter_mut().enumerate() {
        if counts.contains(&values.len()) {
            continue; // one digit for all: they are sorted by it
        }
        let mut begin = 0;
        counts.iter_mut().for_each(|count| begin += std::mem::replace(count, begin));
        for &value in values.iter() {
            let next = &mut counts[digit(value, place)];
            sorted[*next] = value;
            *next += 1;
        }
        std::mem::swap(values, &mut sorted);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_sort_by_comparison(values in prop::collection::vec(any::<u32>(), 0..3 * FEW), shift in 0_u32..32) {
            let mut ours: Vec<u32> = values.iter().map(|value| value >> shift).collect();
            let mut expected = ours.clone();
            expected.sort_unstable();
            radix_sort(&mut ours);
            prop_assert_eq!(ours, expected);
        }
    }
}

//! The values of `range(start, stop, step)`, without the rounding errors of repeated addition.
//!
//! A step of 0.3 means three tenths: whether `stop` is reached is decided by the digits as they were typed. (Hydra adds the binary
//! fractions, and has 0.8999999999999999 as the fourth value of `range(0, 0.9, 0.3)`.)

/// More digits behind the point than this are added up as floats.
const MAX_DIGITS: usize = 17;
const MAX_WHOLE: f64 = 1e18;

/// How many values there are before `stop`; the largest number if they cannot be counted.
pub(crate) fn count(start: f64, stop: f64, step: f64) -> usize {
    let exact = Decimals::of([start, stop, step]).map(|decimals| {
        let [start, stop, step] = decimals.numbers;
        let way = if step > 0 { stop - start } else { start - stop };
        if way <= 0 {
            0
        } else {
            usize::try_from((way - 1) / step.abs() + 1).unwrap_or(usize::MAX)
        }
    });
    // A negative or undefined quotient becomes 0, a too large one the largest number.
    exact.unwrap_or_else(|| ((stop - start) / step).ceil() as usize)
}

pub(crate) fn values(start: f64, stop: f64, step: f64, integer: bool) -> Vec<String> {
    let decimals = Decimals::of([start, stop, step]);
    let value = |index: usize| {
        let exact = decimals.as_ref().map(|decimals| decimals.at(index));
        let value = exact.unwrap_or(start + step * index as f64);
        if integer {
            format!("{value:.0}")
        } else {
            format!("{value:?}")
        }
    };
    (0..count(start, stop, step)).map(value).collect()
}

/// The last value before `stop`, if there is one.
pub(super) fn last(start: f64, stop: f64, step: f64) -> Option<f64> {
    let index = count(start, stop, step).checked_sub(1)?;
    let exact = Decimals::of([start, stop, step]).map(|decimals| decimals.at(index));
    Some(exact.unwrap_or(start + step * index as f64))
}

/// Three numbers as whole multiples of a power of ten.
struct Decimals {
    numbers: [i128; 3],
    digits: usize,
}

impl Decimals {
    fn of(numbers: [f64; 3]) -> Option<Self> {
        if numbers.iter().any(|number| !number.is_finite() || number.abs() > MAX_WHOLE) {
            return None;
        }
        let texts = numbers.map(|number| number.to_string());
        let fraction = |text: &String| text.split_once('.').map_or(0, |(_, digits)| digits.len());
        let digits = texts.iter().map(fraction).max().unwrap_or(0);
        if digits > MAX_DIGITS {
            return None;
        }
        let scaled = |text: &String| {
            let padding = "0".repeat(digits - fraction(text));
            format!("{}{padding}", text.replace('.', "")).parse::<i128>().ok()
        };
        let [start, stop, step] = &texts;
        Some(Self { numbers: [scaled(start)?, scaled(stop)?, scaled(step)?], digits })
    }

    fn at(&self, index: usize) -> f64 {
        let [start, _, step] = self.numbers;
        // Written with its digits and read again: the nearest float.
        let number = start + step * index as i128;
        format!("{number}e-{}", self.digits).parse().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::{count, values};

    #[test]
    fn steps_have_the_digits_that_were_typed() {
        for (start, stop, step, integer, expected) in [
            (0.0, 3.0, 1.0, true, "0 1 2"),
            (10.0, 1.0, -3.0, true, "10 7 4"),
            (0.0, 0.5, 0.1, false, "0.0 0.1 0.2 0.3 0.4"),
            (0.0, 0.9, 0.3, false, "0.0 0.3 0.6"),
            (1.0, 2.0, 0.25, false, "1.0 1.25 1.5 1.75"),
            (1e-5, 3e-5, 1e-5, false, "1e-5 2e-5"),
            (1.0, 1.0, 1.0, true, ""),
            (1.0, 2.0, -1.0, true, ""),
        ] {
            assert_eq!(values(start, stop, step, integer).join(" "), expected, "{start} {stop} {step}");
        }
        assert_eq!(count(0.0, 1e18, 1.0), 1_000_000_000_000_000_000);
        assert_eq!(count(0.0, 1e300, 1e-300), usize::MAX);
    }
}

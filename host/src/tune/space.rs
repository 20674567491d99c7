//! [`SearchSpace`]: what a study varies, a [`Domain`] a key, and the coordinates in which samplers see it.
//!
//! A value is a number: of a choice the index of its option, else the number itself. Leaves out: how a space is read.

use serde::{Deserialize, Serialize};

/// Digits that a sampled number keeps: configs are read by people, and no metric tells more of them apart.
const DIGITS: i32 = 6;

/// The parameters of a study in the order in which they were given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchSpace(pub Vec<Parameter>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// As an override names it, its `+` included.
    pub key: String,
    pub domain: Domain,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// The right sides of overrides.
    Choice(Vec<String>),
    /// From `low` to `high`, both included; with a step only `low + k * step`.
    Number { low: f64, high: f64, step: Option<f64>, log: bool, integer: bool },
}

impl SearchSpace {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The overrides that give the parameters these values.
    pub fn overrides(&self, values: &[f64]) -> Vec<String> {
        let of_one =
            |(parameter, value): (&Parameter, &f64)| format!("{}={}", parameter.key, parameter.domain.text(*value));
        self.0.iter().zip(values).map(of_one).collect()
    }

    /// How many points a grid over the space has; nothing where a parameter is continuous.
    pub fn grid_size(&self) -> Option<usize> {
        self.0.iter().map(|parameter| parameter.domain.count()).try_fold(1_usize, |size, n| size.checked_mul(n?))
    }

    /// The point of this number of the grid: the last parameter goes fastest.
    pub fn grid_point(&self, number: usize) -> Option<Vec<f64>> {
        let size = self.grid_size().filter(|size| number < *size)?;
        let mut block = size;
        let mut rest = number;
        self.0
            .iter()
            .map(|parameter| {
                block /= parameter.domain.count()?;
                let index = rest / block;
                rest %= block;
                Some(parameter.domain.nth(index))
            })
            .collect()
    }
}

impl Parameter {
    /// Its key without the signs of an addition.
    pub fn name(&self) -> &str {
        self.key.trim_start_matches('+')
    }
}

impl Domain {
    /// The right side of an override.
    pub fn text(&self, value: f64) -> String {
        match self {
            Self::Choice(options) => options.get(value as usize).cloned().unwrap_or_default(),
            Self::Number { integer: true, .. } => format!("{value:.0}"),
            Self::Number { integer: false, .. } => format!("{value:?}"),
        }
    }

    /// How many values there are; nothing for a continuous one.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Choice(options) => Some(options.len()),
            Self::Number { low, high, step: Some(step), .. } => Some(((high - low) / step + 1e-9).floor() as usize + 1),
            Self::Number { step: None, .. } => None,
        }
    }

    fn nth(&self, index: usize) -> f64 {
        match self {
            Self::Choice(_) => index as f64,
            Self::Number { low, step, .. } => tidy(low + index as f64 * step.unwrap_or(0.0)),
        }
    }

    /// The interval of coordinates, the second one excluded: logarithms where the scale is one, half a step around discrete values,
    /// so that each has its share.
    pub fn coordinates(&self) -> (f64, f64) {
        match self {
            Self::Choice(options) => (0.0, options.len() as f64),
            Self::Number { low, high, step, log, .. } => {
                let half = step.map_or(0.0, |step| step / 2.0);
                if *log {
                    ((low - half).ln(), (high + half).ln())
                } else {
                    (low - half, high + half)
                }
            }
        }
    }

    pub fn coordinate(&self, value: f64) -> f64 {
        match self {
            Self::Number { log: true, .. } => value.ln(),
            Self::Choice(_) | Self::Number { log: false, .. } => value,
        }
    }

    /// The value at a coordinate.
    pub fn value(&self, coordinate: f64) -> f64 {
        match self {
            Self::Choice(options) => coordinate.floor().clamp(0.0, options.len() as f64 - 1.0),
            Self::Number { low, high, step, log, .. } => {
                let value = if *log { coordinate.exp() } else { coordinate };
                let value = match step {
                    Some(step) => low + ((value - low) / step).round() * step,
                    None => value,
                };
                tidy(value).clamp(*low, *high)
            }
        }
    }

    /// Its ends, as values.
    pub fn ends(&self) -> Vec<f64> {
        match self {
            Self::Choice(options) => (0..options.len()).map(|index| index as f64).collect(),
            Self::Number { low, high, .. } if low == high => vec![*low],
            Self::Number { low, high, .. } => vec![*low, *high],
        }
    }

    /// For people: `1e-5 to 0.1, log`.
    pub fn describe(&self) -> String {
        match self {
            Self::Choice(options) => options.join(" | "),
            Self::Number { low, high, step, log, .. } => {
                let step = step.filter(|step| *step != 1.0).map_or_else(String::new, |step| format!(", step {step}"));
                format!("{} to {}{step}{}", self.text(*low), self.text(*high), if *log { ", log" } else { "" })
            }
        }
    }
}

/// The number with six significant digits.
fn tidy(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    if value.fract() == 0.0 && value.abs() < 2_f64.powi(53) {
        return value;
    }
    format!("{value:.*e}", (DIGITS - 1) as usize).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(low: f64, high: f64, step: Option<f64>, log: bool) -> Domain {
        Domain::Number { low, high, step, log, integer: step == Some(1.0) }
    }

    #[test]
    fn a_grid_is_every_combination_once_with_the_last_parameter_fastest() {
        let parameter = |key: &str, domain| Parameter { key: key.into(), domain };
        let options = Domain::Choice(vec!["x".into(), "y".into()]);
        let space = SearchSpace(vec![
            parameter("a", number(0.0, 0.3, Some(0.1), false)),
            parameter("+b", options),
            parameter("c", number(1.0, 3.0, Some(1.0), false)),
        ]);
        assert_eq!(space.grid_size(), Some(24));
        let points: Vec<_> =
            (0..24).map(|number| space.overrides(&space.grid_point(number).unwrap()).join(" ")).collect();
        assert_eq!(points[0], "a=0.0 +b=x c=1");
        assert_eq!(points[1], "a=0.0 +b=x c=2");
        assert_eq!(points[23], "a=0.3 +b=y c=3");
        assert_eq!(points.iter().collect::<std::collections::HashSet<_>>().len(), 24);
        assert_eq!(space.grid_point(24), None);
        assert_eq!(SearchSpace(vec![parameter("a", number(0.0, 1.0, None, false))]).grid_size(), None);
    }

    #[test]
    fn numbers_are_written_with_few_digits_and_integers_without_a_point() {
        assert_eq!(number(1e-6, 1.0, None, true).text(tidy(0.000_012_345_678_9)), "1.23457e-5");
        assert_eq!(number(1.0, 512.0, Some(1.0), true).text(128.0), "128");
        assert_eq!(number(0.0, 0.5, None, false).describe(), "0.0 to 0.5");
    }

    proptest! {
        #[test]
        fn every_coordinate_is_a_value_of_the_domain(part in 0.0..1.0_f64, low in 0.001..10.0_f64, width in 0.01..100.0_f64, log: bool) {
            for step in [None, Some(width / 7.0)] {
                let step = step.filter(|step| low - step / 2.0 > 0.0);
                let domain = number(low, low + width, step, log);
                let (start, end) = domain.coordinates();
                let value = domain.value(start + part * (end - start));
                prop_assert!((low..=low + width).contains(&value));
                // The way there and back.
                prop_assert!((domain.value(domain.coordinate(value)) - value).abs() <= 1e-5 * value.abs());
            }
        }
    }
}

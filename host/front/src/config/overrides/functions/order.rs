//! `sort` and `shuffle`: of the values of a sweep, or of the items of a list.

use std::cmp::Ordering;

use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::arguments::{elements, truth, Arguments};
use super::{steps, Evaluated, Number, SweepKind, SweepValue, Wrong};
use crate::config::node::Value;
use crate::config::overrides::{write, Element};

/// What is to be put in order: one argument, `list=`, `sweep=`, or several values.
fn subject(mut arguments: Arguments) -> Result<Evaluated, Wrong> {
    if let Some(value) = arguments.take_named("list").or_else(|| arguments.take_named("sweep")) {
        return match arguments.all_positional()?.is_empty() {
            true => Ok(value),
            false => Err(Wrong::new("its values are given twice")),
        };
    }
    let mut values = arguments.all_positional()?;
    match values.len() {
        0 => Err(Wrong::new("it needs values")),
        1 => Ok(values.remove(0)),
        _ => Ok(Evaluated::Sweep(SweepValue::choice(elements(values)?, true))),
    }
}

/// The order of a sweep is drawn when its values are listed.
pub(super) fn shuffle(arguments: Arguments) -> Result<Evaluated, Wrong> {
    match subject(arguments)? {
        Evaluated::Sweep(SweepValue { kind: SweepKind::Interval { .. }, .. }) => {
            Err(Wrong::new("an interval has no order"))
        }
        Evaluated::Sweep(sweep) => Ok(Evaluated::Sweep(SweepValue { is_shuffled: true, ..sweep })),
        Evaluated::One(Element::List(mut items)) => {
            shuffle_by_content(&mut items, write::text);
            Ok(Evaluated::One(Element::List(items)))
        }
        Evaluated::One(single @ (Element::Scalar(_) | Element::Map(_) | Element::Call(_))) => {
            Ok(Evaluated::One(Element::List(vec![single])))
        }
    }
}

/// A random order that is the same each time the same values are shuffled, so that a sweep that is begun again has its jobs in the
/// places that they had.
pub(crate) fn shuffle_by_content<T>(items: &mut [T], text: impl Fn(&T) -> String) {
    let mut hash = Sha256::new();
    for item in items.iter() {
        hash.update(text(item).as_bytes());
        hash.update([0]);
    }
    let mut random = ChaCha8Rng::from_seed(hash.finalize().into());
    for last in (1..items.len()).rev() {
        let other = (u128::from(random.next_u64()) * (last as u128 + 1)) >> 64;
        items.swap(last, other as usize);
    }
}

pub(super) fn sort(mut arguments: Arguments) -> Result<Evaluated, Wrong> {
    let reverse = truth("reverse", arguments.take_named("reverse"))?;
    match subject(arguments)? {
        Evaluated::One(Element::List(items)) => {
            sorted(items, reverse).map(|items| Evaluated::One(Element::List(items)))
        }
        Evaluated::One(single) => Ok(Evaluated::One(single)),
        Evaluated::Sweep(sweep) => {
            let kind = match sweep.kind {
                SweepKind::Choice { items, is_simple } => {
                    SweepKind::Choice { items: sorted(items, reverse)?, is_simple }
                }
                SweepKind::Range { start, stop, step } => sorted_range(start, stop, step, reverse),
                SweepKind::Interval { .. } => return Err(Wrong::new("an interval has no order")),
                glob @ SweepKind::Glob { .. } if !reverse => glob,
                SweepKind::Glob { .. } => return Err(Wrong::new("the names that glob finds cannot be reversed")),
            };
            Ok(Evaluated::Sweep(SweepValue { kind, is_shuffled: false, ..sweep }))
        }
    }
}

/// A range that runs the other way is turned round. (Hydra's formula for it leaves the range where the step does not divide it.)
fn sorted_range(start: Number, stop: Number, step: Number, reverse: bool) -> SweepKind {
    let (first, increment) = (start.as_f64(), step.as_f64());
    match steps::last(first, stop.as_f64(), increment) {
        Some(last) if (increment < 0.0) != reverse => {
            let number = |value: f64| match (start, step) {
                (Number::Int(_), Number::Int(_)) => Number::Int(value as i128),
                _ => Number::Float(value),
            };
            SweepKind::Range { start: number(last), stop: number(first - increment), step: number(-increment) }
        }
        Some(_) | None => SweepKind::Range { start, stop, step },
    }
}

/// Numbers and booleans among themselves, or texts among themselves.
fn sorted(mut items: Vec<Element>, reverse: bool) -> Result<Vec<Element>, Wrong> {
    if let Some((left, right)) =
        items.windows(2).map(|pair| (&pair[0], &pair[1])).find(|(left, right)| compare(left, right).is_none())
    {
        let (left, right) = (write::text(left), write::text(right));
        return Err(Wrong::new(format!("`{left}` and `{right}` have no order")));
    }
    // Python keeps equal items in their order in both directions.
    items.sort_by(|left, right| {
        let ascending = compare(left, right).unwrap_or(Ordering::Equal);
        if reverse {
            ascending.reverse()
        } else {
            ascending
        }
    });
    Ok(items)
}

fn compare(left: &Element, right: &Element) -> Option<Ordering> {
    let number = |element: &Element| match element {
        Element::Scalar(Value::Bool(value)) => Some(f64::from(u8::from(*value))),
        Element::Scalar(value) => Number::of(value).map(Number::as_f64),
        Element::List(_) | Element::Map(_) | Element::Call(_) => None,
    };
    match (left, right) {
        (Element::Scalar(Value::String(left)), Element::Scalar(Value::String(right))) => Some(left.cmp(right)),
        (Element::List(left), Element::List(right)) => {
            let unequal = left
                .iter()
                .zip(right)
                .map(|(left, right)| compare(left, right))
                .find(|order| *order != Some(Ordering::Equal));
            unequal.unwrap_or(Some(left.len().cmp(&right.len())))
        }
        _ => number(left)?.partial_cmp(&number(right)?),
    }
}

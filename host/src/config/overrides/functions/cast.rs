//! `int`, `float`, `str`, `bool`, `json_str`: of values, of each item of a list, of each value of a mapping, of a sweep.

use serde_json::Value as Json;

use super::arguments::{shown, Arguments};
use super::{Evaluated, Number, SweepKind, SweepValue, Wrong};
use crate::config::interpolation::python_float;
use crate::config::node::Value;
use crate::config::overrides::Element;
use crate::config::yaml::scalar;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cast {
    Int,
    Float,
    Str,
    Bool,
    JsonStr,
}

/// Several values are a sweep over them: `int(1.5,2.5)`.
pub(super) fn cast(to: Cast, mut arguments: Arguments) -> Result<Evaluated, Wrong> {
    let named = arguments.take_named("value");
    let mut values = arguments.all_positional()?;
    let value = match (named, values.len()) {
        (Some(value), 0) => value,
        (Some(_), _) => return Err(Wrong::new("its value is given twice")),
        (None, 0) => return Err(Wrong::new("it needs a value")),
        (None, 1) => values.remove(0),
        (None, _) => Evaluated::Sweep(SweepValue::choice(super::arguments::elements(values)?, true)),
    };
    match value {
        Evaluated::One(element) => cast_element(to, element).map(Evaluated::One),
        Evaluated::Sweep(sweep) => cast_sweep(to, sweep).map(Evaluated::Sweep),
    }
}

fn cast_sweep(to: Cast, sweep: SweepValue) -> Result<SweepValue, Wrong> {
    let number = |value| cast_number(to, value);
    let kind = match sweep.kind {
        SweepKind::Choice { items, is_simple } => {
            let items = items.into_iter().map(|item| cast_element(to, item)).collect::<Result<_, _>>()?;
            SweepKind::Choice { items, is_simple }
        }
        SweepKind::Range { start, stop, step } => {
            let (start, stop, step) = (number(start)?, number(stop)?, number(step)?);
            if step.as_f64() == 0.0 {
                return Err(Wrong::new("a step of 0 never arrives"));
            }
            SweepKind::Range { start, stop, step }
        }
        SweepKind::Interval { start, end } => SweepKind::Interval { start: number(start)?, end: number(end)? },
        SweepKind::Glob { .. } => return Err(Wrong::new("the names that glob finds are text already")),
    };
    Ok(SweepValue { kind, ..sweep })
}

fn cast_number(to: Cast, value: Number) -> Result<Number, Wrong> {
    match (to, value) {
        (Cast::Float, value) => Ok(Number::Float(value.as_f64())),
        (Cast::Int, Number::Int(value)) => Ok(Number::Int(value)),
        (Cast::Int, Number::Float(value)) => truncated(value).map(Number::Int),
        (Cast::Str | Cast::Bool | Cast::JsonStr, _) => {
            Err(Wrong::new("the numbers of a range or an interval can only be made int or float"))
        }
    }
}

fn cast_element(to: Cast, element: Element) -> Result<Element, Wrong> {
    match element {
        // JSON holds lists and mappings as a whole.
        whole @ (Element::List(_) | Element::Map(_)) if to == Cast::JsonStr => {
            Ok(Element::Scalar(Value::String(python_json(&json(&whole)))))
        }
        Element::List(items) => {
            items.into_iter().map(|item| cast_element(to, item)).collect::<Result<_, _>>().map(Element::List)
        }
        Element::Map(pairs) => {
            let cast = |(key, item)| Ok((key, cast_element(to, item)?));
            pairs.into_iter().map(cast).collect::<Result<_, _>>().map(Element::Map)
        }
        Element::Scalar(value) => cast_scalar(to, &value).map(Element::Scalar),
        Element::Call(call) => Err(Wrong::new(format!("`{}` cannot stand here", call.name))),
    }
}

fn cast_scalar(to: Cast, value: &Value) -> Result<Value, Wrong> {
    let found = match to {
        Cast::Int => return int(value),
        Cast::Float => float(value).map(Value::Float),
        Cast::Str => text(value).map(Value::String),
        Cast::Bool => truth(value).map(Value::Bool),
        Cast::JsonStr => Some(Value::String(python_json(&json(&Element::Scalar(value.clone()))))),
    };
    found.ok_or_else(|| no_such_value(to, value))
}

fn no_such_value(to: Cast, value: &Value) -> Wrong {
    let kind = match to {
        Cast::Int => "integer",
        Cast::Float => "number",
        Cast::Str | Cast::JsonStr => "text",
        Cast::Bool => "boolean",
    };
    Wrong::new(format!("{} is no {kind}", shown(&Evaluated::One(Element::Scalar(value.clone())))))
}

fn int(value: &Value) -> Result<Value, Wrong> {
    let found = match value {
        Value::Int(value) => Some(*value),
        Value::Bool(value) => Some(i128::from(*value)),
        Value::Float(value) => return truncated(*value).map(Value::Int),
        Value::String(text) => python_digits(text).and_then(|digits| digits.parse().ok()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    };
    found.and_then(scalar::in_range).map(Value::Int).ok_or_else(|| no_such_value(Cast::Int, value))
}

/// Towards zero.
fn truncated(value: f64) -> Result<i128, Wrong> {
    // Beyond 2^64 `as` still fits an i128; `in_range` refuses what no integer of a config can be.
    let whole = value.is_finite().then_some(value.trunc()).filter(|whole| whole.abs() < 1e30);
    whole
        .and_then(|whole| scalar::in_range(whole as i128))
        .ok_or_else(|| Wrong::new(format!("{value} does not fit into an integer")))
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Float(value) => Some(*value),
        Value::String(text) => python_digits(text).and_then(|digits| digits.to_ascii_lowercase().parse().ok()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

/// Blanks around and single `_` between digits are allowed.
fn python_digits(text: &str) -> Option<String> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let between_digits = |index: usize| {
        let digit = |place: Option<usize>| place.and_then(|place| bytes.get(place)).is_some_and(u8::is_ascii_digit);
        digit(index.checked_sub(1)) && digit(Some(index + 1))
    };
    let is_fine = bytes.iter().enumerate().all(|(index, byte)| *byte != b'_' || between_digits(index));
    is_fine.then(|| text.replace('_', ""))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Float(value) => Some(python_float(*value)),
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Int(value) => Some(*value != 0),
        Value::Float(value) => Some(*value != 0.0),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Value::Null | Value::String(_) | Value::List(_) | Value::Map(_) => None,
    }
}

fn json(element: &Element) -> Json {
    match element {
        Element::Scalar(value) => {
            crate::config::Node::new(value.clone(), crate::config::Origin::of_override(&"".into(), 1)).to_json()
        }
        Element::List(items) => Json::Array(items.iter().map(json).collect()),
        Element::Map(pairs) => Json::Object(pairs.iter().map(|(key, item)| (key.clone(), json(item))).collect()),
        Element::Call(call) => Json::String(call.name.clone()),
    }
}

/// With a blank after each `,` and `:`, as Python's `json.dumps`.
fn python_json(value: &Json) -> String {
    match value {
        Json::Array(items) => format!("[{}]", items.iter().map(python_json).collect::<Vec<_>>().join(", ")),
        Json::Object(map) => {
            let pairs: Vec<String> =
                map.iter().map(|(key, item)| format!("{}: {}", Json::String(key.clone()), python_json(item))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => value.to_string(),
    }
}

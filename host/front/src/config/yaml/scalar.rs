//! What a plain YAML scalar means: PyYAML's YAML 1.1 rules with OmegaConf's repair of floats (`1e-3` is one).
//!
//! So `yes`, `no`, `on`, `off` are booleans, `010` is octal, `1:30` counts in sixties, dates stay strings.

use crate::config::node::Value;

/// The value of a scalar without quotes or tag; fails only for an integer that does not fit.
pub(crate) fn plain(text: &str) -> Result<Value, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Ok(Value::Bool(true)),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Ok(Value::Bool(false)),
        _ => {}
    }
    if let Some(value) = float(text) {
        return Ok(Value::Float(value));
    }
    match int(text) {
        None => Ok(Value::String(text.to_owned())),
        Some(Some(value)) => Ok(Value::Int(value)),
        Some(None) => Err(too_large(text)),
    }
}

/// The value of a scalar with one of YAML's own tags, `!!str` and the like.
pub(crate) fn tagged(text: &str, suffix: &str) -> Result<Value, String> {
    let refused = || format!("`{text}` cannot be read as `!!{suffix}`");
    match suffix {
        "str" => Ok(Value::String(text.to_owned())),
        "null" => Ok(Value::Null),
        "bool" | "int" | "float" => match (suffix, plain(text)?) {
            ("bool", value @ Value::Bool(_)) | ("int", value @ Value::Int(_)) | ("float", value @ Value::Float(_)) => {
                Ok(value)
            }
            ("float", Value::Int(value)) => Ok(Value::Float(value as f64)),
            _ => Err(refused()),
        },
        _ => Err(format!("the tag `!!{suffix}` has no meaning in a config; remove it")),
    }
}

pub(crate) fn too_large(text: &str) -> String {
    format!("the integer `{text}` does not fit into 64 bits; quote it if it is meant as text")
}

/// An integer that JSON and the typed parameters can hold.
pub(crate) fn in_range(value: i128) -> Option<i128> {
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value).then_some(value)
}

fn split_sign(text: &str) -> (i128, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Nothing if the text is no integer; `Some(None)` if it is one that does not fit.
fn int(text: &str) -> Option<Option<i128>> {
    let (sign, body) = split_sign(text);
    let parse = |digits: &str, radix: u32| -> Option<Option<i128>> {
        let digits: String = digits.chars().filter(|digit| *digit != '_').collect();
        if digits.is_empty() {
            return None;
        }
        Some(i128::from_str_radix(&digits, radix).ok().and_then(|value| in_range(sign * value)))
    };
    let all = |digits: &str, allowed: fn(char) -> bool| {
        !digits.is_empty() && digits.chars().all(|digit| digit == '_' || allowed(digit))
    };
    if let Some(digits) = body.strip_prefix("0b") {
        return all(digits, |digit| matches!(digit, '0' | '1')).then(|| parse(digits, 2)).flatten();
    }
    if let Some(digits) = body.strip_prefix("0x") {
        return all(digits, |digit| digit.is_ascii_hexdigit()).then(|| parse(digits, 16)).flatten();
    }
    if body == "0" {
        return Some(Some(0));
    }
    if let Some(digits) = body.strip_prefix('0') {
        return all(digits, |digit| digit.is_digit(8)).then(|| parse(body, 8)).flatten();
    }
    if !body.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if body.contains(':') {
        return sixties(body).map(|value| in_range(sign * value));
    }
    all(body, |digit| digit.is_ascii_digit()).then(|| parse(body, 10)).flatten()
}

/// `1:30:00`: every part after the first has one or two digits and is below 60.
fn sixties(body: &str) -> Option<i128> {
    let mut parts = body.split(':');
    let first: String = parts.next()?.chars().filter(|digit| *digit != '_').collect();
    if first.is_empty() || !first.chars().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    parts.try_fold(first.parse::<i128>().ok()?, |total, part| total.checked_mul(60)?.checked_add(sixtieth(part)?))
}

fn sixtieth(part: &str) -> Option<i128> {
    let digits = (1..=2).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit());
    digits.then(|| part.parse::<i128>().ok()).flatten().filter(|value| *value < 60)
}

fn float(text: &str) -> Option<f64> {
    match text {
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        _ => {}
    }
    let (sign, body) = split_sign(text);
    let signed = |value: f64| if sign < 0 { -value } else { value };
    if matches!(body, ".inf" | ".Inf" | ".INF") {
        return Some(signed(f64::INFINITY));
    }
    if body.starts_with('.') && body.len() != text.len() {
        // `-.5` is a string to PyYAML, unlike `.5`.
        return None;
    }
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(place) => (&body[..place], Some(&body[place + 1..])),
        None => (body, None),
    };
    let (whole, fraction) = match mantissa.find('.') {
        Some(place) => (&mantissa[..place], Some(&mantissa[place + 1..])),
        None => (mantissa, None),
    };
    if let (None, Some(fraction), true) = (exponent, fraction, whole.contains(':')) {
        let whole = sixties(whole)? as f64;
        return digits_or_lines(fraction)
            .then(|| decimal("0", fraction, "0"))
            .flatten()
            .map(|part| signed(whole + part));
    }
    float_parts(whole, fraction, exponent)
        .then(|| decimal(whole, fraction.unwrap_or(""), exponent.unwrap_or("0")))?
        .map(signed)
}

/// The spellings that are floats: `1.`, `1.5e3`, `1e-3`, `.5`, `.5e+3`, but not `1`, `.5e3` or `1_e3`.
fn float_parts(whole: &str, fraction: Option<&str>, exponent: Option<&str>) -> bool {
    let exponent_has_sign = exponent.is_some_and(|text| text.starts_with(['+', '-']));
    let exponent_digits = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    if exponent_digits.is_some_and(|digits| digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit())) {
        return false;
    }
    let starts_with_digit = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
    match (whole, fraction) {
        ("", Some(fraction)) => {
            starts_with_digit(fraction) && digits_or_lines(fraction) && (exponent.is_none() || exponent_has_sign)
        }
        (whole, Some(fraction)) => starts_with_digit(whole) && digits_or_lines(whole) && digits_or_lines(fraction),
        (whole, None) => {
            let groups =
                whole.split('_').all(|group| !group.is_empty() && group.bytes().all(|digit| digit.is_ascii_digit()));
            exponent.is_some() && groups
        }
    }
}

fn digits_or_lines(text: &str) -> bool {
    text.bytes().all(|digit| digit.is_ascii_digit() || digit == b'_')
}

fn decimal(whole: &str, fraction: &str, exponent: &str) -> Option<f64> {
    let text: String = format!("{whole}.{fraction}e{exponent}").chars().filter(|letter| *letter != '_').collect();
    let text = if text.starts_with('.') { format!("0{text}") } else { text };
    text.parse().ok()
}

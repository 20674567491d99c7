//! What an unquoted word means in an override and in the arguments of a resolver: Hydra's grammar, not YAML's.
//!
//! So `true` in any case is a boolean, `yes` is a string, `1e-3` and `inf` are floats, `010` is a string.

use super::node::Value;
use super::yaml::scalar;

/// The value of a word; fails only for an integer that does not fit.
pub(crate) fn typed(text: &str) -> Result<Value, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" => return Ok(Value::Bool(true)),
        "false" => return Ok(Value::Bool(false)),
        "null" => return Ok(Value::Null),
        _ => {}
    }
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    if is_unsigned_int(body) {
        let digits: String = text.chars().filter(|letter| *letter != '_').collect();
        let value = digits.parse::<i128>().ok().and_then(scalar::in_range);
        return value.map(Value::Int).ok_or_else(|| scalar::too_large(text));
    }
    let is_named = matches!(body.to_ascii_lowercase().as_str(), "inf" | "nan");
    if is_named || is_unsigned_float(body) {
        let plain: String = text.chars().filter(|letter| *letter != '_').collect();
        if let Ok(value) = plain.to_ascii_lowercase().parse::<f64>() {
            return Ok(Value::Float(value));
        }
    }
    Ok(Value::String(text.to_owned()))
}

/// `0`, `12`, `1_000`, but not `01`, `1__0` or `1_`.
fn is_unsigned_int(text: &str) -> bool {
    text == "0" || (!text.starts_with('0') && is_digits(text))
}

/// Digits in groups that single `_` part.
fn is_digits(text: &str) -> bool {
    text.split('_').all(|group| !group.is_empty() && group.bytes().all(|digit| digit.is_ascii_digit()))
}

fn is_unsigned_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(place) => (&text[..place], Some(&text[place + 1..])),
        None => (text, None),
    };
    if exponent.is_some_and(|text| !is_digits(text.strip_prefix(['+', '-']).unwrap_or(text))) {
        return false;
    }
    match mantissa.split_once('.') {
        None => exponent.is_some() && is_unsigned_int(mantissa),
        Some(("", fraction)) => is_digits(fraction),
        Some((whole, "")) => is_unsigned_int(whole),
        Some((whole, fraction)) => is_unsigned_int(whole) && is_digits(fraction),
    }
}

#[cfg(test)]
mod tests {
    use super::typed;
    use crate::config::node::Value;

    #[test]
    fn words_have_the_types_of_hydras_grammar() {
        let shown = |text: &str| match typed(text) {
            Ok(Value::String(text)) => format!("s:{text}"),
            Ok(Value::Int(value)) => format!("i:{value}"),
            Ok(Value::Float(value)) => format!("f:{value:?}"),
            Ok(Value::Bool(value)) => format!("b:{value}"),
            Ok(Value::Null) => "null".to_owned(),
            Ok(Value::List(_) | Value::Map(_)) => "container".to_owned(),
            Err(_) => "error".to_owned(),
        };
        for (text, expected) in [
            ("TrUe", "b:true"),
            ("yes", "s:yes"),
            ("NULL", "null"),
            ("-5", "i:-5"),
            ("1_000", "i:1000"),
            ("010", "s:010"),
            ("1e-3", "f:0.001"),
            ("1E+3", "f:1000.0"),
            (".5", "f:0.5"),
            ("-.5", "f:-0.5"),
            ("5.", "f:5.0"),
            ("1.2.3", "s:1.2.3"),
            ("-inf", "f:-inf"),
            ("nan", "f:NaN"),
            ("nano", "s:nano"),
            ("1e", "s:1e"),
            ("_1", "s:_1"),
            ("18446744073709551615", "i:18446744073709551615"),
            ("18446744073709551616", "error"),
            ("é", "s:é"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}

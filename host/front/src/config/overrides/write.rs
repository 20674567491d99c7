//! Writes a value as it would be typed behind the `=` of an override, quoted where it must be.
//!
//! Reading it gives the same value again, types included. Leaves out: keys of overrides, which are never quoted.

use super::Element;
use crate::config::literal;
use crate::config::node::Value;

/// The text of a value without functions.
pub(crate) fn text(element: &Element) -> String {
    match element {
        Element::Scalar(value) => scalar(value),
        Element::List(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(",")),
        Element::Map(pairs) => {
            let pairs: Vec<String> =
                pairs.iter().map(|(key, item)| format!("{}:{}", key_text(key), text(item))).collect();
            format!("{{{}}}", pairs.join(","))
        }
        // Functions are called before.
        Element::Call(call) => call.name.clone(),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}").to_lowercase(),
        Value::String(text) => {
            let is_text = matches!(literal::typed(text), Ok(Value::String(_)));
            if is_text && is_word(text) {
                text.clone()
            } else {
                quoted(text)
            }
        }
        // Elements hold their lists and mappings themselves.
        Value::List(_) | Value::Map(_) => String::new(),
    }
}

fn key_text(key: &str) -> String {
    if is_word(key) && !key.contains(':') {
        key.to_owned()
    } else {
        quoted(key)
    }
}

/// Whether an unquoted word is read as this very text, in this program and in Hydra.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./+%*@?|:".contains(letter))
}

/// In single quotes. Backslashes count only before a quote, where they are doubled.
fn quoted(text: &str) -> String {
    let mut result = String::from("'");
    let mut slashes = 0;
    for letter in text.chars() {
        match letter {
            '\\' => slashes += 1,
            '\'' => {
                result.push_str(&"\\".repeat(slashes + 1));
                slashes = 0;
            }
            _ => slashes = 0,
        }
        result.push(letter);
    }
    result.push_str(&"\\".repeat(slashes));
    result.push('\'');
    result
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::config::node::Value;
    use crate::config::overrides::{parse, Assigned, Element};

    fn read(value: &str) -> Option<Element> {
        match parse::parse(&format!("a={value}")).ok()?.value? {
            Assigned::One(element) => Some(element),
            Assigned::Sweep(_) => None,
        }
    }

    #[test]
    fn values_are_written_as_they_would_be_typed() {
        for (typed, expected) in [
            ("gat", "gat"),
            ("'gat'", "gat"),
            ("0.10", "0.1"),
            ("1e-5", "1e-5"),
            ("1e16", "1e16"),
            ("-INF", "-inf"),
            ("'1'", "'1'"),
            ("''", "''"),
            ("'a, b'", "'a, b'"),
            ("a b", "'a b'"),
            ("${x.y}", "'${x.y}'"),
            ("[1, 'x y', {a: null}]", "[1,'x y',{a:null}]"),
            (r"'it\'s'", r"'it\'s'"),
            ("val.ndcg@10", "val.ndcg@10"),
        ] {
            assert_eq!(text(&read(typed).unwrap()), expected, "{typed}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(word in r#"[a1.e'"\\ ,${}\[\]():=+-]{0,12}"#) {
            let element = Element::Scalar(Value::String(word.clone()));
            for whole in [element.clone(), Element::List(vec![element.clone()]), Element::Map(vec![(word.clone(), element)])] {
                let written = text(&whole);
                proptest::prop_assert_eq!(format!("{:?}", read(&written)), format!("{:?}", Some(&whole)), "{}", written);
            }
        }
    }
}

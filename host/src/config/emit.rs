//! Writes a resolved tree as YAML that reads back as the same tree.
//!
//! Its own writer and no library's, for the reader knows YAML 1.1 (`on` is a boolean, `1:30` a number) and `${`, so only it
//! knows which text must be quoted or escaped. Leaves out: comments, anchors, origins.

use super::node::{float_text, Map, Node, Value};
use super::yaml::scalar;

/// Whether interpolations are still to be resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Resolved,
    Unresolved,
}

/// Block style throughout; the file ends with a line break.
pub(crate) fn to_yaml(node: &Node, form: Form) -> String {
    let mut text = String::new();
    match &node.value {
        Value::Map(map) if !map.is_empty() => write_map(&mut text, map, 0, form),
        Value::List(items) if !items.is_empty() => write_list(&mut text, items, 0, form),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::String(_)
        | Value::List(_)
        | Value::Map(_) => {
            text.push_str(&inline(node, form));
            text.push('\n');
        }
    }
    text
}

/// The overrides as a YAML list.
pub(crate) fn strings_to_yaml(items: &[String]) -> String {
    if items.is_empty() {
        return "[]\n".to_owned();
    }
    items.iter().map(|item| format!("- {}\n", quoted_if_needed(item))).collect()
}

fn write_map(text: &mut String, map: &Map, indent: usize, form: Form) {
    for (key, node) in map.iter() {
        let key = quoted_if_needed(key);
        text.push_str(&format!("{:indent$}{key}:", ""));
        write_child(text, node, indent, form);
    }
}

fn write_list(text: &mut String, items: &[Node], indent: usize, form: Form) {
    for item in items {
        text.push_str(&format!("{:indent$}-", ""));
        write_child(text, item, indent, form);
    }
}

fn write_child(text: &mut String, node: &Node, indent: usize, form: Form) {
    match &node.value {
        Value::Map(map) if !map.is_empty() => {
            text.push('\n');
            write_map(text, map, indent + 2, form);
        }
        Value::List(items) if !items.is_empty() => {
            text.push('\n');
            write_list(text, items, indent + 2, form);
        }
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::String(_)
        | Value::List(_)
        | Value::Map(_) => {
            text.push(' ');
            text.push_str(&inline(node, form));
            text.push('\n');
        }
    }
}

/// One line for a scalar; what is not empty below stands in lines of its own.
pub(crate) fn inline(node: &Node, form: Form) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => float_text(*value),
        // Text that holds `${` was escaped once and would be an interpolation when read again.
        Value::String(text) if form == Form::Resolved => quoted_if_needed(&escaped(text)),
        Value::String(text) => quoted_if_needed(text),
        Value::List(_) => "[]".to_owned(),
        Value::Map(_) => "{}".to_owned(),
    }
}

/// `${` as `\${`; backslashes in front of it are doubled, for reading halves them.
fn escaped(text: &str) -> String {
    let mut parts = text.split("${");
    let mut result = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let slashes = result.len() - result.trim_end_matches('\\').len();
        result.push_str(&"\\".repeat(slashes + 1));
        result.push_str("${");
        result.push_str(part);
    }
    result
}

fn quoted_if_needed(text: &str) -> String {
    let is_plain_string = matches!(scalar::plain(text), Ok(Value::String(_)));
    let safe_start = text.starts_with(|first: char| first.is_alphanumeric() || "_./$\\".contains(first));
    let safe_end = !text.ends_with([' ', ':']);
    let safe_inside =
        text.chars().all(|letter| letter.is_alphanumeric() || " _-./\\:$%+=@(){}[],*'~^;<>|".contains(letter))
            && !text.contains(": ")
            && !text.contains(" #");
    let is_document_mark = text.starts_with("...");
    if is_plain_string && safe_start && safe_end && safe_inside && !is_document_mark {
        return text.to_owned();
    }
    if text.chars().any(|letter| letter.is_control() || "\u{85}\u{a0}\u{2028}\u{2029}\u{feff}".contains(letter)) {
        return double_quoted(text);
    }
    format!("'{}'", text.replace('\'', "''"))
}

fn double_quoted(text: &str) -> String {
    let mut result = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            '\n' => result.push_str("\\n"),
            '\t' => result.push_str("\\t"),
            '\r' => result.push_str("\\r"),
            letter if letter.is_control() || "\u{85}\u{a0}\u{2028}\u{2029}\u{feff}".contains(letter) => {
                result.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            letter => result.push(letter),
        }
    }
    result.push('"');
    result
}

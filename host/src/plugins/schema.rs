//! The JSON Schema of a constructor's parameters in words: type, range, default, unit.
//!
//! Beyond JSON Schema's own words a property may have `unit` (see `plugin_api::params!`).

use serde_json::Value;

/// A parameter as a reader wants to know it.
#[derive(Debug, serde::Serialize)]
pub struct Parameter {
    pub name: String,
    /// `number`, `dev | small | 1m`, `list of integer`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// `0.0 to 1.0`, `at least 1`; empty for any.
    pub range: String,
    pub default: Option<Value>,
    /// It must be given.
    pub required: bool,
    /// `epochs`; empty for a plain number.
    pub unit: String,
    pub doc: String,
}

/// The parameters in the order of their struct.
pub fn parameters(schema: &Value) -> Vec<Parameter> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, property)| parameter(name, property, schema)).collect()
}

fn parameter(name: &str, property: &Value, schema: &Value) -> Parameter {
    let required = schema.get("required").and_then(Value::as_array);
    let text = |key: &str| property.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Parameter {
        name: name.to_owned(),
        type_name: type_of(property, schema),
        range: range_of(property),
        default: property.get("default").cloned(),
        required: required.is_some_and(|names| names.iter().any(|required| required == name)),
        unit: text("unit"),
        doc: one_line(&text("description")),
    }
}

/// What a value of this property may be, on one line: `number, at least 0.0, in seconds; 30.0 by default`.
pub fn allowed(property: &Value, schema: &Value) -> String {
    let Parameter { type_name, range, default, unit, .. } = parameter("", property, schema);
    let unit = if unit.is_empty() { unit } else { format!("in {unit}") };
    let parts: Vec<_> = [type_name, range, unit].into_iter().filter(|part| !part.is_empty()).collect();
    let default = default.map_or_else(String::new, |default| format!("; {default} by default"));
    format!("{}{default}", parts.join(", "))
}

/// Doc comments are broken where the source is.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn type_of(property: &Value, schema: &Value) -> String {
    if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
        let target = schema.pointer(reference.trim_start_matches('#'));
        return target.map_or_else(|| reference.to_owned(), |target| type_of(target, schema));
    }
    if let Some(options) = property.get("enum").and_then(Value::as_array) {
        return options.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | ");
    }
    if let Some(options) = property.get("oneOf").or(property.get("anyOf")).and_then(Value::as_array) {
        let one = |option: &Value| match option.get("const").and_then(Value::as_str) {
            Some(name) => name.to_owned(),
            None => type_of(option, schema),
        };
        return options.iter().map(one).collect::<Vec<_>>().join(" | ");
    }
    match property.get("type") {
        Some(Value::String(name)) => named(name, property, schema),
        Some(Value::Array(names)) => {
            let names = names.iter().filter_map(Value::as_str);
            names.map(|name| named(name, property, schema)).collect::<Vec<_>>().join(" or ")
        }
        Some(_) | None => "any".into(),
    }
}

fn named(name: &str, property: &Value, schema: &Value) -> String {
    match name {
        "array" => {
            format!("list of {}", property.get("items").map_or_else(|| "any".into(), |items| type_of(items, schema)))
        }
        "object" => "mapping".to_owned(),
        _ => name.to_owned(),
    }
}

fn range_of(property: &Value) -> String {
    let own = bounds(property);
    let length = match (property.get("minItems"), property.get("maxItems")) {
        (Some(low), Some(high)) => format!("{low} to {high} of them"),
        (Some(low), None) => format!("{low} or more"),
        (None, Some(high)) => format!("up to {high}"),
        (None, None) => String::new(),
    };
    let each = property.get("items").map(bounds).filter(|each| !each.is_empty());
    let parts = [own, length, each.map_or_else(String::new, |each| format!("each {each}"))];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn bounds(property: &Value) -> String {
    let bound = |name: &str| property.get(name).filter(|limit| !limit.is_null());
    let low = bound("minimum").map(|low| ("at least", low)).or(bound("exclusiveMinimum").map(|low| ("above", low)));
    let high = bound("maximum").map(|high| ("at most", high)).or(bound("exclusiveMaximum").map(|high| ("below", high)));
    match (low, high) {
        (Some(("at least", low)), Some(("at most", high))) => format!("{low} to {high}"),
        (Some((from, low)), Some((to, high))) => format!("{from} {low}, {to} {high}"),
        (Some((word, limit)), None) | (None, Some((word, limit))) => format!("{word} {limit}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_parameter_in_words() {
        let schema = json!({"properties": {
            "seconds": {"type": "number", "minimum": 0.1, "maximum": 9.0, "default": 3.0, "unit": "seconds", "description": "How\nlong."},
            "k": {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1, "default": [5]},
            "rate": {"type": ["number", "null"], "exclusiveMinimum": 0.0},
            "env": {"$ref": "#/$defs/Env"},
        }, "$defs": {"Env": {"oneOf": [{"const": "dev"}, {"const": "prod"}]}}});
        let words: Vec<_> = parameters(&schema)
            .into_iter()
            .map(|parameter| [parameter.name, parameter.type_name, parameter.range, parameter.unit, parameter.doc])
            .collect();
        assert_eq!(words[0], ["seconds", "number", "0.1 to 9.0", "seconds", "How long."]);
        assert_eq!(words[1], ["k", "list of integer", "1 or more, each at least 1", "", ""]);
        assert_eq!(words[2], ["rate", "number or null", "above 0.0", "", ""]);
        assert_eq!(words[3][..2], ["env", "dev | prod"]);
        let allowed = |name: &str| allowed(&schema["properties"][name], &schema);
        assert_eq!(allowed("seconds"), "number, 0.1 to 9.0, in seconds; 3.0 by default");
        assert_eq!(allowed("env"), "dev | prod");
    }
}

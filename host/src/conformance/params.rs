//! Parameters made from a schema: plausible ones, wrong ones, random ones. Reads the part of JSON Schema that `schemars` writes.

use std::path::Path;

use rand_chacha::rand_core::Rng;
use serde_json::{json, Map, Value};

/// The parameters with their schemas, references resolved.
pub fn properties(schema: &Value) -> Vec<(String, Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, property)| (name.clone(), resolved(property, schema))).collect()
}

pub fn required(schema: &Value) -> Vec<String> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn resolved(property: &Value, schema: &Value) -> Value {
    let target =
        property.get("$ref").and_then(Value::as_str).and_then(|name| schema.pointer(name.trim_start_matches('#')));
    let Some(target) = target else { return property.clone() };
    // What stands beside a reference is added to it.
    let mut merged = target.clone();
    if let (Some(merged), Some(beside)) = (merged.as_object_mut(), property.as_object()) {
        merged.extend(
            beside.iter().filter(|(name, _)| *name != "$ref").map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    merged
}

/// The alternatives of `anyOf` and `oneOf`, or the schema itself.
fn alternatives(property: &Value, schema: &Value) -> Vec<Value> {
    match property.get("anyOf").or(property.get("oneOf")).and_then(Value::as_array) {
        Some(options) => options.iter().map(|option| resolved(option, schema)).collect(),
        None => vec![property.clone()],
    }
}

fn types(property: &Value) -> Vec<&str> {
    match property.get("type") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => Vec::new(),
    }
}

/// The required parameters that have no default, each with the plainest value of its type; the others are left out. A required text
/// is taken for the name of `file`.
pub fn plausible(schema: &Value, file: &Path) -> Value {
    let required = required(schema);
    let wanted = properties(schema)
        .into_iter()
        .filter(|(name, property)| required.contains(name) && property.get("default").is_none());
    wanted.map(|(name, property)| (name, plain(&property, schema, file))).collect::<Map<_, _>>().into()
}

fn plain(property: &Value, schema: &Value, file: &Path) -> Value {
    if let Some(constant) = property.get("const").or(property.pointer("/enum/0")) {
        return constant.clone();
    }
    let alternatives = alternatives(property, schema);
    let first = alternatives.first().unwrap_or(property);
    if first != property {
        return plain(first, schema, file);
    }
    match types(property).first() {
        Some(&"integer") => json!(lowest(property).map_or(1.0, |low| low.max(1.0)) as i64),
        Some(&"number") => {
            let (low, high) = (lowest(property).unwrap_or(0.0), highest(property).unwrap_or(1.0));
            json!(f64::midpoint(low, high.max(low)))
        }
        Some(&"boolean") => json!(false),
        Some(&"array") => {
            let n = property.get("minItems").and_then(Value::as_u64).unwrap_or(0);
            let item = property.get("items").map_or(Value::Null, |items| plain(&resolved(items, schema), schema, file));
            vec![item; n as usize].into()
        }
        Some(&"object") => plausible(property, file),
        Some(&"null") => Value::Null,
        Some(_) | None => json!(file.display().to_string()),
    }
}

/// `params` with every default of the schema written out.
pub fn written_out(schema: &Value, params: &Value) -> Value {
    let mut all = params.as_object().cloned().unwrap_or_default();
    for (name, property) in properties(schema) {
        if let (Some(default), false) = (property.get("default"), all.contains_key(&name)) {
            all.insert(name, default.clone());
        }
    }
    all.into()
}

/// `params` with one of them replaced.
pub fn with(params: &Value, name: &str, value: Value) -> Value {
    let mut all = params.as_object().cloned().unwrap_or_default();
    all.insert(name.to_owned(), value);
    all.into()
}

pub fn without(params: &Value, name: &str) -> Value {
    let mut all = params.as_object().cloned().unwrap_or_default();
    all.remove(name);
    all.into()
}

/// A value of every JSON type.
pub fn of_every_type() -> Vec<Value> {
    let nested = (0..50).fold(json!(1), |inner, _| json!([inner]));
    vec![
        json!(null),
        json!(true),
        json!(-3),
        json!(2.5),
        json!("garbage"),
        json!(""),
        json!([]),
        json!({}),
        json!({"a": [1]}),
        nested,
    ]
}

/// Text that is no JSON object.
pub fn no_object() -> Vec<String> {
    let mut texts: Vec<_> =
        ["", "{", "[]", "null", "7", "\"text\"", "{\"a\":}", "{} {}", "\u{0}", "NaN"].map(str::to_owned).into();
    texts.push("[".repeat(100_000));
    texts
}

fn lowest(property: &Value) -> Option<f64> {
    let above = property.get("exclusiveMinimum").and_then(Value::as_f64).map(|low| low + step(property, low));
    property.get("minimum").and_then(Value::as_f64).or(above)
}

fn highest(property: &Value) -> Option<f64> {
    let below = property.get("exclusiveMaximum").and_then(Value::as_f64).map(|high| high - step(property, high));
    property.get("maximum").and_then(Value::as_f64).or(below)
}

fn step(property: &Value, bound: f64) -> f64 {
    if types(property).contains(&"integer") {
        1.0
    } else {
        bound.abs().max(1.0) * 1e-6
    }
}

/// Values beyond the bounds of a parameter, or of the items and the length of a list.
pub fn outside(property: &Value, schema: &Value) -> Vec<Value> {
    let mut values = Vec::new();
    for option in alternatives(property, schema) {
        let is_integer = types(&option).contains(&"integer");
        let mut add = |value: f64| values.push(if is_integer { json!(value as i64) } else { json!(value) });
        if let Some(low) = lowest(&option) {
            [low - 1.0, low - 7.0, low - 1e6, -1e18].into_iter().for_each(&mut add);
        }
        if let Some(high) = highest(&option) {
            [high + 1.0, high + 7.0, high + 1e6, 1e18].into_iter().for_each(&mut add);
        }
        if let Some(items) = option.get("items") {
            values.extend(outside(&resolved(items, schema), schema).into_iter().map(|item| json!([item])));
        }
        if option.get("minItems").and_then(Value::as_u64).is_some_and(|n| n > 0) {
            values.push(json!([]));
        }
    }
    values
}

/// Random parameters: about half of those that there are, each within its schema, small.
pub fn random(schema: &Value, params: &Value, rng: &mut impl Rng) -> Value {
    let required = required(schema);
    let mut all = params.clone();
    for (name, property) in properties(schema) {
        // What names a file cannot be guessed twice.
        let is_given = params.get(&name).is_some_and(Value::is_string) && required.contains(&name);
        if !is_given && rng.next_u64().is_multiple_of(2) {
            all = with(&all, &name, random_value(&property, schema, rng));
        }
    }
    all
}

fn random_value(property: &Value, schema: &Value, rng: &mut impl Rng) -> Value {
    if let Some(constant) = property.get("const") {
        return constant.clone();
    }
    if let Some(options) = property.get("enum").and_then(Value::as_array).filter(|options| !options.is_empty()) {
        return pick(options, rng).clone();
    }
    let alternatives = alternatives(property, schema);
    if alternatives.first() != Some(property) {
        return random_value(pick(&alternatives, rng), schema, rng);
    }
    let types = types(property);
    let chosen = if types.is_empty() { "null" } else { *pick(&types, rng) };
    match chosen {
        "integer" => {
            let low = lowest(property).unwrap_or(-8.0);
            let width = highest(property).map_or(16.0, |high| (high - low).min(16.0));
            json!(low as i64 + (rng.next_u64() % (width.max(0.0) as u64 + 1)) as i64)
        }
        "number" => random_number(lowest(property), highest(property), rng),
        "boolean" => json!(rng.next_u64().is_multiple_of(2)),
        "string" => {
            let texts = ["", "x", "../..", "val_loss", "\u{1f980} \n\t\"'\\", "https://127.0.0.1:9/x.zip"];
            json!(pick(&texts, rng))
        }
        "array" => {
            let least = property.get("minItems").and_then(Value::as_u64).unwrap_or(0);
            let items = resolved(property.get("items").unwrap_or(&Value::Null), schema);
            (0..least + rng.next_u64() % 4).map(|_| random_value(&items, schema, rng)).collect::<Vec<_>>().into()
        }
        "object" => random(property, &plausible(property, Path::new("")), rng),
        _ => Value::Null,
    }
}

/// Between the bounds, and often on one.
fn random_number(low: Option<f64>, high: Option<f64>, rng: &mut impl Rng) -> Value {
    let between = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let (from, to) = match (low, high) {
        (Some(low), Some(high)) => (low, high),
        (Some(low), None) => (low, low + 10.0),
        (None, Some(high)) => (high - 10.0, high),
        (None, None) => (-10.0, 10.0),
    };
    json!(*pick(&[from, to, from + (to - from) * between, from + (to - from) * between], rng))
}

fn pick<'a, T>(options: &'a [T], rng: &mut impl Rng) -> &'a T {
    &options[(rng.next_u64() % options.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "dim": { "type": "integer", "minimum": 1, "default": 8 },
                "rate": { "type": "number", "exclusiveMinimum": 0.0, "maximum": 1.0, "default": 0.5 },
                "mode": { "$ref": "#/$defs/Mode", "default": "fast" },
                "k": { "type": "array", "items": { "type": "integer", "minimum": 1 }, "minItems": 1 },
                "patience": { "type": ["integer", "null"], "minimum": 1, "default": null },
                "path": { "type": "string" },
            },
            "required": ["k", "path"],
            "$defs": { "Mode": { "oneOf": [{ "const": "fast" }, { "const": "slow" }] } },
            "additionalProperties": false,
        })
    }

    #[test]
    fn plausible_and_random_parameters_fit_the_schema() {
        let schema = schema();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let plausible = plausible(&schema, Path::new("/graph"));
        assert_eq!(plausible, json!({ "k": [1], "path": "/graph" }));
        assert!(validator.is_valid(&plausible) && validator.is_valid(&written_out(&schema, &plausible)));
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let drawn: Vec<_> = (0..200).map(|_| random(&schema, &plausible, &mut rng)).collect();
        assert!(drawn.iter().all(|params| validator.is_valid(params)), "{drawn:?}");
        for (name, value) in
            [("mode", json!("slow")), ("dim", json!(1)), ("rate", json!(1.0)), ("patience", json!(null))]
        {
            assert!(drawn.iter().any(|params| params.get(name) == Some(&value)), "{name} is never {value}");
        }
    }

    #[test]
    fn values_outside_are_outside() {
        let schema = schema();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let params = plausible(&schema, Path::new("/graph"));
        for (name, property) in properties(&schema) {
            let outside = outside(&property, &schema);
            assert_eq!(outside.is_empty(), ["mode", "path"].contains(&name.as_str()), "{name}: {outside:?}");
            assert!(outside.into_iter().all(|value| !validator.is_valid(&with(&params, &name, value))), "{name}");
        }
    }
}

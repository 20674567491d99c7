//! Checks `params` against the JSON Schema of a constructor, and words every fault for the person who wrote the config.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::ValidationError;
use serde_json::Value;

use crate::config::{Component, Config, Fault, KeyPath};
use crate::plugins::schema::allowed;

/// All faults of a component's `params`, each with the place where the value was set.
pub fn check(component: &Component, schema: &Value, config: &Config) -> Vec<Fault> {
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return vec![Fault::new(format!("the schema of {} is faulty: {error}", component.module))],
    };
    let errors = validator.iter_errors(&component.params);
    let faults = errors
        .flat_map(|error| words(&error, schema, &component.params).into_iter().map(move |found| (path(&error), found)));
    faults.filter_map(|(path, found)| found.into_fault(&path, component, schema, config)).collect()
}

/// A fault relative to the place of its value.
#[derive(Default)]
struct Found {
    /// The unknown name below that place.
    name: Option<String>,
    what: String,
    wrong: String,
    choices: Vec<String>,
    cure: Option<String>,
    is_absence: bool,
}

impl Found {
    fn what(what: String) -> Vec<Self> {
        vec![Self { what, ..Self::default() }]
    }

    fn cured(what: String, cure: Option<String>) -> Vec<Self> {
        vec![Self { what, cure, ..Self::default() }]
    }

    fn into_fault(self, path: &str, component: &Component, schema: &Value, config: &Config) -> Option<Fault> {
        let is_name = self.name.is_some();
        let names: Vec<String> = path.split('/').skip(1).map(str::to_owned).chain(self.name).collect();
        let key = component.key_path.child("params").join(&names);
        if self.is_absence && config.root().get(&key).is_some() {
            // It stands there as `???`, which was told already.
            return None;
        }
        let mut fault =
            Fault::new(format!("{}: {}", component.module, self.what)).at(&origin(config, &key, is_name)).key(&key);
        if self.is_absence {
            fault = fault.absence();
        }
        if !self.choices.is_empty() {
            return Some(fault.choices("choices", &self.wrong, self.choices));
        }
        let property = names.first().and_then(|name| schema.get("properties")?.get(name));
        if let Some(property) = property {
            fault = fault.allowed(allowed(property, schema));
        }
        Some(match self.cure {
            Some(cure) => fault.cure(cure),
            None => fault,
        })
    }
}

/// Of the key, if its name is at fault, else of its value.
fn origin(config: &Config, key: &KeyPath, is_name: bool) -> crate::config::Origin {
    let (node, depth) = config.root().nearest(key);
    match is_name {
        true if depth == key.parts().len() => node.origin.of_key(key),
        true => node.origin.clone(),
        false => node.origin.of_value(),
    }
}

/// The JSON pointer of the faulty value within `params`.
fn path(error: &ValidationError) -> String {
    error.instance_path().as_str().to_owned()
}

fn words(error: &ValidationError, schema: &Value, params: &Value) -> Vec<Found> {
    let given = error.instance();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let known: Vec<_> = properties.into_iter().flat_map(|properties| properties.keys().cloned()).collect();
            unexpected.iter().map(|name| unknown(name, &known)).collect()
        }
        // Told of a schema without properties, for the first of the given ones.
        ValidationErrorKind::FalseSchema if error.instance_path().as_str().is_empty() => {
            params.as_object().into_iter().flat_map(|given| given.keys()).map(|name| unknown(name, &[])).collect()
        }
        ValidationErrorKind::Type { kind } => {
            let types = types(kind);
            let cure = better(given, &types);
            Found::cured(format!("{given} is no {types}"), cure)
        }
        ValidationErrorKind::Minimum { limit } => {
            Found::cured(format!("{given} is below the minimum, {limit}"), Some(format!("write {limit} or more")))
        }
        ValidationErrorKind::Maximum { limit } => {
            Found::cured(format!("{given} is above the maximum, {limit}"), Some(format!("write {limit} or less")))
        }
        ValidationErrorKind::ExclusiveMinimum { limit } => Found::what(format!("{given} must be above {limit}")),
        ValidationErrorKind::ExclusiveMaximum { limit } => Found::what(format!("{given} must be below {limit}")),
        ValidationErrorKind::Enum { options } => no_choice(given, names(options)),
        // An enum whose variants are documented.
        ValidationErrorKind::OneOfNotValid { .. } | ValidationErrorKind::AnyOf { .. } => {
            let choices = schema.pointer(error.schema_path().as_str()).map(|options| choices(options, schema));
            match choices.filter(|choices| !choices.is_empty()) {
                Some(choices) => no_choice(given, choices),
                None => Found::what(error.to_string()),
            }
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().map(str::to_owned);
            let what = format!("{property} must be given");
            vec![Found { name, what, is_absence: true, ..Found::default() }]
        }
        // The rarer ones are well worded by the validator.
        _ => Found::what(error.to_string()),
    }
}

fn no_choice(given: &Value, choices: Vec<String>) -> Vec<Found> {
    let wrong = given.as_str().unwrap_or_default().to_owned();
    vec![Found { what: format!("{given} is no choice"), wrong, choices, ..Found::default() }]
}

/// What was probably meant by a value of the wrong type.
fn better(given: &Value, types: &str) -> Option<String> {
    let wants = |name: &str| types.split(" or ").any(|one| one == name);
    match given {
        Value::Number(number) if wants("integer") => Some(format!("write {}", number.as_f64()?.round())),
        Value::Number(_) | Value::String(_) | Value::Bool(_) if wants("list") => Some(format!("write [{given}]")),
        Value::String(text) if wants("number") || wants("integer") => {
            text.parse::<f64>().is_ok().then(|| format!("write {text} without quotes"))
        }
        Value::Number(_) | Value::Bool(_) if wants("string") => Some(format!("write \"{given}\" in quotes")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The texts among a list of options.
fn names(options: &Value) -> Vec<String> {
    options.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The texts that the alternatives of a `oneOf` or `anyOf` stand for.
fn choices(alternatives: &Value, schema: &Value) -> Vec<String> {
    let of_one = |alternative: &Value| {
        let reference = alternative.get("$ref").and_then(Value::as_str);
        let target = reference.and_then(|reference| schema.pointer(reference.trim_start_matches('#')));
        let alternative = target.unwrap_or(alternative);
        match (alternative.get("const"), alternative.get("enum"), alternative.get("oneOf")) {
            (Some(name), _, _) => name.as_str().map(str::to_owned).into_iter().collect(),
            (None, Some(options), _) => names(options),
            (None, None, Some(alternatives)) => choices(alternatives, schema),
            (None, None, None) => Vec::new(),
        }
    };
    alternatives.as_array().into_iter().flatten().flat_map(of_one).collect()
}

fn unknown(name: &str, known: &[String]) -> Found {
    let what = match known {
        [] => format!("unknown parameter `{name}`; it takes none"),
        [_, ..] => format!("unknown parameter `{name}`"),
    };
    Found { name: Some(name.to_owned()), what, wrong: name.to_owned(), choices: known.to_vec(), ..Found::default() }
}

/// In the words of YAML.
fn types(kind: &TypeKind) -> String {
    let word = |name: String| match name.as_str() {
        "array" => "list".to_owned(),
        "object" => "mapping".to_owned(),
        _ => name,
    };
    match kind {
        TypeKind::Single(single) => word(single.to_string()),
        TypeKind::Multiple(set) => set.iter().map(|single| word(single.to_string())).collect::<Vec<_>>().join(" or "),
    }
}

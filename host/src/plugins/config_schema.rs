//! JSON Schemas of configs, for editors: one for whole configs, one for the options of each config group. `module` decides which
//! constructor's schema holds for `params`.
//!
//! An editor sees one file, not what the defaults list adds to it: nothing is required, `params` without a `module` may be those of
//! any constructor, and every value may be an interpolation or `???`. What the host itself checks is stricter.

use std::collections::BTreeMap;

use serde_json::{json, Map, Value};

use crate::config::Section;
use crate::plugins::{kind, Constructor};

/// The dialect that yaml-language-server and schemars both speak.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const INTERPOLATION: &str = "#/$defs/interpolation";
/// What the schemas of parameters say about a value rather than of which values are good.
const ANNOTATIONS: [&str; 4] = ["title", "description", "default", "unit"];

/// Schemas by the name of their file without `.json`: `config`, and every config group.
pub fn documents(constructors: &[Constructor]) -> BTreeMap<&'static str, Value> {
    let group = |section: Section| (section.key(), document(options(section, constructors), &[section], constructors));
    let mut documents: BTreeMap<_, _> = Section::ALL.into_iter().map(group).collect();
    documents.insert("config", document(whole(constructors), &Section::ALL, constructors));
    documents
}

/// `schema` with the definitions that it refers to.
fn document(mut schema: Map<String, Value>, sections: &[Section], constructors: &[Constructor]) -> Value {
    let mut definitions = Map::new();
    definitions.insert("interpolation".into(), interpolation());
    for section in sections {
        let of_section = of_section(*section, constructors);
        definitions
            .extend(of_section.map(|one| (one.module.to_string(), params(&one.schema, &one.module.to_string()))));
    }
    schema.insert("$schema".into(), DIALECT.into());
    schema.insert("$defs".into(), definitions.into());
    schema.into()
}

fn of_section(section: Section, constructors: &[Constructor]) -> impl Iterator<Item = &Constructor> {
    constructors.iter().filter(move |constructor| constructor.kind == kind(section))
}

fn interpolation() -> Value {
    json!({
        "description": "A reference such as ${seed}, or ??? for a value that must be given elsewhere.",
        "type": "string", "pattern": r"\$\{|^\?\?\?$",
    })
}

/// A whole config.
fn whole(constructors: &[Constructor]) -> Map<String, Value> {
    let setting = |schema: Value| lenient(schema);
    let mut properties = json!({
        "defaults": defaults(),
        "seed": setting(json!({"description": "One seed, one result.", "type": "integer", "minimum": 0, "default": 42})),
        "device": setting(json!({
            "description": "auto: CUDA if there is one, else the CPU. cuda:N: the N-th, from 0.",
            "type": "string", "pattern": "^(auto|cpu|cuda(:[0-9]+)?)$", "default": "auto",
        })),
        "threads": setting(json!({"description": "null: all cores.", "type": ["integer", "null"], "minimum": 0, "default": null})),
        "run_dir": {"description": "Where the run leaves its files.", "type": "string"},
        "plugin_path": setting(json!({
            "description": "More folders with plugins.", "type": ["array", "string"], "items": {"type": "string"}, "default": [],
        })),
        "sweeper": {"description": "How `recsys-host tune` searches; the other commands pass it over.", "type": ["object", "null"]},
        "sweep_dir": {"description": "Where several runs (train -m) leave their folders.", "type": "string"},
        "repeat": setting(json!({
            "description": "Runs of each configuration of a multirun, with seeds from `seed` on.", "type": "integer", "minimum": 1, "default": 1,
        })),
        "jobs": setting(json!({
            "description": "Runs of a multirun at a time; the cores are shared out.", "type": "integer", "minimum": 1, "default": 1,
        })),
    });
    for section in Section::ALL {
        properties[section.key()] = section_schema(section, constructors).into();
    }
    object(properties)
}

/// An option of a config group: a section alone.
fn options(section: Section, constructors: &[Constructor]) -> Map<String, Value> {
    let mut schema = section_schema(section, constructors);
    schema.entry("properties").and_modify(|properties| properties["defaults"] = defaults());
    schema
}

fn defaults() -> Value {
    json!({"description": "What is merged first, in this order; _self_ is this file.", "type": "array"})
}

fn object(properties: Value) -> Map<String, Value> {
    Map::from_iter([
        ("type".to_owned(), "object".into()),
        ("properties".to_owned(), properties),
        ("additionalProperties".to_owned(), false.into()),
    ])
}

/// A section: `module`, `params` as the module wants them, and of a model `init_from`.
fn section_schema(section: Section, constructors: &[Constructor]) -> Map<String, Value> {
    let known: Vec<_> = of_section(section, constructors).collect();
    let mut modules: Vec<Value> = Vec::new();
    modules.extend(known.iter().map(|one| json!({"const": one.module.to_string(), "description": one.doc})));
    modules.push(json!({"$ref": INTERPOLATION}));
    let mut properties = json!({
        "module": {"description": format!("The {}, as library:Constructor.", kind(section)), "anyOf": modules},
        "params": {"description": "Its parameters.", "type": "object"},
    });
    if section == Section::Model {
        properties["init_from"] =
            json!({"description": "Weights to start from, a safetensors file.", "type": ["string", "null"]});
    }
    if matches!(section, Section::Data | Section::Evaluator) {
        properties["isolate"] =
            json!({"description": "Run it in a process of its own.", "type": "boolean", "default": false});
    }
    let of_module = |one: &&Constructor| {
        let module = one.module.to_string();
        json!({
            "if": {"properties": {"module": {"const": module}}, "required": ["module"]},
            "then": {"properties": {"params": {"$ref": definition(&module)}}},
        })
    };
    let mut rules: Vec<Value> = known.iter().map(of_module).collect();
    let any: Vec<Value> = known.iter().map(|one| json!({"$ref": definition(&one.module.to_string())})).collect();
    if !any.is_empty() {
        // The module stands in another file.
        let without_module = json!({"properties": {"params": {"anyOf": any}}});
        rules.push(json!({"if": {"not": {"required": ["module"]}}, "then": without_module}));
    }
    let mut schema = object(properties);
    schema.insert("allOf".into(), rules.into());
    schema
}

fn definition(module: &str) -> String {
    format!("#/$defs/{module}")
}

/// The schema of a constructor's parameters as a definition of a larger schema.
fn params(schema: &Value, module: &str) -> Value {
    let mut schema = relocated(schema, &definition(module));
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
        // Another file may give them.
        schema.remove("required");
        schema.insert("title".into(), module.into());
    }
    lenient_inside(&mut schema);
    for (_, definition) in schema.get_mut("$defs").and_then(Value::as_object_mut).into_iter().flatten() {
        lenient_inside(definition);
    }
    schema
}

/// References within the schema, once it stands at `place`.
fn relocated(schema: &Value, place: &str) -> Value {
    match schema {
        Value::Object(map) => {
            let moved = |(key, value): (&String, &Value)| match value.as_str().and_then(|text| text.strip_prefix('#')) {
                Some(below) if key == "$ref" => (key.clone(), format!("{place}{below}").into()),
                Some(_) | None => (key.clone(), relocated(value, place)),
            };
            Value::Object(map.iter().map(moved).collect())
        }
        Value::Array(items) => items.iter().map(|item| relocated(item, place)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

/// The values of a mapping or list may be interpolations.
fn lenient_inside(schema: &mut Value) {
    for (_, property) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        *property = lenient(property.take());
    }
    if let Some(items) = schema.get_mut("items").filter(|items| items.is_object()) {
        *items = lenient(items.take());
    }
}

/// The value may be an interpolation; what is told of it stays at the top, where editors look.
fn lenient(mut schema: Value) -> Value {
    lenient_inside(&mut schema);
    let Some(inner) = schema.as_object_mut() else { return schema };
    let mut outer = Map::new();
    for name in ANNOTATIONS {
        if let Some((name, value)) = inner.remove_entry(name) {
            outer.insert(name, value);
        }
    }
    outer.insert("anyOf".into(), json!([schema, {"$ref": INTERPOLATION}]));
    outer.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_may_be_an_interpolation_but_nothing_else_that_is_wrong() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["k"],
            "properties": {
                "k": {"type": "array", "items": {"type": "integer"}, "description": "Lengths."},
                "env": {"$ref": "#/$defs/Env"},
            },
            "$defs": {"Env": {"enum": ["dev", "prod"]}},
        });
        let document = json!({
            "$defs": {"interpolation": interpolation(), "a:B": params(&schema, "a:B")},
            "$ref": "#/$defs/a:B",
        });
        assert_eq!(document.pointer("/$defs/a:B/properties/k/description"), Some(&"Lengths.".into()));
        let validator = jsonschema::validator_for(&document).unwrap();
        for good in
            [json!({}), json!({"k": [1, "${n}"], "env": "dev"}), json!({"k": "???", "env": "${oc.env:ENV,dev}"})]
        {
            assert!(validator.is_valid(&good), "{good}");
        }
        for bad in [json!({"k": 1}), json!({"k": ["one"]}), json!({"env": "staging"}), json!({"kk": []})] {
            assert!(!validator.is_valid(&bad), "{bad}");
        }
    }
}

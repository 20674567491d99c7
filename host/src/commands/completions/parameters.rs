//! The parameters of a constructor, from the schema that lies beside the configs; nothing where there is none.

use std::path::Path;

use serde_json::Value;

use crate::config::Section;

/// References go no deeper than this; a definition may refer to itself.
const MAX_DEPTH: usize = 12;

/// The parameters of the module.
pub(super) fn names(config_dir: &Path, section: Section, module: Option<&str>) -> Vec<String> {
    let schema = document(config_dir, section);
    let known = schema.as_ref().zip(module).and_then(|(schema, module)| properties(schema, module));
    known.and_then(Value::as_object).into_iter().flat_map(|known| known.keys().cloned()).collect()
}

/// The choices of a parameter.
pub(super) fn values(config_dir: &Path, section: Section, module: Option<&str>, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let schema = document(config_dir, section);
    if let Some((schema, module)) = schema.as_ref().zip(module) {
        if let Some(property) = properties(schema, module).and_then(|known| known.get(name)) {
            collect(property, schema, MAX_DEPTH, &mut found);
        }
    }
    found.dedup();
    found
}

fn document(config_dir: &Path, section: Section) -> Option<Value> {
    let file = config_dir.join(".schema").join(format!("{}.json", section.key()));
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

fn properties<'a>(schema: &'a Value, module: &str) -> Option<&'a Value> {
    schema.get("$defs")?.get(module)?.get("properties")
}

/// Every `enum`, `const` and boolean of a property, references to other definitions followed.
fn collect(part: &Value, schema: &Value, depth: usize, found: &mut Vec<String>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match part {
        Value::Object(map) => {
            if map.get("type").is_some_and(|kind| kind == "boolean") {
                found.extend(["true".to_owned(), "false".to_owned()]);
            }
            found.extend(map.get("const").and_then(Value::as_str).map(str::to_owned));
            let options = map.get("enum").and_then(Value::as_array).into_iter().flatten();
            found.extend(options.filter_map(Value::as_str).map(str::to_owned));
            let reference = map.get("$ref").and_then(Value::as_str);
            let target = reference.and_then(|place| schema.pointer(place.trim_start_matches('#')));
            let inner = ["anyOf", "oneOf", "allOf", "items"].iter().filter_map(|key| map.get(*key)).chain(target);
            inner.for_each(|inner| collect(inner, schema, depth, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, schema, depth, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

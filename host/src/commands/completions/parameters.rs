//! The parameters of a constructor, from the schema that lies beside the configs; nothing where there is none.

use std::path::Path;

use serde_json::Value;

use crate::config::Section;

/// The parameters of the module.
pub(super) fn names(config_dir: &Path, section: Section, module: Option<&str>) -> Vec<String> {
    let schema = properties(config_dir, section, module);
    schema.as_ref().and_then(Value::as_object).into_iter().flat_map(|known| known.keys().cloned()).collect()
}

/// The choices of a parameter.
pub(super) fn values(config_dir: &Path, section: Section, module: Option<&str>, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(property) =
        properties(config_dir, section, module).and_then(|mut known| Some(known.get_mut(name)?.take()))
    {
        collect(&property, &mut found);
    }
    found.dedup();
    found
}

fn properties(config_dir: &Path, section: Section, module: Option<&str>) -> Option<Value> {
    let file = config_dir.join(".schema").join(format!("{}.json", section.key()));
    let mut schema: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    Some(schema.get_mut("$defs")?.get_mut(module?)?.get_mut("properties")?.take())
}

/// Every `enum`, `const` and boolean of a property.
fn collect(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            if map.get("type").is_some_and(|kind| kind == "boolean") {
                found.extend(["true".to_owned(), "false".to_owned()]);
            }
            found.extend(map.get("const").and_then(Value::as_str).map(str::to_owned));
            let options = map.get("enum").and_then(Value::as_array).into_iter().flatten();
            found.extend(options.filter_map(Value::as_str).map(str::to_owned));
            ["anyOf", "oneOf", "items"].iter().filter_map(|key| map.get(*key)).for_each(|inner| collect(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

//! The space of a study: from `sweeper.params` of the config, sweep functions of the command line, and `auto`, the ranges that the
//! schemas of the chosen constructors state.

use std::path::Path;

use serde_json::Value as Json;

use super::settings::SWEEPER;
use super::space::{Domain, Parameter, SearchSpace};
use crate::config::sweep::{self, Dimension, Space, Sweep};
use crate::config::{Config, Fault, KeyPath, Node, Origin, Section, Value};
use crate::experiment::Parts;

/// In place of a space: the range that the schema states.
const AUTO: &str = "auto";
/// Of these sections `auto` takes parameters: what the data or the metrics are is no question of tuning.
const SEARCHED: [Section; 3] = [Section::Model, Section::Loss, Section::Trainer];

/// A space, and the parameters that `auto` left out, each with the reason.
#[derive(Debug, Default)]
pub struct Found {
    pub space: SearchSpace,
    /// Of each parameter, where its space stands.
    pub origins: Vec<Origin>,
    pub left_out: Vec<String>,
}

/// Reads the space. What the command line says of a key goes before what the section says of it: another space, or a value.
pub fn read(config: &Config, sweep: &Sweep, parts: Option<&Parts>, config_dir: &Path) -> (Found, Vec<Fault>) {
    let mut reader = Reader { config, parts, config_dir, found: Found::default(), faults: Vec::new() };
    let node = config.get(SWEEPER).and_then(|node| node.child("params"));
    let named: Vec<String> = sweep.dimensions.iter().map(|dimension| name(&dimension.key).to_owned()).collect();
    let fixed = sweep.common.iter().filter_map(|text| text.split_once('=')).map(|(key, _)| name(key).to_owned());
    let decided: Vec<String> = named.into_iter().chain(fixed).collect();
    if let Some(node) = node {
        reader.section(node, &decided);
    }
    for dimension in &sweep.dimensions {
        reader.add(dimension);
    }
    let Reader { found, mut faults, .. } = reader;
    if found.space.is_empty() && faults.is_empty() {
        let fault =
            Fault::new("there is nothing to search: no parameter has a space").key(&KeyPath::parse("sweeper.params"));
        let cure = "give one, as in `'model.params.dropout=interval(0, 0.5)'`, or `sweeper.params: {model.params.dropout: auto}`";
        faults.push(fault.at(config.origin_of("sweeper.params")).cure(cure));
    }
    (found, faults)
}

/// Whether the space says `auto` somewhere.
pub fn needs_schemas(config: &Config) -> bool {
    let node = config.get(SWEEPER).and_then(|node| node.child("params"));
    let is_auto = |node: &Node| node.as_str() == Some(AUTO);
    node.is_some_and(|node| {
        is_auto(node) || node.as_map().is_some_and(|map| map.iter().any(|(_, child)| is_auto(child)))
    })
}

fn name(key: &str) -> &str {
    key.trim_start_matches('+')
}

struct Reader<'a> {
    config: &'a Config,
    /// Open where [`needs_schemas`].
    parts: Option<&'a Parts>,
    config_dir: &'a Path,
    found: Found,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn section(&mut self, node: &Node, decided: &[String]) {
        let path = KeyPath::parse("sweeper.params");
        let is_free = |key: &str| !decided.iter().any(|decided| decided == name(key));
        match &node.value {
            Value::Null => {}
            Value::String(text) if text == AUTO => self.all_with_a_range(&node.origin, &is_free),
            Value::Map(map) => {
                for (key, child) in map.iter().filter(|(key, _)| is_free(key)) {
                    self.one(key, child, &path.child(key));
                }
            }
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::List(_) => {
                let fault = Fault::new(format!("the space is a mapping, this is {}", node.value.kind()));
                let allowed = "a mapping of keys and spaces, or auto";
                self.faults.push(fault.at(&node.origin).key(&path).allowed(allowed));
            }
        }
    }

    fn one(&mut self, key: &str, node: &Node, path: &KeyPath) {
        let text = match &node.value {
            Value::String(text) if text == AUTO => return self.automatic(key, node),
            Value::String(text) => text.clone(),
            Value::List(items) => {
                let texts = items.iter().map(|item| item.to_json().to_string()).collect::<Vec<_>>();
                format!("choice({})", texts.join(","))
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Map(_) => {
                let fault = Fault::new(format!("{} is no space", node.value.kind())).at(&node.origin).key(path);
                let allowed = "choice(...), range(...), interval(...), tag(log, interval(...)), a list, or auto";
                return self.faults.push(fault.allowed(allowed).cure("to fix a value set it in its own section"));
            }
        };
        match sweep::read_space(key, &text, node.origin.clone(), self.config_dir) {
            Ok(dimension) => self.add(&dimension),
            Err(fault) => self.faults.push(fault.key(path)),
        }
    }

    fn add(&mut self, dimension: &Dimension) {
        match domain(&dimension.space) {
            Some(domain) => self.push(dimension.key.clone(), domain, &dimension.origin),
            None => {
                let fault = Fault::new(format!("the space of `{}` holds no whole number", dimension.key));
                self.faults.push(fault.at(&dimension.origin).cure("correct its ends"));
            }
        }
    }

    fn push(&mut self, key: String, domain: Domain, origin: &Origin) {
        self.found.space.0.push(Parameter { key, domain });
        self.found.origins.push(origin.clone());
    }

    /// `key: auto`.
    fn automatic(&mut self, key: &str, node: &Node) {
        let parts = KeyPath::parse(name(key));
        let [section, params, parameter] = parts.parts() else {
            return self.faults.push(no_range(key, node, "it is no parameter of a constructor"));
        };
        let section = Section::ALL.into_iter().find(|known| known.key() == section).filter(|_| params == "params");
        let Some(constructor) = section.and_then(|section| self.parts?.find(section)) else {
            return self.faults.push(no_range(key, node, "it is no parameter of a constructor"));
        };
        let property = constructor.schema.get("properties").and_then(|properties| properties.get(parameter));
        match property.map(|property| automatic(property, &constructor.schema)) {
            Some(Ok(domain)) => self.push(addable(self.config, key), domain, &node.origin),
            Some(Err(why)) => self.faults.push(no_range(key, node, &format!("its schema states {why}"))),
            None => self.faults.push(no_range(key, node, &format!("{} has no such parameter", constructor.module))),
        }
    }

    /// `params: auto`.
    fn all_with_a_range(&mut self, origin: &Origin, is_free: &impl Fn(&str) -> bool) {
        for section in SEARCHED {
            let Some(constructor) = self.parts.and_then(|parts| parts.find(section)) else { continue };
            let properties = constructor.schema.get("properties").and_then(Json::as_object);
            for (parameter, property) in properties.into_iter().flatten() {
                let key = format!("{}.params.{parameter}", section.key());
                match automatic(property, &constructor.schema) {
                    Ok(_) if !is_free(&key) => {}
                    Ok(domain) => {
                        self.push(addable(self.config, &key), domain, origin);
                    }
                    Err(why) => self.found.left_out.push(format!("{key} ({why})")),
                }
            }
        }
    }
}

/// With the sign that sets a key whether or not it is there.
fn addable(config: &Config, key: &str) -> String {
    match config.get(name(key)) {
        Some(_) => name(key).to_owned(),
        None => format!("++{}", name(key)),
    }
}

fn no_range(key: &str, node: &Node, why: &str) -> Fault {
    let fault = Fault::new(format!("`{}` has no range to search: {why}", name(key))).at(&node.origin);
    fault.key(&KeyPath::parse("sweeper.params").child(key)).cure("write its space, as in `interval(0, 0.5)`")
}

/// As the domain that samplers know; nothing if it holds no value.
pub fn domain(space: &Space) -> Option<Domain> {
    match *space {
        Space::Choice { ref options } => Some(Domain::Choice(options.clone())),
        Space::Range { start, step, integer, .. } => {
            let last = start + (space.count()?.checked_sub(1)?) as f64 * step;
            let (low, high) = (start.min(last), start.max(last));
            Some(Domain::Number { low, high, step: Some(step.abs()), log: false, integer })
        }
        Space::Interval { start, end, log, integer: true } => {
            let (low, high) = (start.ceil(), end.floor());
            (low <= high).then_some(Domain::Number { low, high, step: Some(1.0), log, integer: true })
        }
        Space::Interval { start, end, log, integer: false } => {
            Some(Domain::Number { low: start, high: end, step: None, log, integer: false })
        }
    }
}

/// The domain that a property states, or why it states none.
fn automatic(property: &Json, schema: &Json) -> Result<Domain, &'static str> {
    let property = match property.get("$ref").and_then(Json::as_str) {
        Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap_or(property),
        None => property,
    };
    if let Some(options) = options(property) {
        return Ok(Domain::Choice(options));
    }
    let is = |name: &str| property.get("type").and_then(Json::as_str) == Some(name);
    let bound = |name: &str| property.get(name).and_then(Json::as_f64);
    let (low, high) = (bound("minimum"), bound("maximum"));
    match (low, high) {
        _ if is("boolean") => Ok(Domain::Choice(vec!["true".into(), "false".into()])),
        (Some(low), Some(high)) if is("integer") => {
            Ok(Domain::Number { low, high, step: Some(1.0), log: false, integer: true })
        }
        (Some(low), Some(high)) if is("number") => {
            Ok(Domain::Number { low, high, step: None, log: false, integer: false })
        }
        (Some(_), None) => Err("no upper end"),
        (None, Some(_)) => Err("no lower end"),
        (Some(_) | None, Some(_) | None) => Err("no range"),
    }
}

/// The names of an enum, documented or not.
fn options(property: &Json) -> Option<Vec<String>> {
    let named = |option: &Json| option.get("const").unwrap_or(option).as_str().map(str::to_owned);
    let options = property.get("enum").or(property.get("oneOf"))?.as_array()?;
    options.iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_with_a_finite_range_are_spaces() {
        let text = |property: Json| match automatic(&property, &json!({})) {
            Ok(domain) => domain.describe(),
            Err(why) => why.to_owned(),
        };
        assert_eq!(text(json!({"type": "number", "minimum": 0.0, "maximum": 1.0})), "0.0 to 1.0");
        assert_eq!(text(json!({"type": "integer", "minimum": 1, "maximum": 4})), "1 to 4");
        assert_eq!(text(json!({"type": "boolean"})), "true | false");
        assert_eq!(text(json!({"oneOf": [{"const": "a"}, {"const": "b"}]})), "a | b");
        assert_eq!(text(json!({"type": "integer", "minimum": 1})), "no upper end");
        assert_eq!(text(json!({"type": "string"})), "no range");
        assert_eq!(text(json!({"type": ["integer", "null"], "minimum": 1})), "no upper end");
    }

    #[test]
    fn sweeps_become_domains() {
        let text = |space: Space| domain(&space).map(|domain| domain.describe());
        let range = |start, stop, step| Space::Range { start, stop, step, integer: false };
        assert_eq!(text(range(0.0, 1.0, 0.25)).unwrap(), "0.0 to 0.75, step 0.25");
        assert_eq!(text(range(1.0, 0.0, -0.5)).unwrap(), "0.5 to 1.0, step 0.5");
        let interval = |start, end, integer| Space::Interval { start, end, integer, log: true };
        assert_eq!(text(interval(1.5, 8.0, true)).unwrap(), "2 to 8, log");
        assert_eq!(text(interval(1.2, 1.8, true)), None);
        assert_eq!(text(interval(1e-5, 0.1, false)).unwrap(), "1e-5 to 0.1, log");
    }
}

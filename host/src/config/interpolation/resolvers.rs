//! The functions of `${name:arguments}`: `now` and `oc.env`.
//!
//! A new one is a variant of `Resolver`. Leaves out: evaluating the arguments (`resolve`).

use jiff::fmt::strtime;

use crate::config::errors::Fault;
use crate::config::node::{Node, Value};

/// What resolvers may ask of the outside.
pub(crate) struct Surroundings<'a> {
    pub now: &'a jiff::Zoned,
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Resolver {
    /// `${now:%Y-%m-%d}`: when composing began, in the local time zone.
    Now,
    /// `${oc.env:NAME}` or `${oc.env:NAME,default}`: an environment variable, always text.
    Env,
}

const ALL: [(&str, Resolver); 2] = [("now", Resolver::Now), ("oc.env", Resolver::Env)];

/// Calls a resolver. The fault has no place yet.
pub(super) fn call(name: &str, arguments: &[Node], surroundings: &Surroundings<'_>) -> Result<Value, Fault> {
    let Some((_, resolver)) = ALL.iter().find(|(known, _)| *known == name) else {
        let names = ALL.iter().map(|(known, _)| (*known).to_owned()).collect();
        return Err(Fault::new(format!("there is no resolver `{name}`"))
            .choices("resolvers", name, names)
            .cure("for a value of this config write `${section.key}`, with dots and no colon"));
    };
    match resolver {
        Resolver::Now => now(arguments, surroundings),
        Resolver::Env => env(arguments, surroundings),
    }
}

fn now(arguments: &[Node], surroundings: &Surroundings<'_>) -> Result<Value, Fault> {
    let [format] = arguments else {
        return Err(usage("now", "${now:%Y-%m-%d}"));
    };
    // Python writes microseconds for `%f`; jiff would drop trailing zeros.
    let format = scalar_text(format).ok_or_else(|| usage("now", "${now:%Y-%m-%d}"))?.replace("%f", "%6f");
    strtime::format(&format, surroundings.now).map(Value::String).map_err(|error| {
        Fault::new(format!("`{format}` is no format of a time: {error}"))
            .cure("use the signs of strftime, such as `%Y-%m-%d/%H-%M-%S`")
    })
}

fn env(arguments: &[Node], surroundings: &Surroundings<'_>) -> Result<Value, Fault> {
    let (name, default) = match arguments {
        [name] => (name, None),
        [name, default] => (name, Some(default)),
        _ => return Err(usage("oc.env", "${oc.env:NAME} or ${oc.env:NAME,default}")),
    };
    let name = scalar_text(name).ok_or_else(|| usage("oc.env", "${oc.env:NAME}"))?;
    match ((surroundings.env)(&name), default) {
        (Some(value), _) => Ok(Value::String(value)),
        (None, Some(Node { value: Value::Null, .. })) => Ok(Value::Null),
        (None, Some(default)) => {
            scalar_text(default).map(Value::String).ok_or_else(|| usage("oc.env", "${oc.env:NAME,default}"))
        }
        (None, None) => Err(Fault::new(format!("the environment variable `{name}` is not set"))
            .cure(format!("set it, or give a default: `${{oc.env:{name},DEFAULT}}`"))),
    }
}

fn usage(name: &str, form: &str) -> Fault {
    Fault::new(format!("`{name}` was given arguments that it does not take")).cure(format!("write `{form}`"))
}

/// A scalar inside text, spelt as Python spells it (`True`, `None`, `1e-05`), for so does Hydra.
pub(super) fn scalar_text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Null => Some("None".to_owned()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Int(value) => Some(value.to_string()),
        Value::Float(value) => Some(python_float(*value)),
        Value::String(text) => Some(text.clone()),
        Value::List(_) | Value::Map(_) => None,
    }
}

/// Python's `repr`: the shortest digits; an exponent of two digits below 1e-4 and from 1e16.
pub(crate) fn python_float(value: f64) -> String {
    let magnitude = value.abs();
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if magnitude == 0.0 || (1e-4..1e16).contains(&magnitude) {
        let text = value.to_string();
        return if text.contains('.') { text } else { format!("{text}.0") };
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |size| ('-', size));
            format!("{digits}e{sign}{size:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::python_float;

    #[test]
    fn floats_are_spelt_as_python_spells_them() {
        for (value, expected) in [
            (0.1, "0.1"),
            (1.0, "1.0"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (-2.5e100, "-2.5e+100"),
            (0.0, "0.0"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(python_float(value), expected);
        }
    }
}

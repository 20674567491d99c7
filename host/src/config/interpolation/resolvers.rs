//! The functions of `${name:arguments}`, and those of them that know nothing of the config: `now`, `oc.env`, `run`.
//!
//! A new one is a variant of `Resolver`, or of `TreeFunction` if it looks into the config. Leaves out: evaluating the arguments
//! (`resolve`), what looks into the config (`tree_functions`).

use jiff::fmt::strtime;

use super::run_facts::{self, RunFacts};
use crate::config::errors::Fault;
use crate::config::node::{Node, Value};

/// What resolvers may ask of the outside.
pub(crate) struct Surroundings<'a> {
    pub now: &'a jiff::Zoned,
    pub env: &'a dyn Fn(&str) -> Option<String>,
    pub run: &'a RunFacts,
}

#[derive(Debug, Clone, Copy)]
enum Resolver {
    /// `${now:%Y-%m-%d}`: when composing began, in the local time zone.
    Now,
    /// `${oc.env:NAME}` or `${oc.env:NAME,default}`: an environment variable, always text.
    Env,
    /// `${run:cwd}` and the other facts of a run.
    Run,
}

const ALL: [(&str, Resolver); 3] = [("now", Resolver::Now), ("oc.env", Resolver::Env), ("run", Resolver::Run)];

/// A resolver that looks into the config.
#[derive(Debug, Clone, Copy)]
pub(super) enum TreeFunction {
    /// `${oc.select:key,default}`: the value of a key that may be absent.
    Select,
    /// `${oc.decode:text}`: text read as a value, `${oc.decode:${oc.env:N}}` for instance.
    Decode,
    /// `${oc.create:value}`: a mapping, a list, or text in YAML as part of the config.
    Create,
    /// `${oc.dict.keys:key}`.
    Keys,
    /// `${oc.dict.values:key}`.
    Values,
}

const TREE_FUNCTIONS: [(&str, TreeFunction); 5] = [
    ("oc.select", TreeFunction::Select),
    ("oc.decode", TreeFunction::Decode),
    ("oc.create", TreeFunction::Create),
    ("oc.dict.keys", TreeFunction::Keys),
    ("oc.dict.values", TreeFunction::Values),
];

impl TreeFunction {
    pub fn named(name: &str) -> Option<Self> {
        TREE_FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }

    pub fn usage(self) -> Fault {
        match self {
            Self::Select => usage("oc.select", "${oc.select:key} or ${oc.select:key,DEFAULT}"),
            Self::Decode => usage("oc.decode", "${oc.decode:TEXT}"),
            Self::Create => usage("oc.create", "${oc.create:VALUE}"),
            Self::Keys => usage("oc.dict.keys", "${oc.dict.keys:key}"),
            Self::Values => usage("oc.dict.values", "${oc.dict.values:key}"),
        }
    }
}

/// Calls a resolver. The fault has no place yet.
pub(super) fn call(name: &str, arguments: &[Node], surroundings: &Surroundings<'_>) -> Result<Value, Fault> {
    let Some((_, resolver)) = ALL.iter().find(|(known, _)| *known == name) else {
        let known = ALL.iter().map(|(known, _)| *known).chain(TREE_FUNCTIONS.iter().map(|(known, _)| *known));
        let names = known.map(str::to_owned).collect();
        let fault = Fault::new(format!("there is no resolver `{name}`")).choices("resolvers", name, names);
        if name == "hydra" {
            let run = Some("run".to_owned());
            return Err(fault
                .did_you_mean(run)
                .cure(format!("write `${{run:FACT}}`; facts: {}", run_facts::NAMES.join(", "))));
        }
        return Err(fault.cure("for a value of this config write `${section.key}`, with dots and no colon"));
    };
    match resolver {
        Resolver::Now => now(arguments, surroundings),
        Resolver::Env => env(arguments, surroundings),
        Resolver::Run => match arguments {
            [fact] => surroundings.run.value_of(&scalar_text(fact).unwrap_or_default()),
            _ => Err(usage("run", "${run:cwd}")),
        },
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

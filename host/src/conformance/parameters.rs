//! Tests of how a constructor takes its parameters.

use jsonschema::error::ValidationErrorKind;
use plugin_api::error::ErrorKind;
use plugin_api::{ComponentKind, PluginError};
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{json, Value};

use super::params;
use super::subject::Subject;
use super::verdict::{ensure, fail, skip, words, Checked, During, Finding};

/// Random sets of parameters that `fuzz` tries.
const N_CASES: u64 = 40;

pub fn schema(subject: &Subject) -> Checked {
    let schema = &subject.schema;
    let validator = validator(schema)?;
    let kind = schema.get("type").and_then(Value::as_str);
    ensure(kind == Some("object"), || format!("the parameters must be an object, the schema says {kind:?}"))?;
    let all = params::written_out(schema, &params::plausible(schema, std::path::Path::new("file")));
    let faults: Vec<_> =
        validator.iter_errors(&all).map(|error| format!("{}: {error}", error.instance_path())).collect();
    ensure(faults.is_empty(), || format!("the defaults do not fit it: {}", faults.join("; ")))?;
    let has_doc =
        |property: &Value| property.get("description").and_then(Value::as_str).is_some_and(|doc| !doc.is_empty());
    let properties = params::properties(schema);
    let silent: Vec<_> =
        properties.iter().filter(|(_, property)| !has_doc(property)).map(|(name, _)| name.as_str()).collect();
    match silent.as_slice() {
        [] => Ok(()),
        [_, ..] => Err(Finding::Warned(format!("parameters without documentation: {}", silent.join(", ")))),
    }
}

fn validator(schema: &Value) -> Checked<jsonschema::Validator> {
    if !schema.is_object() {
        return fail(format!("the schema is no JSON object: {schema}"));
    }
    jsonschema::meta::validate(schema).map_err(|error| Finding::Failed(format!("the schema is faulty: {error}")))?;
    jsonschema::validator_for(schema).map_err(|error| Finding::Failed(format!("the schema is faulty: {error}")))
}

pub fn defaults(subject: &Subject) -> Checked {
    let params = subject.params();
    subject.construct(&params.to_string()).during("left out")?;
    let all = params::written_out(&subject.schema, params);
    subject.construct(&all.to_string()).during(&format!("written out, as {all}"))
}

pub fn garbage(subject: &Subject) -> Checked {
    for text in params::no_object() {
        let shown: String = text.chars().take(20).collect();
        must_refuse(subject, &text).during(&format!("{shown:?} for parameters"))?;
    }
    let Ok(validator) = validator(&subject.schema) else { return skip("the schema is faulty") };
    for (name, _) in params::properties(&subject.schema) {
        for value in params::of_every_type() {
            let params = params::with(subject.params(), &name, value.clone());
            // What is merely out of range is the matter of the test `range`.
            if validator.iter_errors(&params).any(|error| !is_of_range(error.kind())) {
                must_not_panic(subject.construct(&params.to_string())).during(&format!("`{name}` {value}"))?;
            }
        }
    }
    Ok(())
}

fn is_of_range(kind: &ValidationErrorKind) -> bool {
    matches!(
        kind,
        ValidationErrorKind::Minimum { .. }
            | ValidationErrorKind::Maximum { .. }
            | ValidationErrorKind::ExclusiveMinimum { .. }
            | ValidationErrorKind::ExclusiveMaximum { .. }
            | ValidationErrorKind::MinItems { .. }
            | ValidationErrorKind::MaxItems { .. }
    )
}

pub fn missing(subject: &Subject) -> Checked {
    let required = params::required(&subject.schema);
    if required.is_empty() {
        return skip("no parameter is required");
    }
    for name in required {
        must_refuse(subject, &params::without(subject.params(), &name).to_string())
            .during(&format!("without `{name}`"))?;
    }
    Ok(())
}

pub fn unknown(subject: &Subject) -> Checked {
    const NAME: &str = "no_such_parameter";
    let params = params::with(subject.params(), NAME, json!(1));
    must_refuse(subject, &params.to_string()).during(&format!("with `{NAME}`"))
}

pub fn range(subject: &Subject) -> Checked {
    let Ok(validator) = validator(&subject.schema) else { return skip("the schema is faulty") };
    let mut n_tried = 0;
    for (name, property) in params::properties(&subject.schema) {
        for value in params::outside(&property, &subject.schema) {
            let params = params::with(subject.params(), &name, value.clone());
            // The schema refuses it before the constructor sees it; another caller might not look.
            ensure(!validator.is_valid(&params), || format!("`{name}` {value} fits a schema that it is outside of"))?;
            must_not_panic(subject.construct(&params.to_string())).during(&format!("`{name}` {value}"))?;
            n_tried += 1;
        }
    }
    if n_tried == 0 {
        return skip("no parameter has a declared range");
    }
    Ok(())
}

/// Each case has a seed of its own, with which it can be run alone.
pub fn fuzz(subject: &Subject) -> Checked {
    if params::properties(&subject.schema).is_empty() {
        return skip("it takes no parameters");
    }
    let Ok(validator) = validator(&subject.schema) else { return skip("the schema is faulty") };
    let mut seeds = ChaCha8Rng::seed_from_u64(subject.seed);
    let seeds: Vec<u64> = match subject.reproduce {
        Some(seed) => vec![seed],
        // Short enough to be typed.
        None => (0..N_CASES).map(|_| seeds.next_u64() >> 32).collect(),
    };
    for seed in seeds {
        let params = params::random(&subject.schema, subject.params(), &mut ChaCha8Rng::seed_from_u64(seed));
        if !validator.is_valid(&params) {
            continue;
        }
        // For whoever reads the last words of a child that ended here.
        log::info!("{SEED}{seed}, parameters {params}");
        let used = match subject.kind {
            // What it would fetch then, no suite can know.
            ComponentKind::DataLoader => subject.construct(&params.to_string()),
            ComponentKind::Model | ComponentKind::Loss | ComponentKind::Trainer | ComponentKind::Evaluator => {
                subject.use_with(&params)
            }
        };
        must_not_panic(used).during(&format!("{SEED}{seed}, parameters {params}"))?;
    }
    Ok(())
}

/// What stands before the seed of a case.
pub const SEED: &str = "--reproduce ";

fn must_not_panic(made: Result<(), PluginError>) -> Checked {
    match made {
        Err(error) if error.kind == ErrorKind::Panicked => fail(words(&error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn must_refuse(subject: &Subject, params: &str) -> Checked {
    match subject.construct(params) {
        Ok(()) => fail("it is accepted; it must be an error"),
        refused @ Err(_) => must_not_panic(refused),
    }
}

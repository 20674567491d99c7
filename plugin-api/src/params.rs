//! Typed parameters, declared with [`params!`]: a struct with `Deserialize`, `Serialize` and `JsonSchema`, whose `serde(default)` values are the only
//! place where defaults stand. Unknown names are refused whether or not the author wrote `deny_unknown_fields`.

#[doc(inline)]
pub use crate::params;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ErrorKind, PluginError, Result};

/// Declares a `Params` struct with its defaults, so that they stand in one place:
///
/// ```ignore
/// plugin_api::params! {
///     /// Documents the constructor.
///     struct Params {
///         /// Documents the parameter; `schemars` attributes give its range.
///         #[schemars(range(min = 1))]
///         hidden_dim: i64 = 128,
///         /// Stop after so long.
///         #[schemars(range(min = 0.0), extend("unit" = "seconds"))]
///         patience: f64 = 60.0,
///     }
/// }
/// ```
///
/// What stands in the schema beyond JSON Schema's own words:
///
/// | where | what | for |
/// |---|---|---|
/// | a parameter | `extend("unit" = "epochs")` | its unit, in `plugins inspect` and in messages |
/// | the struct of a loader | `extend("local" = true)` | its `prepare` only reads what is on this machine, so `--dry-run` may call it |
/// | a parameter of a loader | `extend("sizes" = {VALUE: {"user": 943, "movie": 1682, "user__rates__movie": 100000}})` | nodes and edges of the data that a value of it chooses, for `--dry-run` |
///
/// A struct in which no field has a default is one whose parameters must all be given.
#[macro_export]
macro_rules! params {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident : $type:ty = $default:expr),+ $(,)?
    }) => {
        #[derive(Debug, Clone, $crate::prelude::Deserialize, $crate::prelude::Serialize, $crate::prelude::JsonSchema)]
        #[serde(crate = "plugin_api::prelude::serde", default, deny_unknown_fields)]
        #[schemars(crate = "plugin_api::prelude::schemars")]
        $(#[$meta])*
        $vis struct $name { $($(#[$field_meta])* $field_vis $field: $type),+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default),+ }
            }
        }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident : $type:ty),+ $(,)?
    }) => {
        #[derive(Debug, Clone, $crate::prelude::Deserialize, $crate::prelude::Serialize, $crate::prelude::JsonSchema)]
        #[serde(crate = "plugin_api::prelude::serde", deny_unknown_fields)]
        #[schemars(crate = "plugin_api::prelude::schemars")]
        $(#[$meta])*
        $vis struct $name { $($(#[$field_meta])* $field_vis $field: $type),+ }
    };
}

/// What [`params!`] derives; a struct of the author's own may derive `Deserialize, Serialize, JsonSchema` itself. Its doc comment
/// documents the constructor.
pub trait Parameters: DeserializeOwned + Serialize + JsonSchema {}

impl<P: DeserializeOwned + Serialize + JsonSchema> Parameters for P {}

// Its documentation is for authors alone: schemars takes doc comments for that of the constructor.
#[cfg_attr(doc, doc = "For constructors without parameters.")]
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// The JSON Schema of `P`, as it stands in `plugins inspect`.
pub fn schema<P: Parameters>() -> Value {
    schemars::schema_for!(P).to_value()
}

/// Parses the JSON text of `params`.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] with the path of the parameter at fault.
pub fn parse<P: Parameters>(json: &str) -> Result<P> {
    let value: Value = serde_json::from_str(json)?;
    refuse_unknown(&value, &schema::<P>())?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let config_path = (path != ".").then(|| path.into());
        PluginError { config_path, ..PluginError::new(ErrorKind::InvalidParameter, error.inner().to_string()) }
    })
}

fn refuse_unknown(params: &Value, schema: &Value) -> Result<()> {
    let Some(given) = params.as_object() else {
        return Err(PluginError::new(ErrorKind::InvalidParameter, format!("params must be a mapping, not {params}")));
    };
    // A flattened or free-form `Params` has no closed list of names; serde decides there.
    let known = match schema.get("properties").and_then(Value::as_object) {
        Some(known) => known.keys().cloned().collect(),
        None if schema.get("type") == Some(&Value::from("object")) && schema.get("additionalProperties").is_none() => {
            Vec::new()
        }
        None => return Ok(()),
    };
    match given.keys().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) if known.is_empty() => {
            Err(PluginError::invalid_parameter(name.as_str(), "unknown parameter; there are none"))
        }
        Some(name) => Err(PluginError::invalid_parameter(
            name.as_str(),
            format!("unknown parameter; there are: {}", known.join(", ")),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, Serialize, JsonSchema)]
    #[serde(default)]
    struct Forgetful {
        dropout: f64,
    }

    impl Default for Forgetful {
        fn default() -> Self {
            Self { dropout: 0.5 }
        }
    }

    #[test]
    fn defaults_types_and_unknown_names() {
        assert_eq!(parse::<Forgetful>("{}").unwrap().dropout, 0.5);
        let unknown = parse::<Forgetful>(r#"{"dropuot": 0.1}"#).unwrap_err();
        assert_eq!(unknown.config_path.as_deref(), Some("dropuot"));
        let mistyped = parse::<Forgetful>(r#"{"dropout": "high"}"#).unwrap_err();
        assert_eq!(mistyped.config_path.as_deref(), Some("dropout"));
        assert!(parse::<NoParams>(r#"{"any": 1}"#).is_err());
        assert!(parse::<NoParams>("[]").is_err());
    }
}

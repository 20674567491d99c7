//! Good losses with parameters that an author may get wrong.

use std::collections::BTreeMap;

use plugin_api::params::Parameters;
use plugin_api::prelude::*;
use serde_json::Value;
use tch::Tensor;

use crate::losses::cross_entropy;

/// What a constructor does with its parameters.
pub trait Check: Parameters + 'static {
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// The loss for parameters `P`.
pub struct With<P>(std::marker::PhantomData<fn() -> P>);

impl<P: Check> Loss for With<P> {
    type Params = P;

    fn new(params: P, _: &Context) -> Result<Self> {
        params.check()?;
        Ok(Self(std::marker::PhantomData))
    }

    fn forward(&self, scores: &Tensor, labels: &Tensor) -> Result<Tensor> {
        cross_entropy(scores, labels)
    }
}

pub type GoodParameters = With<Good>;
pub type DefaultOutsideItsRange = With<Outside>;
pub type RefusesItsDefault = With<Refused>;
pub type PanicsOnText = With<Picky>;
pub type PanicsWithoutParameter = With<Needy>;
pub type TakesAnything = With<Anything>;
pub type PanicsOutsideItsRange = With<Asserted>;
pub type PanicsOnOddNumbers = With<Odd>;

plugin_api::params! {
    pub struct Good {
        /// A number with a range.
        #[schemars(range(min = 1, max = 64))]
        width: i64 = 8,
        /// A share.
        #[schemars(range(min = 0.0, max = 1.0))]
        share: f64 = 0.5,
        /// A list.
        #[schemars(length(min = 1), inner(range(min = 1)))]
        k: Vec<usize> = vec![1],
    }
}

impl Check for Good {}

plugin_api::params! {
    pub struct Outside {
        /// Its default is below its range.
        #[schemars(range(min = 1))]
        width: i64 = 0,
    }
}

impl Check for Outside {}

/// Left out it is 8.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(crate = "plugin_api::prelude::schemars", transparent)]
pub struct Written(Option<i64>);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: plugin_api::prelude::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(|width| Self(Some(width)))
    }
}

impl Serialize for Written {
    fn serialize<S: plugin_api::prelude::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.unwrap_or(8).serialize(serializer)
    }
}

plugin_api::params! {
    pub struct Refused {
        /// Its default is refused where it is written out.
        width: Written = Written(None),
    }
}

impl Check for Refused {
    fn check(&self) -> Result<()> {
        match self.width.0 {
            Some(8) => Err(PluginError::invalid_parameter("width", "8 is the default; leave it out")),
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(crate = "plugin_api::prelude::serde", transparent)]
#[schemars(crate = "plugin_api::prelude::schemars")]
pub struct Number(i64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: plugin_api::prelude::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(value.as_i64().expect("a number")))
    }
}

plugin_api::params! {
    pub struct Picky {
        /// A number, or else.
        width: Number = Number(8),
    }
}

impl Check for Picky {}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(crate = "plugin_api::prelude::serde")]
#[schemars(crate = "plugin_api::prelude::schemars")]
pub struct Needy {
    /// Its author thinks that it is always there.
    width: i64,
}

impl<'de> Deserialize<'de> for Needy {
    fn deserialize<D: plugin_api::prelude::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let width = value.get("width").expect("no width was given").as_i64();
        Ok(Self { width: width.ok_or_else(|| plugin_api::prelude::serde::de::Error::custom("width is no number"))? })
    }
}

impl Check for Needy {}

pub type Anything = BTreeMap<String, Value>;

impl Check for Anything {}

plugin_api::params! {
    pub struct Asserted {
        /// Checked with an assertion.
        #[schemars(range(min = 1))]
        width: i64 = 8,
    }
}

impl Check for Asserted {
    fn check(&self) -> Result<()> {
        assert!(self.width >= 1, "width must be at least 1");
        Ok(())
    }
}

plugin_api::params! {
    pub struct Odd {
        /// Half of it is used.
        #[schemars(range(min = 2))]
        width: i64 = 8,
    }
}

impl Check for Odd {
    fn check(&self) -> Result<()> {
        assert!(self.width < 2 || self.width % 2 == 0, "width must be even");
        Ok(())
    }
}

//! The arguments of a call, by position and by name.

use super::{evaluate, Evaluated, Number, Wrong};
use crate::config::errors::Fault;
use crate::config::node::Value;
use crate::config::origin::Origin;
use crate::config::overrides::{write, Call, Element};

pub(super) struct Arguments {
    positional: Vec<Evaluated>,
    named: Vec<(String, Evaluated)>,
}

impl Arguments {
    pub fn evaluate(call: &Call, place: &Origin) -> Result<Self, Fault> {
        let (mut positional, mut named) = (Vec::new(), Vec::new());
        for (label, element) in &call.arguments {
            let value = evaluate(element, place)?;
            match label {
                Some(label) => named.push((label.clone(), value)),
                None if named.is_empty() => positional.push(value),
                None => {
                    let what = format!("`{}`: an argument without a name follows one with a name", call.name);
                    return Err(Fault::new(what)
                        .at(&place.at_column(call.column).characters(call.length))
                        .cure("put the named arguments last"));
                }
            }
        }
        Ok(Self { positional, named })
    }

    pub fn take_named(&mut self, name: &str) -> Option<Evaluated> {
        let index = self.named.iter().position(|(known, _)| known == name)?;
        Some(self.named.remove(index).1)
    }

    /// Of a function of any number of arguments whose named ones were taken.
    pub fn all_positional(self) -> Result<Vec<Evaluated>, Wrong> {
        match self.named.into_iter().next() {
            None => Ok(self.positional),
            Some((name, _)) => Err(Wrong::new(format!("it has no argument `{name}`"))),
        }
    }

    /// Of a function whose arguments all have names, in their order.
    pub fn named<const N: usize>(self, names: [&str; N]) -> Result<[Option<Evaluated>; N], Wrong> {
        if self.positional.len() > N {
            return Err(Wrong::new(format!("it takes at most {N} arguments, here are {}", self.positional.len())));
        }
        let mut values: [Option<Evaluated>; N] = std::array::from_fn(|_| None);
        for (place, value) in values.iter_mut().zip(self.positional) {
            *place = Some(value);
        }
        for (name, value) in self.named {
            let place = names.iter().position(|known| *known == name);
            let Some(place) = place.map(|index| &mut values[index]) else {
                let choices = names.iter().map(|name| (*name).to_owned()).collect();
                let what = format!("it has no argument `{name}`");
                return Err(Wrong { what, choices: Some(("arguments", name, choices)) });
            };
            if place.is_some() {
                return Err(Wrong::new(format!("`{name}` is given twice")));
            }
            *place = Some(value);
        }
        Ok(values)
    }
}

/// Values that are no sweeps.
pub(super) fn elements(values: Vec<Evaluated>) -> Result<Vec<Element>, Wrong> {
    let element = |value| match value {
        Evaluated::One(element) => Ok(element),
        Evaluated::Sweep(_) => Err(Wrong::new("a sweep cannot stand among other values")),
    };
    values.into_iter().map(element).collect()
}

pub(super) fn number(name: &str, value: Option<Evaluated>) -> Result<Option<Number>, Wrong> {
    let Some(value) = value else { return Ok(None) };
    let found = match &value {
        Evaluated::One(Element::Scalar(value)) => Number::of(value),
        Evaluated::One(_) | Evaluated::Sweep(_) => None,
    };
    let number = found.ok_or_else(|| Wrong::new(format!("`{name}` must be a number, this is {}", shown(&value))))?;
    if number.as_f64().is_finite() {
        Ok(Some(number))
    } else {
        Err(Wrong::new(format!("`{name}` must be finite, this is {}", shown(&value))))
    }
}

/// One text or a list of them.
pub(super) fn texts(name: &str, value: Option<Evaluated>) -> Result<Vec<String>, Wrong> {
    let wrong =
        |value: &Evaluated| Wrong::new(format!("`{name}` must be text or a list of texts, this is {}", shown(value)));
    match value {
        None => Ok(Vec::new()),
        Some(Evaluated::One(Element::Scalar(Value::String(text)))) => Ok(vec![text]),
        Some(Evaluated::One(Element::List(items))) => {
            let text = |item: &Element| match item {
                Element::Scalar(Value::String(text)) => Ok(text.clone()),
                other => Err(wrong(&Evaluated::One(other.clone()))),
            };
            items.iter().map(text).collect()
        }
        Some(other) => Err(wrong(&other)),
    }
}

pub(super) fn truth(name: &str, value: Option<Evaluated>) -> Result<bool, Wrong> {
    match value {
        None => Ok(false),
        Some(Evaluated::One(Element::Scalar(Value::Bool(value)))) => Ok(value),
        Some(other) => Err(Wrong::new(format!("`{name}` must be true or false, this is {}", shown(&other)))),
    }
}

pub(super) fn shown(value: &Evaluated) -> String {
    match value {
        Evaluated::One(element) => format!("`{}`", write::text(element)),
        Evaluated::Sweep(_) => "a sweep".to_owned(),
    }
}

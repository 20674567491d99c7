//! One defaults list, read into typed entries.
//!
//! Leaves out: what the entries lead to (`expand`).

use crate::config::errors::Fault;
use crate::config::node::{Node, Value};
use crate::config::origin::Origin;

/// What a group is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// `group: null`: nothing.
    Nothing,
    /// `group: ???`: to be given on the command line.
    Missing,
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// `_self_`: here stands the content of the file with the list.
    OwnContent,
    /// `- path/name`: one file.
    Config { path: String },
    /// `- group: option`.
    Group { group: String, choice: Choice, is_override: bool },
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub kind: Kind,
    /// What follows `@`.
    pub package: Option<String>,
    pub optional: bool,
    /// True if `+group=option` on the command line appended it.
    pub appended: bool,
    pub origin: Origin,
}

const FORMS: &str = "write `- group: option`, `- group: null`, `- optional group: option`, `- override group: option`, `- name` or `- _self_`";

pub(super) fn read_list(node: &Node) -> Result<Vec<Entry>, Vec<Fault>> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        Value::Null => &[],
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::Map(_) => {
            let what = format!("`defaults` must be a list, this is {}", node.value.kind());
            return Err(vec![Fault::new(what).at(&node.origin).cure(FORMS)]);
        }
    };
    let mut faults = Vec::new();
    let entries: Vec<Entry> =
        items.iter().filter_map(|item| read_entry(item).map_err(|fault| faults.push(fault)).ok()).collect();
    let mut own = entries.iter().filter(|entry| matches!(entry.kind, Kind::OwnContent));
    if let (Some(first), Some(second)) = (own.next(), own.next()) {
        let fault = Fault::new("`_self_` stands twice in one defaults list")
            .at(&second.origin)
            .related("first here", &first.origin);
        faults.push(fault.cure("keep the one whose place is right: later entries win over earlier ones"));
    }
    if faults.is_empty() {
        Ok(entries)
    } else {
        Err(faults)
    }
}

fn read_entry(item: &Node) -> Result<Entry, Fault> {
    match &item.value {
        Value::String(text) => read_name(text, &item.origin),
        Value::Map(map) => {
            let mut pairs = map.iter();
            match (pairs.next(), pairs.next()) {
                (Some((key, value)), None) => read_group(key, value),
                (Some(_), Some((key, second))) => {
                    Err(Fault::new(format!("an entry of a defaults list names one group, `{key}` is a second one"))
                        .at(&second.origin)
                        .cure("start a line of its own with `- ` for each group"))
                }
                (None, _) => Err(Fault::new("an entry of a defaults list is empty").at(&item.origin).cure(FORMS)),
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) => {
            Err(Fault::new(format!("an entry of a defaults list cannot be {}", item.value.kind()))
                .at(&item.origin)
                .cure(FORMS))
        }
    }
}

fn read_name(text: &str, origin: &Origin) -> Result<Entry, Fault> {
    let (words, optional, is_override) = keywords(text, origin)?;
    if is_override {
        return Err(Fault::new("`override` needs a group and an option")
            .at(origin)
            .cure("write `- override group: option`"));
    }
    let (path, package) = split_package(words);
    if path == "_self_" && package.is_some() {
        return Err(Fault::new("`_self_` takes no package")
            .at(origin)
            .cure("write `- _self_`, and `# @package NAME` at the top of the file"));
    }
    if path.is_empty() {
        return Err(Fault::new("an entry of a defaults list is empty").at(origin).cure(FORMS));
    }
    let kind = if path == "_self_" { Kind::OwnContent } else { Kind::Config { path: path.to_owned() } };
    Ok(Entry { kind, package, optional, appended: false, origin: origin.clone() })
}

fn read_group(key: &str, value: &Node) -> Result<Entry, Fault> {
    let (words, optional, is_override) = keywords(key, &value.origin)?;
    let (group, package) = split_package(words);
    if group.is_empty() {
        return Err(Fault::new("an entry of a defaults list names no group").at(&value.origin).cure(FORMS));
    }
    let kind = Kind::Group { group: group.to_owned(), choice: read_choice(value)?, is_override };
    Ok(Entry { kind, package, optional, appended: false, origin: value.origin.clone() })
}

fn read_choice(value: &Node) -> Result<Choice, Fault> {
    match &value.value {
        Value::Null => Ok(Choice::Nothing),
        Value::String(text) if text == "???" => Ok(Choice::Missing),
        Value::String(text) => Ok(Choice::One(text.clone())),
        Value::List(items) => {
            let names = items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(|| not_an_option(item)));
            Ok(Choice::Many(names.collect::<Result<_, _>>()?))
        }
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Map(_) => Err(not_an_option(value)),
    }
}

fn not_an_option(value: &Node) -> Fault {
    Fault::new(format!("an option is the name of a file in the group's folder, this is {}", value.value.kind()))
        .at(&value.origin)
        .cure("put the name in quotes if it looks like a number or a boolean")
}

/// Takes `optional` and `override` off the front.
fn keywords<'a>(text: &'a str, origin: &Origin) -> Result<(&'a str, bool, bool), Fault> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let last = words.pop().unwrap_or("");
    let (mut optional, mut is_override) = (false, false);
    for word in words {
        match word {
            "optional" => optional = true,
            "override" => is_override = true,
            other => {
                let known = vec!["optional".to_owned(), "override".to_owned()];
                return Err(Fault::new(format!("`{other}` cannot stand before a group"))
                    .at(origin)
                    .choices("words that can", other, known)
                    .cure(FORMS));
            }
        }
    }
    Ok((last, optional, is_override))
}

fn split_package(text: &str) -> (&str, Option<String>) {
    match text.split_once('@') {
        Some((name, package)) => (name, Some(package.to_owned())),
        None => (text, None),
    }
}

//! Which option each group gets: the command line wins, then `override` entries, the first seen from the top.
//!
//! Also keeps the books that show an override that nothing used. Leaves out: reading the chosen files (`expand`).

use std::collections::HashMap;

use super::entry::{Choice, Entry, Kind};
use super::files::ConfigFiles;
use super::placement::Placed;
use crate::config::errors::Fault;
use crate::config::node::{Node, Value};
use crate::config::origin::Origin;
use crate::config::overrides::{Operation, Override};

#[derive(Debug)]
struct Chosen {
    choice: Choice,
    origin: Origin,
    /// The text after `+` that would append the group, for a choice of the command line.
    from_command_line: Option<String>,
    used: bool,
}

#[derive(Debug)]
struct Deletion {
    option: Option<String>,
    origin: Origin,
    used: bool,
}

/// The choices of groups, and what was found while they were used.
#[derive(Debug, Default)]
pub(super) struct Choices {
    chosen: Vec<(String, Chosen)>,
    deleted: Vec<(String, Deletion)>,
    pub appended: Vec<Entry>,
    /// The option that each group got, and where it was asked for.
    known: HashMap<String, (String, Origin)>,
}

impl Choices {
    /// Takes the choices of groups out of the overrides; the others are returned.
    pub fn from_overrides(overrides: Vec<Override>, files: &ConfigFiles) -> (Self, Vec<Override>, Vec<Fault>) {
        let (mut choices, mut rest, mut faults) = (Self::default(), Vec::new(), Vec::new());
        for item in overrides {
            if !files.has_group(&item.key) {
                rest.push(item);
                continue;
            }
            match item.node() {
                Err(fault) => faults.push(fault),
                // A mapping is a value for the section of the group's name.
                Ok(Node { value: Value::Map(_), .. }) => rest.push(item),
                Ok(node) => faults.extend(choices.take(&item, &node).err()),
            }
        }
        (choices, rest, faults)
    }

    fn take(&mut self, item: &Override, node: &Node) -> Result<(), Fault> {
        let choice = option_of(item, node)?;
        let (key, origin) = (item.group_key(), item.origin());
        match item.operation {
            Operation::Change => {
                let from_command_line = Some(item.unprefixed().to_owned());
                self.chosen.retain(|(known, _)| *known != key);
                self.chosen.push((key, Chosen { choice, origin, from_command_line, used: false }));
            }
            Operation::Add => {
                let kind = Kind::Group { group: item.key.clone(), choice, is_override: false };
                let package = item.package.clone();
                self.appended.push(Entry { kind, package, optional: false, appended: true, origin });
            }
            Operation::ForceAdd => {
                return Err(Fault::new(format!("`{}` is a config group, and `++` is for values", item.key))
                    .at(&origin)
                    .cure(format!("to choose write `{0}`, to append `+{0}`", item.unprefixed())));
            }
            Operation::Delete => {
                let option = node.as_str().map(str::to_owned);
                self.deleted.push((key, Deletion { option, origin, used: false }));
            }
        }
        Ok(())
    }

    /// `- override group: option` of a list; what was chosen before stays.
    pub fn add_override(&mut self, placed: &Placed, choice: &Choice) {
        let key = placed.override_key();
        if !self.chosen.iter().any(|(known, _)| *known == key) {
            let origin = placed.entry.origin.clone();
            self.chosen.push((key, Chosen { choice: choice.clone(), origin, from_command_line: None, used: false }));
        }
    }

    /// Sets an entry of a group to what was chosen for it.
    pub fn apply_to(&mut self, placed: &mut Placed) {
        let key = placed.override_key();
        if let Kind::Group { choice, .. } = &mut placed.entry.kind {
            if let Some((_, chosen)) = self.chosen.iter_mut().find(|(known, _)| *known == key) {
                chosen.used = true;
                *choice = chosen.choice.clone();
                // A fault in the option is a fault of whoever chose it.
                placed.entry.origin = chosen.origin.clone();
            }
        }
    }

    /// True if the command line deletes this group.
    pub fn deletes(&mut self, placed: &Placed) -> bool {
        if !matches!(placed.entry.kind, Kind::Group { .. }) {
            return false;
        }
        let key = placed.override_key();
        let matching = self.deleted.iter_mut().find(|(known, deletion)| {
            *known == key && deletion.option.as_deref().is_none_or(|option| placed.name() == Some(option))
        });
        matching.map(|(_, deletion)| deletion.used = true).is_some()
    }

    /// Notes the option of a group; a second one for the same group is a fault.
    pub fn note(&mut self, placed: &Placed) -> Result<(), Fault> {
        let Kind::Group { .. } = &placed.entry.kind else {
            return Ok(());
        };
        let (key, name) = (placed.override_key(), placed.name().unwrap_or("null").to_owned());
        match self.known.get(&key) {
            None => {
                self.known.insert(key, (name, placed.entry.origin.clone()));
                Ok(())
            }
            Some((first, origin)) => Err(Fault::new(format!("the group `{key}` is chosen twice: `{first}` and `{name}`"))
                .at(&placed.entry.origin)
                .related(format!("`{first}` is chosen here"), origin)
                .cure(format!("to change the option write `{key}={name}` on the command line, or `- override {key}: {name}` in a defaults list"))),
        }
    }

    /// The option of a group, for interpolation in options.
    pub fn option_named(&self, key: &str) -> Option<&str> {
        self.known.get(key).map(|(name, _)| name.as_str())
    }

    /// The groups and their options, in alphabetical order.
    pub fn into_known(self) -> Vec<(String, String)> {
        let mut known: Vec<(String, String)> = self.known.into_iter().map(|(key, (option, _))| (key, option)).collect();
        known.sort();
        known
    }

    /// Choices and deletions that met no entry of any defaults list.
    pub fn unused(&self) -> Vec<Fault> {
        let mut groups: Vec<String> = self.known.keys().cloned().collect();
        groups.sort();
        let describe = |key: &str, origin: &Origin| {
            Fault::new(format!("no defaults list has the group `{key}`")).at(origin).choices(
                "groups in use",
                key,
                groups.clone(),
            )
        };
        let chosen = self.chosen.iter().filter(|(_, chosen)| !chosen.used).map(|(key, chosen)| {
            let fault = describe(key, &chosen.origin);
            match &chosen.from_command_line {
                Some(text) => fault.cure(format!("to append the group write `+{text}`")),
                None => fault.cure(format!("write `- {key}: OPTION` without `override`, or correct the name")),
            }
        });
        let deleted = self.deleted.iter().filter(|(_, deletion)| !deletion.used).map(|(key, deletion)| {
            match (self.option_named(key), &deletion.option) {
                (Some(option), Some(other)) => {
                    Fault::new(format!("the group `{key}` is set to `{option}`, not to `{other}`, so it stays"))
                        .at(&deletion.origin)
                        .cure(format!("to delete it whatever it is set to write `~{key}`"))
                }
                (Some(_) | None, _) => {
                    describe(key, &deletion.origin).cure("correct the name, or remove this override")
                }
            }
        });
        chosen.chain(deleted).collect()
    }
}

fn option_of(item: &Override, node: &Node) -> Result<Choice, Fault> {
    let refused = || {
        Fault::new(format!("`{}` is a config group: its option is a name, not {}", item.key, node.value.kind()))
            .at(&item.value_origin())
            .cure(format!(
                "write `{0}=NAME`, `{0}=[NAME,NAME]` or `{0}=null`; for a value in the section write `{0}.key=value`",
                item.key
            ))
    };
    match &node.value {
        Value::Null => Ok(Choice::Nothing),
        Value::String(text) if text == "???" => Ok(Choice::Missing),
        Value::String(text) => Ok(Choice::One(text.clone())),
        Value::List(items) => {
            let names = items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(refused));
            Ok(Choice::Many(names.collect::<Result<_, _>>()?))
        }
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Map(_) => Err(refused()),
    }
}

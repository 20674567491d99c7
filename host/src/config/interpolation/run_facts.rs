//! What `${run:...}` knows: the facts that Hydra keeps in `${hydra:runtime...}` and `${hydra:job...}`.

use std::path::PathBuf;

use crate::config::errors::Fault;
use crate::config::node::{Node, Value};
use crate::config::origin::Origin;

/// What is known of a run before it begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunFacts {
    /// `cwd`: the working folder.
    pub cwd: PathBuf,
    /// `config_dir`: the folder of the config groups.
    pub config_dir: PathBuf,
    /// `config_name`: the config without `.yaml`.
    pub config_name: String,
    /// `overrides`: a list; `override_dirname`: sorted, with commas between.
    pub overrides: Vec<String>,
    /// `job_num`: the number of this job in a sweep, from 0; 0 for a single run.
    pub job_num: usize,
    /// `choices.GROUP`: the option of a group.
    pub choices: Vec<(String, String)>,
}

/// The facts' names.
pub(super) const NAMES: [&str; 8] =
    ["cwd", "config_dir", "config_name", "overrides", "override_dirname", "job_num", "choices.GROUP", "version"];

impl RunFacts {
    pub(super) fn value_of(&self, name: &str) -> Result<Value, Fault> {
        let text = |text: &str| Ok(Value::String(text.to_owned()));
        match name {
            "cwd" => text(&self.cwd.to_string_lossy()),
            "config_dir" => text(&self.cwd.join(&self.config_dir).to_string_lossy()),
            "config_name" => text(&self.config_name),
            "overrides" => Ok(Value::List(self.overrides.iter().map(|item| override_node(item)).collect())),
            "override_dirname" => {
                let mut sorted = self.overrides.clone();
                sorted.sort();
                text(&sorted.join(","))
            }
            "job_num" => Ok(Value::Int(self.job_num as i128)),
            "version" => text(env!("CARGO_PKG_VERSION")),
            other => match other.strip_prefix("choices.") {
                Some(group) => self.choice(group),
                None => Err(unknown(other)),
            },
        }
    }

    fn choice(&self, group: &str) -> Result<Value, Fault> {
        match self.choices.iter().find(|(known, _)| known == group) {
            Some((_, option)) if option == "null" => Ok(Value::Null),
            Some((_, option)) => Ok(Value::String(option.clone())),
            None => {
                let mut groups: Vec<String> = self.choices.iter().map(|(group, _)| group.clone()).collect();
                groups.sort();
                Err(Fault::new(format!("no defaults list has the group `{group}`")).choices(
                    "groups in use",
                    group,
                    groups,
                ))
            }
        }
    }
}

fn unknown(name: &str) -> Fault {
    let names = NAMES.iter().map(|name| (*name).to_owned()).collect();
    Fault::new(format!("`run` knows no `{name}`")).choices("facts", name, names)
}

fn override_node(text: &str) -> Node {
    Node::new(Value::String(text.to_owned()), Origin::of_override(&text.into(), 1))
}

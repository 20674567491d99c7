//! The keys that a plain `key=value` may add, although no file lists them.
//!
//! Hydra asks for `+key=value` there. Two kinds of keys are known without being listed:
//! 1. below `params` of a section that exists, for a plugin has defaults for its parameters, knows all their names, and
//!    refuses any other name itself;
//! 2. the host's own optional keys, which it checks itself.

use crate::config::key_path::KeyPath;
use crate::config::node::Node;

/// Keys that the host knows and that have a default.
const OPTIONAL_KEYS: [&str; 9] =
    ["seed", "device", "threads", "run_dir", "plugin_path", "model.init_from", "sweep_dir", "repeat", "jobs"];

pub(super) fn plain_override_may_add(root: &Node, path: &KeyPath) -> bool {
    let section_is_mapping = |name: &str| root.child(name).is_some_and(|section| section.as_map().is_some());
    match path.parts() {
        [section, params, _, ..] if params == "params" => section_is_mapping(section),
        [section, _] if OPTIONAL_KEYS.contains(&path.to_string().as_str()) => section_is_mapping(section),
        [_] => OPTIONAL_KEYS.contains(&path.to_string().as_str()),
        _ => false,
    }
}

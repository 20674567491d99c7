//! Combines trees: mappings key by key, anything else by replacing it; `???` never replaces a value.
//!
//! Leaves out: which trees are combined in which order (`defaults`).

use super::errors::Fault;
use super::interpolation::parse::whole_reference;
use super::key_path::KeyPath;
use super::node::{Map, Node, Value};
use super::origin::Origin;

/// Merges the content of one config file into the tree, below its package.
pub(crate) fn merge_at(root: &mut Node, package: &str, content: Node) -> Result<(), Fault> {
    let path = KeyPath::parse(package);
    let origin = content.origin.clone();
    let wrapped = path.parts().iter().rev().fold(content, |inner, key| {
        let mut map = Map::default();
        map.insert(key, inner);
        Node::new(Value::Map(map), origin.clone())
    });
    let before = root.clone();
    merge(root, wrapped, &before)
}

/// Merges `new` into `old`. Where `old` is `${a.b}` and that is a mapping, `new` is merged into a copy of it, as
/// OmegaConf does; `root` is the tree in which `a.b` is looked up.
fn merge(old: &mut Node, new: Node, root: &Node) -> Result<(), Fault> {
    if new.is_missing() {
        return Ok(());
    }
    if let (Some(reference), Value::Map(_)) = (old.as_str().and_then(whole_reference), &new.value) {
        if let Some(target) = root.get(&reference).filter(|target| target.as_map().is_some()) {
            old.value = target.value.clone();
        }
    }
    match (&mut old.value, new.value) {
        (Value::Map(present), Value::Map(added)) => {
            for (key, node) in added {
                match present.get_mut(&key) {
                    Some(child) => merge(child, node, root)?,
                    None => present.push(key, node),
                }
            }
        }
        (Value::Map(_), Value::List(_)) => return Err(mismatch("mapping", "list", &old.origin, &new.origin)),
        (Value::List(_), Value::Map(_)) => return Err(mismatch("list", "mapping", &old.origin, &new.origin)),
        (_, value) => *old = Node::new(value, new.origin),
    }
    Ok(())
}

/// What an override does to the node that it names: mappings are merged, anything else is replaced.
pub(crate) fn assign(old: &mut Node, new: Node) -> Result<(), Fault> {
    if new.is_missing() {
        *old = new;
        return Ok(());
    }
    let nowhere = Node::new(Value::Null, new.origin.clone());
    merge(old, new, &nowhere)
}

fn mismatch(old_kind: &str, new_kind: &str, old: &Origin, new: &Origin) -> Fault {
    Fault::new(format!("a {new_kind} cannot be merged into a {old_kind}"))
        .at(new)
        .related(format!("the {old_kind} stands here"), old)
        .cure("give both the same shape")
}

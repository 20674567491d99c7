//! [`Profile`]: the part `profile` of `result.json`, and the same as a table for people.

use std::collections::BTreeMap;

use comfy_table::CellAlignment;
use serde::Serialize;

use super::recording::{Node, Recording};
use super::trace;
use crate::terminal::table;

#[derive(Debug, Serialize)]
pub struct Profile {
    /// By name, wherever a span of the name stands. `self_s` of all phases add up to the time that was spent in any.
    pub phases: BTreeMap<&'static str, Sums>,
    /// By nesting.
    pub tree: Vec<Phase>,
    pub trace: Trace,
}

/// Seconds of wall time; where several threads work at once, the sum of theirs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Sums {
    pub calls: u64,
    pub total_s: f64,
    /// Without the spans inside.
    pub self_s: f64,
}

/// The spans of one name inside the same spans.
#[derive(Debug, Serialize)]
pub struct Phase {
    pub name: &'static str,
    /// Whose spans they are; `host` are the host's own.
    pub library: &'static str,
    #[serde(flatten)]
    pub sums: Sums,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<Phase>,
}

#[derive(Debug, Serialize)]
pub struct Trace {
    pub file: &'static str,
    pub events: usize,
    /// The spans that are in the sums but not in the file, which is full.
    pub left_out: u64,
}

impl Profile {
    pub fn of(recording: &Recording) -> Self {
        let trace = Trace { file: trace::FILE, events: recording.events.len(), left_out: recording.n_left_out };
        Self { phases: by_name(&recording.nodes), tree: inside(&recording.nodes, None), trace }
    }
}

fn sums(node: &Node) -> Sums {
    Sums { calls: node.n_calls, total_s: node.total as f64 / 1e9, self_s: node.own as f64 / 1e9 }
}

fn by_name(nodes: &[Node]) -> BTreeMap<&'static str, Sums> {
    let mut phases = BTreeMap::<_, Sums>::new();
    for node in nodes.iter().filter(|node| node.n_calls > 0) {
        let phase = phases.entry(node.name).or_default();
        let more = sums(node);
        phase.calls += more.calls;
        phase.self_s += more.self_s;
        // A span inside one of its own name is in that one's total.
        if !ancestors(nodes, node).any(|ancestor| ancestor.name == node.name) {
            phase.total_s += more.total_s;
        }
    }
    phases
}

fn ancestors<'a>(nodes: &'a [Node], node: &Node) -> impl Iterator<Item = &'a Node> {
    let parent = |node: &Node| nodes.get(node.parent? as usize);
    std::iter::successors(parent(node), move |node| parent(node))
}

fn inside(nodes: &[Node], parent: Option<u32>) -> Vec<Phase> {
    let children = nodes.iter().enumerate().filter(|(_, node)| node.parent == parent);
    let phase = |(number, node): (usize, &Node)| Phase {
        name: node.name,
        library: node.library,
        sums: sums(node),
        inside: inside(nodes, Some(number as u32)),
    };
    // One that is still under way stands here for what ended inside.
    children.map(phase).filter(|phase| phase.sums.calls > 0 || !phase.inside.is_empty()).collect()
}

/// The tree as a table; `elapsed` nanoseconds are the whole.
pub fn table(profile: &Profile, elapsed: u64) -> String {
    let mut grid = table::table(&["phase", "calls", "total s", "self s", "ms a call", "share"]);
    fill(&mut grid, &profile.tree, 0, elapsed as f64 / 1e9);
    for column in grid.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let full = match profile.trace.left_out {
        0 => String::new(),
        left_out => format!("\n{} is full: {left_out} spans are in these sums only", trace::FILE),
    };
    format!("{grid}{full}")
}

fn fill(grid: &mut comfy_table::Table, phases: &[Phase], depth: usize, elapsed: f64) {
    for Phase { name, sums, inside, .. } in phases {
        grid.add_row([
            format!("{}{name}", "  ".repeat(depth)),
            sums.calls.to_string(),
            format!("{:.3}", sums.total_s),
            format!("{:.3}", sums.self_s),
            format!("{:.3}", 1e3 * sums.total_s / sums.calls.max(1) as f64),
            format!("{:.1} %", 100.0 * sums.total_s / elapsed),
        ]);
        fill(grid, inside, depth + 1, elapsed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_of_one_name_add_up_and_recursion_counts_once() {
        let mut recording = Recording::default();
        let mut node = |parent, name, n_calls, total, own| {
            let number = recording.node(parent, "gat", name);
            let node = &mut recording.nodes[number as usize];
            (node.n_calls, node.total, node.own) = (n_calls, total, own);
            Some(number)
        };
        let outer = node(None, "merge", 1, 10_000_000_000, 4_000_000_000);
        let inner = node(outer, "merge", 2, 6_000_000_000, 5_000_000_000);
        node(inner, "sort", 1, 1_000_000_000, 1_000_000_000);
        node(None, "sort", 3, 2_000_000_000, 2_000_000_000);
        node(None, "under way", 0, 0, 0);
        let endless = node(None, "endless", 0, 0, 0);
        node(endless, "sort", 1, 500_000_000, 500_000_000);
        let profile = Profile::of(&recording);
        let sums = |calls, total_s, self_s| Sums { calls, total_s, self_s };
        let expected = [("merge", sums(3, 10.0, 9.0)), ("sort", sums(5, 3.5, 3.5))];
        assert_eq!(profile.phases.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(profile.tree[0].inside[0].inside[0].name, "sort");
        assert_eq!(profile.tree[2].name, "endless");
        let text = table(&Profile::of(&recording), 20_000_000_000);
        assert!(text.contains("    sort") && text.contains("50.0 %") && !text.contains("under way"), "{text}");
    }
}

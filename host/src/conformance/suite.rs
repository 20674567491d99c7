//! THE TABLE: every test with what it asks, of which kinds of component, and the function that asks it.

use std::path::Path;

use plugin_api::ComponentKind;
use ComponentKind::{DataLoader, Evaluator, Loss, Model, Trainer};

use super::subject::Subject;
use super::verdict::Checked;
use super::{data_loader, evaluator, footprint, library, loss, model, parameters, trainer};

/// A test of the suite.
pub struct Test {
    /// As in `--test NAME` and in reports.
    pub name: &'static str,
    pub asks: &'static str,
    pub scope: Scope,
    /// How often a fault is looked at before it counts, each time in a child of its own: more where a busy machine may interfere.
    pub tries: usize,
}

/// What is tested, and how.
pub enum Scope {
    /// The library as a file or when it is opened.
    Library(fn(&Path) -> Checked),
    /// A constructor of one of these kinds.
    Constructor(&'static [ComponentKind], fn(&Subject) -> Checked),
    /// A constructor of any kind, judged from outside by what its children do; the function makes them do something.
    Outside(Watched, fn(&Subject) -> Checked),
}

/// What the parent looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    StandardOutput,
    Files,
    End,
}

const ALL_KINDS: &[ComponentKind] = &ComponentKind::ALL;

const fn of_library(name: &'static str, asks: &'static str, run: fn(&Path) -> Checked) -> Test {
    Test { name, asks, scope: Scope::Library(run), tries: 3 }
}

const fn of(
    kinds: &'static [ComponentKind],
    name: &'static str,
    asks: &'static str,
    run: fn(&Subject) -> Checked,
) -> Test {
    Test { name, asks, scope: Scope::Constructor(kinds, run), tries: 1 }
}

const fn timed(
    kinds: &'static [ComponentKind],
    name: &'static str,
    asks: &'static str,
    run: fn(&Subject) -> Checked,
) -> Test {
    Test { tries: 3, ..of(kinds, name, asks, run) }
}

const fn outside(watched: Watched, name: &'static str, asks: &'static str) -> Test {
    Test { name, asks, scope: Scope::Outside(watched, footprint::use_it), tries: 1 }
}

/// In the order in which they are run and told. A name may stand several times, for different kinds.
pub const TESTS: &[Test] = &[
    of_library(
        "note",
        "the identity note is there, well formed, and of a library that this host may open",
        library::note,
    ),
    of_library("open", "it opens in under 200 ms and starts no thread", library::open),
    of_library(
        "describe",
        "it describes the constructors that its note lists, each with documentation",
        library::describe,
    ),
    of(ALL_KINDS, "schema", "the schema of the parameters is valid, and the defaults fit it", parameters::schema),
    of(ALL_KINDS, "defaults", "the defaults are accepted, left out and written out", parameters::defaults),
    of(ALL_KINDS, "garbage", "parameters of wrong types and text that is no JSON are errors", parameters::garbage),
    of(ALL_KINDS, "missing", "a required parameter that is missing is an error", parameters::missing),
    of(ALL_KINDS, "unknown", "a parameter that does not exist is an error", parameters::unknown),
    of(ALL_KINDS, "range", "values outside the declared ranges are no panic", parameters::range),
    of(ALL_KINDS, "fuzz", "random parameters within the schema give a working component or an error", parameters::fuzz),
    timed(
        ALL_KINDS,
        "cycles",
        "100 times made and destroyed, it keeps no memory, descriptor or thread",
        footprint::cycles,
    ),
    of(ALL_KINDS, "global-seed", "libtorch's global generator is not seeded", footprint::global_seed),
    of(ALL_KINDS, "thread-counts", "libtorch's thread counts are left alone", footprint::thread_counts),
    of(ALL_KINDS, "default-dtype", "libtorch's default type is left alone", footprint::default_dtype),
    outside(Watched::StandardOutput, "stdout", "nothing is written to standard output"),
    outside(Watched::Files, "files", "no file is left outside the data and run directories"),
    outside(Watched::End, "exit", "the process ends well afterwards"),
    of(&[Model], "shapes", "embeddings are f32, a row a node, for node types of any name and number", model::shapes),
    of(&[Model], "no-edges", "a graph without edges", model::no_edges),
    of(&[Model], "one-node", "a graph of one node a type", model::one_node),
    of(&[Model], "isolated-nodes", "nodes without edges", model::isolated_nodes),
    of(&[Model], "duplicate-edges", "edges that occur several times", model::duplicate_edges),
    of(&[Model], "finite", "values and gradients are finite, also for large features", model::finite),
    of(&[Model], "gradients", "every trainable parameter gets a gradient", model::gradients),
    of(&[Model], "learns", "the loss falls on a checkerboard, and its withheld diagonal ranks first", model::learns),
    of(&[Model], "same-seed", "the same seed gives the same weights, before and after training", model::same_seed),
    of(
        &[Model],
        "weights",
        "weights saved and loaded give the same embeddings bit for bit; names are stable",
        model::weights,
    ),
    of(&[Model], "eval-mode", "embeddings in eval mode are the same every time", model::eval_mode),
    of(&[Loss], "shapes", "the loss is a scalar f32", loss::shapes),
    of(
        &[Loss],
        "empty-batch",
        "no edges, no positives or no negatives give an error or a finite loss",
        loss::empty_batch,
    ),
    of(&[Loss], "finite", "loss and gradient are finite, also for large scores", loss::finite),
    of(&[Loss], "gradients", "the scores get a gradient", loss::gradients),
    of(&[Loss], "forward-edges", "`forward_edges` agrees with `forward`, in value and gradient", loss::forward_edges),
    of(
        &[Loss],
        "learns",
        "a model trained with it learns a checkerboard: its withheld diagonal ranks first",
        loss::learns,
    ),
    of(&[Loss], "same-seed", "the same scores give the same loss", loss::same_seed),
    of(&[Evaluator], "metrics", "metrics are finite, and those of known names in their range", evaluator::metrics),
    of(&[Evaluator], "ordering", "a perfect ranking has better metrics than a reversed one", evaluator::ordering),
    of(&[Evaluator], "ties", "equal scores give finite metrics, and an AUC of 0.5", evaluator::ties),
    of(&[Evaluator], "no-held-out", "users without held-out items, and no labels at all", evaluator::no_held_out),
    of(&[Evaluator], "known-edges", "known edges are left out of the ranking", evaluator::known_edges),
    of(&[Evaluator], "same-seed", "the same embeddings give the same metrics", evaluator::same_seed),
    of(
        &[Trainer],
        "learns",
        "a reference model learns a checkerboard: its withheld diagonal ranks first",
        trainer::learns,
    ),
    of(&[Trainer], "report", "the report and the reported epochs agree, and losses are finite", trainer::report),
    of(
        &[Trainer],
        "passes-graph",
        "the model is given edges if and only if the trainer says so",
        trainer::passes_graph,
    ),
    of(
        &[Trainer],
        "failing-parts",
        "an error of a part and a loss that is not finite end in an error",
        trainer::failing_parts,
    ),
    timed(&[Trainer], "cancel", "a request to stop is honoured within 1 s or one step", trainer::cancel),
    of(&[Trainer], "same-seed", "the same seed gives the same weights", trainer::same_seed),
    of(
        &[DataLoader],
        "splits",
        "splits are disjoint, leak nothing, and have the reverse edges along",
        data_loader::splits,
    ),
    of(&[DataLoader], "negatives", "negatives are as many as positives, and no edges", data_loader::negatives),
    of(
        &[DataLoader],
        "whole-graph",
        "the whole graph has the nodes and all the edges of the splits",
        data_loader::whole_graph,
    ),
    of(&[DataLoader], "catalog", "raw ids and titles are as many as nodes, and ids unique", data_loader::catalog),
    timed(&[DataLoader], "cancel", "a request to stop is honoured within 1 s", data_loader::cancel),
    of(
        &[DataLoader],
        "same-seed",
        "the same seed gives the same splits, also from a cache and by force",
        data_loader::same_seed,
    ),
];

impl Test {
    pub fn applies_to(&self, kind: Option<ComponentKind>) -> bool {
        match (&self.scope, kind) {
            (Scope::Library(_), None) | (Scope::Outside(..), Some(_)) => true,
            (Scope::Constructor(kinds, _), Some(kind)) => kinds.contains(&kind),
            (Scope::Library(_), Some(_)) | (Scope::Constructor(..) | Scope::Outside(..), None) => false,
        }
    }

    pub fn watched(&self) -> Option<Watched> {
        match self.scope {
            Scope::Outside(watched, _) => Some(watched),
            Scope::Library(_) | Scope::Constructor(..) => None,
        }
    }
}

/// The test of this name for a constructor of this kind, or for the library.
pub fn find(name: &str, kind: Option<ComponentKind>) -> Option<&'static Test> {
    TESTS.iter().find(|test| test.name == name && test.applies_to(kind))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_kind_has_no_two_tests_of_one_name() {
        for kind in ComponentKind::ALL.into_iter().map(Some).chain([None]) {
            let names: Vec<_> = TESTS.iter().filter(|test| test.applies_to(kind)).map(|test| test.name).collect();
            assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len(), "{names:?}");
            assert!(names.iter().all(|name| find(name, kind).is_some()));
        }
    }
}

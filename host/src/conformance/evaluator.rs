//! Tests of evaluators.

use plugin_api::evaluator::{Evaluation, Metrics, Scope};
use plugin_api::PluginError;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

use super::board::{self, Sketch, N};
use super::subject::Subject;
use super::verdict::{ensure, fail, skip, Checked, During};

const OPTIONS: (Kind, Device) = (Kind::Float, Device::Cpu);
const SCOPES: [Scope; 2] = [Scope::LabelledEdges, Scope::FullRanking];

/// Metrics between 0 and 1, of which more is better; the part of the name before `@`.
const KNOWN: [&str; 10] = ["auc", "ap", "hit", "hit_rate", "map", "mrr", "ndcg", "precision", "recall", "f1"];
/// Of those, the ones that are 1 where each user has one held-out item and it ranks first.
const FIRST: [&str; 6] = ["hit", "hit_rate", "map", "mrr", "ndcg", "recall"];

fn is_one_of(names: &[&str], metric: &str) -> bool {
    names.contains(&metric.split('@').next().unwrap_or(metric))
}

/// Embeddings and labelled edges on the checkerboard.
struct Case {
    source: Tensor,
    destination: Tensor,
    edge_label_index: Tensor,
    edge_label: Tensor,
    known_edges: Tensor,
}

impl Case {
    /// The diagonal is held out; embeddings `[N, width]`.
    fn new(source: Tensor, destination: Tensor) -> Result<Self, PluginError> {
        let negatives: Vec<_> = (0..N).map(|user| (user, (user + 1) % N)).collect();
        Self::with_labels(source, destination, &board::withheld(), &negatives)
    }

    fn with_labels(
        source: Tensor,
        destination: Tensor,
        positives: &[board::Pair],
        negatives: &[board::Pair],
    ) -> Result<Self, PluginError> {
        let labels = [vec![1_f32; positives.len()], vec![0.0; negatives.len()]].concat();
        Ok(Self {
            source,
            destination,
            edge_label_index: board::pairs(&[positives, negatives].concat())?,
            edge_label: Tensor::f_from_slice(&labels)?,
            known_edges: board::pairs(&Sketch::checkerboard().edges)?,
        })
    }

    /// No ranking that means anything.
    fn arbitrary() -> Result<Self, PluginError> {
        let [source, destination] = [0.0, 1.0].map(|phase| -> Result<Tensor, PluginError> {
            let counter = Tensor::f_arange(N * 5, OPTIONS)?;
            Ok((counter * 12.9898 + phase).f_sin()?.f_view([N, 5])?)
        });
        Self::new(source?, destination?)
    }

    /// With 1 every liked item scores 1 and every other one -1, with -1 the other way round, with 0 all alike.
    fn coloured(factor: f64) -> Result<Self, PluginError> {
        let odd = Tensor::f_arange(N, OPTIONS)?.f_remainder(2.0)?; // [N]
        let signs = odd.f_mul_scalar(-2.0)?.f_add_scalar(1.0)?.f_unsqueeze(1)?; // [N, 1]
        Self::new(&signs * factor, signs)
    }

    fn evaluation(&self, scope: Scope) -> Evaluation<'_> {
        Evaluation {
            source: &self.source,
            destination: &self.destination,
            edge_label_index: &self.edge_label_index,
            edge_label: &self.edge_label,
            known_edges: &self.known_edges,
            scope,
        }
    }

    /// Metrics, all of them finite.
    fn metrics(&self, subject: &Subject, scope: Scope) -> Checked<Metrics> {
        let metrics = subject.evaluator()?.evaluate(&self.evaluation(scope)).during(&format!("{scope:?}"))?;
        match metrics.iter().find(|(_, value)| !value.is_finite()) {
            None => Ok(metrics),
            Some((name, value)) => {
                fail(format!("{scope:?}: `{name}` is {value}; an undefined metric must be left out"))
            }
        }
    }
}

/// # Errors
/// Those of the evaluator.
pub fn use_with(subject: &Subject, params: &Value) -> Result<(), PluginError> {
    let (evaluator, case) = (subject.evaluator_with(params)?, Case::arbitrary()?);
    SCOPES.into_iter().try_for_each(|scope| evaluator.evaluate(&case.evaluation(scope)).map(drop))
}

pub fn metrics(subject: &Subject) -> Checked {
    let case = Case::arbitrary()?;
    for scope in SCOPES {
        let metrics = case.metrics(subject, scope)?;
        let outside = metrics.iter().find(|(name, value)| is_one_of(&KNOWN, name) && !(0.0..=1.0).contains(*value));
        if let Some((name, value)) = outside {
            return fail(format!("{scope:?}: `{name}` is {value}, outside 0 to 1"));
        }
        ensure(scope == Scope::LabelledEdges || !metrics.is_empty(), || "it gives no metrics at all".into())?;
    }
    Ok(())
}

pub fn ordering(subject: &Subject) -> Checked {
    let perfect = Case::coloured(1.0)?.metrics(subject, Scope::FullRanking)?;
    let reversed = Case::coloured(-1.0)?.metrics(subject, Scope::FullRanking)?;
    let known = perfect.iter().filter(|(name, _)| is_one_of(&KNOWN, name));
    let both: Vec<_> = known.filter_map(|(name, value)| Some((name, *value, *reversed.get(name)?))).collect();
    if both.is_empty() {
        return skip("no metric has a name that the suite knows");
    }
    if let Some((name, perfect, reversed)) = both.iter().find(|(_, perfect, reversed)| perfect < reversed) {
        return fail(format!("`{name}` of a perfect ranking is {perfect}, of a reversed one {reversed}"));
    }
    let better = both.iter().any(|(_, perfect, reversed)| perfect > reversed);
    ensure(better, || "no metric is better for a perfect ranking than for a reversed one".into())
}

pub fn ties(subject: &Subject) -> Checked {
    let case = Case::coloured(0.0)?;
    for scope in SCOPES {
        let auc = case.metrics(subject, scope)?.get("auc").copied().unwrap_or(0.5);
        ensure((auc - 0.5).abs() < 1e-6, || format!("{scope:?}: `auc` of equal scores is {auc}, not 0.5"))?;
    }
    Ok(())
}

pub fn no_held_out(subject: &Subject) -> Checked {
    let some: Vec<_> = board::withheld().into_iter().filter(|(user, _)| user % 3 == 0).collect();
    let others: Vec<_> = some.iter().map(|(user, item)| (*user, (item + 1) % N)).collect();
    let none: &[board::Pair] = &[];
    let cases: [(&[board::Pair], &[board::Pair], &str); 4] = [
        (&some, &others, "two thirds of the users have none"),
        (none, &others, "no positives"),
        (&some, none, "no negatives"),
        (none, none, "no labels"),
    ];
    for (positives, negatives, what) in cases {
        let Case { source, destination, .. } = Case::arbitrary()?;
        let case = Case::with_labels(source, destination, positives, negatives)?;
        for scope in SCOPES {
            case.metrics(subject, scope).during(what)?;
        }
    }
    Ok(())
}

/// Every known item scores more than the held-out one, which scores more than the rest.
pub fn known_edges(subject: &Subject) -> Checked {
    let mut scores = vec![-1_f32; (N * N) as usize];
    let mut set = |(user, item): board::Pair, score| scores[(item * N + user) as usize] = score;
    Sketch::checkerboard().edges.into_iter().for_each(|pair| set(pair, 2.0));
    board::withheld().into_iter().for_each(|pair| set(pair, 1.0));
    let destination = Tensor::f_from_slice(&scores)?.f_view([N, N])?; // [N, N]
    let case = Case::new(Tensor::f_eye(N, OPTIONS)?, destination)?;
    let metrics = case.metrics(subject, Scope::FullRanking)?;
    let ranked: Vec<_> = metrics.iter().filter(|(name, _)| name.contains('@') && is_one_of(&FIRST, name)).collect();
    if ranked.is_empty() {
        return skip("it reports no ranking metric whose name the suite knows");
    }
    match ranked.into_iter().find(|(_, value)| (*value - 1.0).abs() > 1e-6) {
        None => Ok(()),
        Some((name, value)) => fail(format!("`{name}` is {value}, not 1: items that the user knows are ranked too")),
    }
}

pub fn same_seed(subject: &Subject) -> Checked {
    let case = Case::arbitrary()?;
    for scope in SCOPES {
        let (first, second) = (case.metrics(subject, scope)?, case.metrics(subject, scope)?);
        ensure(first == second, || format!("{scope:?}: first {first:?}, then {second:?}"))?;
    }
    Ok(())
}

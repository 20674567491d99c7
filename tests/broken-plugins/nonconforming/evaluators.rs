//! AUC and hit rate, and what an author may get wrong about them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use plugin_api::prelude::*;
use tch::Tensor;

/// The length of the lists.
const K: usize = 3;

type Pairs = BTreeSet<(i64, i64)>;

/// What one evaluator does differently.
pub trait Quirk: Send + 'static {
    const MASKS_KNOWN: bool = true;

    /// Given the scores of all pairs and the number of users with held-out items.
    fn spoil(_: &mut Metrics, _scores: &Tensor, _n_users: usize) {}
}

pub struct Ranking<Q>(std::marker::PhantomData<fn() -> Q>);

impl<Q: Quirk> Evaluator for Ranking<Q> {
    type Params = NoParams;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Ok(Self(std::marker::PhantomData))
    }

    fn evaluate(&self, evaluation: &Evaluation, _: &Context) -> Result<Metrics> {
        let scores = evaluation.source.f_matmul(&evaluation.destination.f_transpose(0, 1)?)?; // [n_users, n_items]
        let n_items = scores.size()[1];
        let flat = Vec::<f32>::try_from(scores.f_contiguous()?.f_view([-1])?)?;
        let score = |(user, item): (i64, i64)| flat[(user * n_items + item) as usize];
        let labels = Vec::<f32>::try_from(evaluation.edge_label)?;
        let edges = pairs(evaluation.edge_label_index)?;
        let labelled = |wanted: f32| edges.iter().zip(&labels).filter(move |(_, label)| **label == wanted);
        let (positives, negatives): (Vec<_>, Vec<_>) =
            (labelled(1.0).map(|(edge, _)| *edge).collect(), labelled(0.0).map(|(edge, _)| *edge).collect());
        let mut metrics = Metrics::new();
        if !positives.is_empty() && !negatives.is_empty() {
            let ordered = |left: f32, right: f32| f64::from(left > right) + 0.5 * f64::from(left == right);
            let sum: f64 = positives
                .iter()
                .flat_map(|left| negatives.iter().map(|right| ordered(score(*left), score(*right))))
                .sum();
            metrics.insert("auc".into(), sum / (positives.len() * negatives.len()) as f64);
        }
        let users: BTreeSet<i64> = positives.iter().map(|(user, _)| *user).collect();
        if evaluation.scope == Scope::FullRanking && !users.is_empty() {
            let known: Pairs = pairs(evaluation.known_edges)?.into_iter().filter(|_| Q::MASKS_KNOWN).collect();
            let hits = users.iter().filter(|user| {
                let mut items: Vec<i64> = (0..n_items).filter(|item| !known.contains(&(**user, *item))).collect();
                items.sort_by(|left, right| score((**user, *right)).total_cmp(&score((**user, *left))));
                items.iter().take(K).any(|item| positives.contains(&(**user, *item)))
            });
            metrics.insert(format!("hit@{K}"), hits.count() as f64 / users.len() as f64);
        }
        Q::spoil(&mut metrics, &scores, users.len());
        Ok(metrics)
    }
}

fn pairs(edge_index: &Tensor) -> Result<Vec<(i64, i64)>> {
    let row = |row| -> Result<Vec<i64>> { Ok(Vec::try_from(edge_index.f_get(row)?.f_contiguous()?)?) };
    Ok(row(0)?.into_iter().zip(row(1)?).collect())
}

/// Declares an evaluator by what it does to good metrics.
macro_rules! evaluator {
    ($name:ident, $quirk:ident, $spoil:expr) => {
        pub struct $quirk;
        pub type $name = Ranking<$quirk>;

        impl Quirk for $quirk {
            fn spoil(metrics: &mut Metrics, scores: &Tensor, n_users: usize) {
                let spoil: fn(&mut Metrics, &Tensor, usize) = $spoil;
                spoil(metrics, scores, n_users);
            }
        }
    };
}

evaluator!(GoodEvaluator, NoQuirk, |_, _, _| {});
evaluator!(MoreThanOne, More, |metrics, _, _| _ = metrics.insert("precision@3".into(), 1.5));
evaluator!(UpsideDown, Reversed, |metrics, _, _| {
    metrics.entry("auc".into()).and_modify(|value| *value = 1.0 - *value);
});
evaluator!(DividesByDeviation, Deviation, |metrics, scores, _| {
    let deviation = scores.std(true).double_value(&[]);
    metrics.values_mut().for_each(|value| *value += 0.0 / deviation);
});
evaluator!(DividesByUsers, Users, |metrics, _, n_users| {
    metrics.insert("coverage".into(), n_users as f64 * (n_users as f64).recip());
});
evaluator!(CountsEvaluations, Count, |metrics, _, _| {
    static COUNTER: AtomicI64 = AtomicI64::new(0);
    metrics.insert("calls".into(), COUNTER.fetch_add(1, Ordering::Relaxed) as f64);
});

pub struct Unmasked;
pub type RanksKnownItems = Ranking<Unmasked>;

impl Quirk for Unmasked {
    const MASKS_KNOWN: bool = false;
}

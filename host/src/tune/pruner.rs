//! [`Pruner`]: whether a running trial is worth going on with.
//!
//! Pure, on learning curves: the metric by epoch, lower is better. Leaves out: ending the trial, which `jobs` does.

use serde::{Deserialize, Serialize};

/// The reports of a trial, by rising epoch.
pub type Curve = [(u64, f64)];

/// Another trial of the study.
#[derive(Debug, Clone, Copy)]
pub struct Other<'a> {
    pub curve: &'a Curve,
    /// It ran to its end: neither pruned nor failed nor under way.
    pub is_complete: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pruner {
    None,
    /// A trial ends whose best report so far is worse than the median of the complete trials' reports at that epoch (Golovin et al.,
    /// 2017, as Optuna does it).
    Median {
        /// Complete trials before the first one is pruned.
        n_startup_trials: usize,
        /// Epochs of every trial before it is judged.
        n_warmup_steps: u64,
        /// Epochs between two judgements.
        interval_steps: u64,
    },
    /// Asynchronous successive halving (Li et al., 2018): at `min_resource * reduction_factor^(k + min_early_stopping_rate)` epochs a
    /// trial goes on if its report is among the best `1 / reduction_factor` of all trials' that came so far.
    SuccessiveHalving {
        min_resource: u64,
        reduction_factor: u64,
        min_early_stopping_rate: u32,
    },
}

impl Pruner {
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Median { .. } => "median",
            Self::SuccessiveHalving { .. } => "successive_halving",
        }
    }

    /// Whether the trial ends after the last report of `curve`.
    pub fn prunes(&self, curve: &Curve, others: &[Other<'_>]) -> bool {
        let Some((&(epoch, value), earlier)) = curve.split_last() else { return false };
        let former = earlier.last().map_or(0, |(epoch, _)| *epoch);
        match *self {
            Self::None => false,
            Self::Median { n_startup_trials, n_warmup_steps, interval_steps } => {
                let judged =
                    epoch > n_warmup_steps && is_first_of_interval(epoch, former, n_warmup_steps, interval_steps);
                let complete: Vec<_> = others.iter().filter(|other| other.is_complete).collect();
                judged && complete.len() >= n_startup_trials.max(1) && {
                    let there: Vec<f64> =
                        complete.iter().filter_map(|other| report_until(other.curve, epoch)).collect();
                    // Not-a-number is worse than anything.
                    median(there).is_some_and(|median| best(curve).is_nan() || best(curve) > median)
                }
            }
            Self::SuccessiveHalving { min_resource, reduction_factor, min_early_stopping_rate } => {
                let rungs = rungs(min_resource, reduction_factor, min_early_stopping_rate);
                // A report may pass several rungs at once; the highest one counts.
                let rung = rungs.take_while(|rung| *rung <= epoch).filter(|rung| *rung > former).last();
                rung.is_some_and(|rung| !is_promoted(value, others, rung, reduction_factor))
            }
        }
    }
}

/// The first report within its interval; the others are not judged.
fn is_first_of_interval(epoch: u64, former: u64, warmup: u64, interval: u64) -> bool {
    let interval = interval.max(1);
    let start = (epoch - warmup - 1) / interval * interval + warmup + 1;
    former < start
}

/// A trial that ended earlier, by its own patience, counts with what it had then.
fn report_until(curve: &Curve, epoch: u64) -> Option<f64> {
    curve
        .iter()
        .take_while(|(reported, _)| *reported <= epoch)
        .last()
        .map(|(_, value)| *value)
        .filter(|value| !value.is_nan())
}

/// NaN if there is nothing else.
fn best(curve: &Curve) -> f64 {
    curve.iter().map(|(_, value)| *value).fold(f64::NAN, f64::min)
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (n > 0).then(|| (values[(n - 1) / 2] + values[n / 2]) / 2.0)
}

fn rungs(min_resource: u64, reduction_factor: u64, rate: u32) -> impl Iterator<Item = u64> {
    let factor = reduction_factor.max(2);
    let first = factor.checked_pow(rate).and_then(|factor| factor.checked_mul(min_resource.max(1)));
    std::iter::successors(first, move |rung| rung.checked_mul(factor))
}

fn is_promoted(value: f64, others: &[Other<'_>], rung: u64, reduction_factor: u64) -> bool {
    let at_rung = |other: &Other<'_>| other.curve.iter().find(|(epoch, _)| *epoch >= rung).map(|(_, value)| *value);
    let mut values: Vec<f64> =
        others.iter().filter_map(at_rung).chain([value]).filter(|value| !value.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    // While there are fewer than reduction_factor, the best one goes on.
    let n_promoted = (values.len() / reduction_factor.max(2) as usize).max(1);
    values.get(n_promoted - 1).is_some_and(|last| value <= *last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MEDIAN: Pruner = Pruner::Median { n_startup_trials: 3, n_warmup_steps: 2, interval_steps: 2 };
    const HALVING: Pruner =
        Pruner::SuccessiveHalving { min_resource: 2, reduction_factor: 3, min_early_stopping_rate: 0 };

    fn flat(value: f64, epochs: u64) -> Vec<(u64, f64)> {
        (1..=epochs).map(|epoch| (epoch, value)).collect()
    }

    fn others(curves: &[Vec<(u64, f64)>]) -> Vec<Other<'_>> {
        curves.iter().map(|curve| Other { curve, is_complete: true }).collect()
    }

    /// The epoch at which a trial with this curve ends.
    fn pruned_at(pruner: &Pruner, curve: &Curve, others: &[Other<'_>]) -> Option<u64> {
        (1..=curve.len()).find(|n| pruner.prunes(&curve[..*n], others)).map(|n| curve[n - 1].0)
    }

    #[test]
    fn median_judges_after_the_warm_up_at_each_interval_and_by_complete_trials_only() {
        let curves = [flat(1.0, 9), flat(2.0, 9), flat(3.0, 9)];
        assert_eq!(pruned_at(&MEDIAN, &flat(2.5, 9), &others(&curves)), Some(3));
        assert_eq!(pruned_at(&MEDIAN, &flat(2.0, 9), &others(&curves)), None);
        assert_eq!(pruned_at(&MEDIAN, &flat(2.5, 9), &others(&curves[..2])), None);
        let mut running = others(&curves);
        running[0].is_complete = false;
        assert_eq!(pruned_at(&MEDIAN, &flat(2.5, 9), &running), None);
        // Its best so far counts, and epoch 4 is not judged: the interval is 2.
        let falling = [(1, 1.5), (2, 9.0), (3, 9.0), (4, 9.0), (5, 9.0)];
        assert_eq!(pruned_at(&MEDIAN, &falling, &others(&curves)), None);
        let better_others = [flat(2.0, 3), flat(2.0, 3), vec![(1, 2.0), (2, 2.0), (3, 2.0), (4, 0.0), (5, 0.0)]];
        assert_eq!(pruned_at(&MEDIAN, &[(3, 2.0), (4, 5.0), (5, 5.0)], &others(&better_others)), None);
    }

    #[test]
    fn median_judges_the_first_report_of_an_interval_where_reports_are_rare() {
        let every_ten = |value| (1..=5).map(|n| (n * 10, value)).collect::<Vec<_>>();
        let curves = [every_ten(1.0), every_ten(1.0), every_ten(1.0)];
        assert_eq!(pruned_at(&MEDIAN, &every_ten(2.0), &others(&curves)), Some(10));
        let not_a_number = [(3, f64::NAN)];
        assert!(MEDIAN.prunes(&not_a_number, &others(&curves.map(|_| flat(1.0, 3)))));
    }

    #[test]
    fn halving_lets_the_best_third_go_on_at_2_6_and_18() {
        let curves: Vec<_> = (0..8).map(|value| flat(f64::from(value), 30)).collect();
        // Nine with itself: three go on.
        assert_eq!(pruned_at(&HALVING, &flat(2.5, 30), &others(&curves)), Some(2));
        assert_eq!(pruned_at(&HALVING, &flat(1.5, 30), &others(&curves)), None);
        let later: Vec<_> = curves.iter().map(|curve| curve[..5].to_vec()).collect();
        assert_eq!(pruned_at(&HALVING, &flat(1.5, 30), &others(&later)), None);
        let rising = [(1, 0.0), (2, 0.0), (6, 9.0)];
        assert_eq!(pruned_at(&HALVING, &rising, &others(&curves)), Some(6));
        // The first one of all goes on; not-a-number never does.
        assert_eq!(pruned_at(&HALVING, &flat(9.0, 30), &[]), None);
        assert_eq!(pruned_at(&HALVING, &flat(f64::NAN, 30), &[]), Some(2));
    }

    proptest! {
        #[test]
        fn no_pruner_ends_a_trial_that_is_better_than_all_others_everywhere(
            values in proptest::collection::vec(0.0..1.0_f64, 1..20), epochs in 1..40_u64,
        ) {
            let curves: Vec<_> = values.iter().map(|value| flat(*value, epochs)).collect();
            for pruner in [MEDIAN, HALVING, Pruner::None] {
                prop_assert_eq!(pruned_at(&pruner, &flat(-1.0, epochs), &others(&curves)), None);
            }
        }

        #[test]
        fn a_worse_curve_never_outlives_a_better_one(
            values in proptest::collection::vec(0.0..1.0_f64, 1..20), value in 0.0..1.0_f64, worse in 0.0..1.0_f64,
        ) {
            let curves: Vec<_> = values.iter().map(|value| flat(*value, 20)).collect();
            for pruner in [MEDIAN, HALVING] {
                let ends = |value| pruned_at(&pruner, &flat(value, 20), &others(&curves)).unwrap_or(u64::MAX);
                prop_assert!(ends(value + worse) <= ends(value));
            }
        }
    }
}

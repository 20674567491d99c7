//! The tree-structured Parzen estimator (Bergstra et al., 2011) over the crate `tpe`, which knows one parameter at a time.
//!
//! Beyond the crate: logarithmic and stepped scales, the order of pruned and running trials, the size of the better part.

use ::tpe::density_estimation::DefaultEstimatorBuilder;
use ::tpe::TpeOptimizerBuilder;
use serde::{Deserialize, Serialize};

use super::super::space::{Domain, SearchSpace};
use super::{generator, random_point, random_value, Past, Standing};

/// The better part never holds more trials than this, as in Optuna.
const MOST_BETTER: usize = 25;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tpe {
    pub seed: u64,
    /// Random trials before the first estimate.
    pub n_startup_trials: usize,
    /// Candidates drawn from the better part's density, of which the one with the largest ratio of densities is taken.
    pub n_ei_candidates: usize,
    /// The part of the trials that counts as good.
    pub gamma: f64,
}

impl Default for Tpe {
    fn default() -> Self {
        Self { seed: 42, n_startup_trials: 10, n_ei_candidates: 24, gamma: 0.15 }
    }
}

impl Tpe {
    pub(super) fn propose(&self, space: &SearchSpace, history: &[Past], number: usize) -> Vec<f64> {
        let mut generator = generator(self.seed, number);
        let n_finished = history.iter().filter(|past| past.standing != Standing::Running).count();
        if n_finished < self.n_startup_trials.max(1) {
            return random_point(space, &mut generator);
        }
        let mut ranked: Vec<&Past> = history.iter().collect();
        ranked.sort_by(|one, other| {
            order(one.standing).partial_cmp(&order(other.standing)).unwrap_or(std::cmp::Ordering::Equal)
        });
        let n_better = ((self.gamma * n_finished as f64).ceil() as usize).clamp(1, MOST_BETTER);
        // Half a trial less, which the crate rounds up: no rounding error makes it one more.
        let part = (n_better as f64 - 0.5) / ranked.len() as f64;
        let of_one = |(index, domain): (usize, &Domain)| {
            let values = ranked.iter().map(|past| past.values[index]);
            match self.estimate(domain, values, part, &mut generator) {
                Some(value) => value,
                None => random_value(domain, &mut generator),
            }
        };
        space.0.iter().map(|parameter| &parameter.domain).enumerate().map(of_one).collect()
    }

    /// `values` from the best trial to the worst. Nothing where the domain has a single value.
    fn estimate(
        &self,
        domain: &Domain,
        values: impl Iterator<Item = f64>,
        part: f64,
        generator: &mut rand_chacha::ChaCha8Rng,
    ) -> Option<f64> {
        let estimator: DefaultEstimatorBuilder = match domain {
            Domain::Choice(_) => ::tpe::histogram_estimator(),
            Domain::Number { .. } => ::tpe::parzen_estimator(),
        };
        let (start, end) = domain.coordinates();
        let mut optimizer = TpeOptimizerBuilder::new()
            .gamma(part)
            .candidates(self.n_ei_candidates)
            .build(estimator, ::tpe::range(start, end).ok()?)
            .ok()?;
        for (rank, value) in values.enumerate() {
            // The end of a continuous range is a value, but the crate's ranges are half-open.
            let coordinate = domain.coordinate(value).clamp(start, end.next_down());
            optimizer.tell(coordinate, rank as f64).ok()?;
        }
        optimizer.ask(generator).ok().map(|coordinate| domain.value(coordinate))
    }
}

/// Best first: finished trials by value; then pruned ones, those that went further first; then running ones, which count as bad, so
/// that trials side by side do not all try the same (the constant liar).
fn order(standing: Standing) -> (u8, f64, f64) {
    match standing {
        Standing::Complete(value) => (0, value, 0.0),
        Standing::Pruned { epoch, value } => (1, -(epoch as f64), value),
        Standing::Running => (2, 0.0, 0.0),
    }
}

//! [`Sampler`]: which point of the space is tried next.
//!
//! Pure: the same history, seed and trial number give the same point, so that a resumed study goes on as an undisturbed one.
//! Leaves out: where the history is kept.

mod tpe;

use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::space::{Domain, SearchSpace};

pub use tpe::Tpe;

/// A trial as samplers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    pub values: Vec<f64>,
    pub standing: Standing,
}

/// What is known of a trial. Lower is better: the study turns the sign where the direction is `maximize`. Failed trials are left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    Complete(f64),
    Pruned { epoch: u64, value: f64 },
    Running,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    Tpe(Tpe),
    Random { seed: u64 },
    Grid,
}

impl Sampler {
    /// The point of trial `number`, counted from 0; nothing where a grid is at its end.
    pub fn propose(&self, space: &SearchSpace, history: &[Past], number: usize) -> Option<Vec<f64>> {
        match self {
            Self::Tpe(sampler) => Some(sampler.propose(space, history, number)),
            Self::Random { seed } => Some(random_point(space, &mut generator(*seed, number))),
            Self::Grid => space.grid_point(number),
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Tpe(_) => "tpe",
            Self::Random { .. } => "random",
            Self::Grid => "grid",
        }
    }
}

/// A stream of its own for every trial, so that no trial depends on how many numbers the others took.
fn generator(seed: u64, number: usize) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(number as u64);
    generator
}

fn random_point(space: &SearchSpace, generator: &mut ChaCha8Rng) -> Vec<f64> {
    space.0.iter().map(|parameter| random_value(&parameter.domain, generator)).collect()
}

fn random_value(domain: &Domain, generator: &mut ChaCha8Rng) -> f64 {
    let (start, end) = domain.coordinates();
    // 53 bits, as many as a float has: within [0, 1).
    let part = (generator.next_u64() >> 11) as f64 / 2_f64.powi(53);
    domain.value(start + part * (end - start))
}

#[cfg(test)]
mod tests {
    use super::super::space::Parameter;
    use super::*;

    fn space() -> SearchSpace {
        let number = |low, high, step, log| Domain::Number { low, high, step, log, integer: step == Some(1.0) };
        let options = Domain::Choice(["a", "b", "c"].map(str::to_owned).to_vec());
        let domains = [number(1e-5, 1e-1, None, true), number(1.0, 9.0, Some(1.0), false), options];
        let parameter = |(index, domain)| Parameter { key: format!("p{index}"), domain };
        SearchSpace(domains.into_iter().enumerate().map(parameter).collect())
    }

    /// Best near 1e-3, 4, option 1; every fifth trial is pruned.
    fn standing(values: &[f64], number: usize) -> Standing {
        let value = (values[0].log10() + 3.0).powi(2) + (values[1] - 4.0).powi(2) / 4.0 + (values[2] - 1.0).abs();
        if number % 5 == 4 {
            Standing::Pruned { epoch: number as u64, value }
        } else {
            Standing::Complete(value)
        }
    }

    fn study(sampler: &Sampler, mut history: Vec<Past>, n_trials: usize) -> Vec<Past> {
        for number in history.len()..n_trials {
            let values = sampler.propose(&space(), &history, number).unwrap();
            let standing = standing(&values, number);
            history.push(Past { values, standing });
        }
        history
    }

    #[test]
    fn a_study_stopped_at_any_trial_goes_on_as_if_it_had_not_been() {
        for sampler in [Sampler::Tpe(Tpe::default()), Sampler::Random { seed: 3 }] {
            let whole = study(&sampler, Vec::new(), 25);
            for stopped in 0..whole.len() {
                assert_eq!(study(&sampler, whole[..stopped].to_vec(), whole.len()), whole, "stopped at {stopped}");
            }
        }
    }

    #[test]
    fn seeds_give_different_points_within_the_space() {
        let of_seed = |seed| study(&Sampler::Random { seed }, Vec::new(), 200);
        assert_ne!(of_seed(1), of_seed(2));
        for past in of_seed(1) {
            assert!((1e-5..=1e-1).contains(&past.values[0]), "{past:?}");
            assert!((1.0..=9.0).contains(&past.values[1]) && past.values[1].fract() == 0.0, "{past:?}");
            assert!([0.0, 1.0, 2.0].contains(&past.values[2]), "{past:?}");
        }
        // Every value of a discrete parameter has its share: 200 draws from 9 values.
        for wanted in 1..=9 {
            let n = of_seed(1).iter().filter(|past| past.values[1] == f64::from(wanted)).count();
            assert!((8..=40).contains(&n), "{wanted}: {n}");
        }
    }

    #[test]
    fn tpe_finds_better_points_than_chance() {
        let best = |sampler: Sampler| {
            let value = |past: &Past| match past.standing {
                Standing::Complete(value) => value,
                Standing::Pruned { .. } | Standing::Running => f64::INFINITY,
            };
            study(&sampler, Vec::new(), 60).iter().map(value).fold(f64::INFINITY, f64::min)
        };
        let wins = (0..20).filter(|seed| {
            best(Sampler::Tpe(Tpe { seed: *seed, ..Tpe::default() })) < best(Sampler::Random { seed: *seed })
        });
        assert!(wins.count() >= 15);
    }
}

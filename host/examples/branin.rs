//! The sampler of `tune` on the Branin function, whose lowest value is 0.397887: a JSON list with the best of 60 trials of each seed.
//!
//!     cargo run -p host --example branin [FIRST_SEED END_SEED [N_TRIALS]]

use host::tune::sampler::{Past, Sampler, Standing, Tpe};
use host::tune::space::{Domain, Parameter, SearchSpace};

fn branin(x: f64, y: f64) -> f64 {
    let pi = std::f64::consts::PI;
    let curve = y - 5.1 / (4.0 * pi * pi) * x * x + 5.0 / pi * x - 6.0;
    curve.powi(2) + 10.0 * (1.0 - 1.0 / (8.0 * pi)) * x.cos() + 10.0
}

fn best(sampler: &Sampler, n_trials: usize) -> f64 {
    let axis = |key: &str, low, high| Parameter {
        key: key.to_owned(),
        domain: Domain::Number { low, high, step: None, log: false, integer: false },
    };
    let space = SearchSpace(vec![axis("x", -5.0, 10.0), axis("y", 0.0, 15.0)]);
    let mut history: Vec<Past> = Vec::new();
    let mut best = f64::INFINITY;
    for number in 0..n_trials {
        let Some(values) = sampler.propose(&space, &history, number) else { break };
        let value = branin(values[0], values[1]);
        best = best.min(value);
        history.push(Past { values, standing: Standing::Complete(value) });
    }
    best
}

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let number = |index: usize, default| numbers.get(index).copied().unwrap_or(default);
    let n_trials = number(2, 60) as usize;
    let of_seeds = |sampler: fn(u64) -> Sampler| -> Vec<f64> {
        (number(0, 0)..number(1, 20)).map(|seed| best(&sampler(seed), n_trials)).collect()
    };
    let tpe = of_seeds(|seed| Sampler::Tpe(Tpe { seed, ..Tpe::default() }));
    let random = of_seeds(|seed| Sampler::Random { seed });
    println!("{}", serde_json::json!({"tpe": tpe, "random": random}));
}

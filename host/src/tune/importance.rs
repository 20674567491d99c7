//! How much a parameter alone decides: the part of the values' variance that its bins explain.
//!
//! It is epsilon squared of a one-way analysis of variance (Kelley, 1935): `(SS_between - (k - 1) * MS_within) / SS_total`, with `k` bins,
//! which is zero on average where the parameter does nothing (the plain ratio would grow with the number of bins). It estimates the
//! first-order Sobol index, as the single-parameter part of fANOVA does (Hutter et al., 2014). Leaves out: interactions.

use super::space::Domain;

/// More bins would hold too few trials.
const MOST_BINS: usize = 4;

/// Within 0 and 1; nothing where there is too little to tell: fewer trials than four a bin on average, or all values alike.
pub fn of_parameter(domain: &Domain, points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len();
    let bins = bins(domain, points);
    let k = bins.len();
    let mean = points.iter().map(|(_, value)| value).sum::<f64>() / n.max(1) as f64;
    let total: f64 = points.iter().map(|(_, value)| (value - mean).powi(2)).sum();
    if n < 8 || n < 2 * k || total <= f64::EPSILON * mean.abs() {
        return None;
    }
    if k < 2 {
        return Some(0.0);
    }
    let between: f64 =
        bins.iter().map(|bin| bin.len() as f64 * (bin.iter().sum::<f64>() / bin.len() as f64 - mean).powi(2)).sum();
    let within = (total - between) / (n - k) as f64;
    Some(((between - (k - 1) as f64 * within) / total).clamp(0.0, 1.0))
}

/// The values by option, or by quarters of the parameter's order; equal parameters share a bin.
fn bins(domain: &Domain, points: &[(f64, f64)]) -> Vec<Vec<f64>> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut groups: Vec<(f64, Vec<f64>)> = Vec::new();
    for (parameter, value) in sorted {
        match groups.last_mut() {
            Some((last, group)) if *last == parameter => group.push(value),
            Some(_) | None => groups.push((parameter, vec![value])),
        }
    }
    let is_choice = matches!(domain, Domain::Choice(_));
    if is_choice || groups.len() <= MOST_BINS {
        return groups.into_iter().map(|(_, group)| group).collect();
    }
    let mut bins = vec![Vec::new(); MOST_BINS];
    let mut before = 0;
    for (_, group) in groups {
        // The bin of the group's middle.
        let bin = (2 * before + group.len()) * MOST_BINS / (2 * points.len());
        before += group.len();
        bins[bin.min(MOST_BINS - 1)].extend(group);
    }
    bins.retain(|bin| !bin.is_empty());
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Domain = Domain::Number { low: 0.0, high: 1.0, step: None, log: false, integer: false };

    /// Two parameters that vary independently.
    fn grid(value: impl Fn(f64, f64) -> f64) -> [Vec<(f64, f64)>; 2] {
        let at = |index: i32| f64::from(index) / 12.0;
        let pairs = || (0..12).flat_map(|x| (0..12).map(move |y| (x, y)));
        let of = |pick: fn(f64, f64) -> f64| {
            pairs().map(|(x, y)| (pick(at(x), at(y)), value(at(x), at(y)))).collect::<Vec<_>>()
        };
        [of(|x, _| x), of(|_, y| y)]
    }

    #[test]
    fn the_parameter_that_decides_is_important_and_the_other_is_not() {
        let [x, y] = grid(|x, y| 3.0 * x + 0.1 * y);
        let (of_x, of_y) = (of_parameter(&UNIT, &x).unwrap(), of_parameter(&UNIT, &y).unwrap());
        assert!(of_x > 0.85 && of_y < 0.02, "{of_x} {of_y}");
        // Not only trends: a valley, too.
        let [x, _] = grid(|x, _| (x - 0.5).powi(2));
        assert!(of_parameter(&UNIT, &x).unwrap() > 0.6);
        let [x, y] = grid(|x, y| x + y);
        assert!((of_parameter(&UNIT, &x).unwrap() - of_parameter(&UNIT, &y).unwrap()).abs() < 1e-9);
    }

    #[test]
    fn too_little_tells_nothing() {
        assert_eq!(of_parameter(&UNIT, &[]), None);
        assert_eq!(of_parameter(&UNIT, &[(0.0, 1.0), (1.0, 2.0)]), None);
        let alike: Vec<_> = (0..20).map(|index| (f64::from(index), 0.5)).collect();
        assert_eq!(of_parameter(&UNIT, &alike), None);
        let options = Domain::Choice(vec!["a".into()]);
        let one: Vec<_> = (0..20).map(|index| (0.0, f64::from(index))).collect();
        assert_eq!(of_parameter(&options, &one), Some(0.0));
    }
}

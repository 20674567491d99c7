//! Mean, standard deviation and the 95% interval of the mean, over the seeds of a repeated run.

/// Of some results of one configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    pub n: usize,
    pub mean: f64,
    /// Of the sample (n - 1); `None` for a single result.
    pub std: Option<f64>,
    /// The mean lies within `mean ± half_width` with 95% confidence, if results are normally distributed.
    pub half_width: Option<f64>,
}

impl Statistics {
    /// `None` of nothing.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
        let half_width = std.map(|std| t_975(n - 1) * std / (n as f64).sqrt());
        Some(Self { n, mean, std, half_width })
    }
}

/// The 97.5% quantile of Student's t.
fn t_975(degrees_of_freedom: usize) -> f64 {
    const EXACT: [f64; 10] = [
        12.706_204_736,
        4.302_652_730,
        3.182_446_305,
        2.776_445_105,
        2.570_581_836,
        2.446_911_851,
        2.364_624_252,
        2.306_004_135,
        2.262_157_163,
        2.228_138_852,
    ];
    match degrees_of_freedom {
        0 => f64::INFINITY,
        few @ 1..=10 => EXACT[few - 1],
        many => {
            // Cornish and Fisher's expansion around the normal quantile (Abramowitz and Stegun 26.7.5): to 1e-5 from 11 on.
            let (z, v) = (1.959_963_984_540_054_f64, many as f64);
            let first = (z.powi(3) + z) / 4.0;
            let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
            let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
            let fourth = 79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5) - 1920.0 * z.powi(3) - 945.0 * z;
            z + first / v + second / v.powi(2) + third / v.powi(3) + fourth / 92160.0 / v.powi(4)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.t.ppf(0.975, df)
    #[test]
    fn the_quantiles_are_students() {
        for (degrees_of_freedom, expected) in [
            (1, 12.706205),
            (4, 2.776445),
            (10, 2.228139),
            (11, 2.200985),
            (12, 2.178813),
            (20, 2.085963),
            (30, 2.042272),
            (100, 1.983972),
        ] {
            let found = t_975(degrees_of_freedom);
            assert!((found - expected).abs() < 1e-5, "{degrees_of_freedom}: {found}");
        }
    }

    #[test]
    fn a_sample_by_hand() {
        let five = Statistics::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!((five.n, five.mean), (5, 3.0));
        assert!((five.std.unwrap() - 2.5_f64.sqrt()).abs() < 1e-12);
        // 2.776445 * sqrt(2.5) / sqrt(5)
        assert!((five.half_width.unwrap() - 1.963243).abs() < 1e-6, "{five:?}");
        let one = Statistics::of(&[0.5]).unwrap();
        assert_eq!((one.mean, one.std, one.half_width), (0.5, None, None));
        assert_eq!(Statistics::of(&[]), None);
    }
}

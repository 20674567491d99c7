//! [`Frame`]: the axes of a chart, and from numbers to places in it.

use std::fmt::Write;

/// Small enough that texts stay readable where a phone shows the chart at its full width.
pub const WIDTH: f64 = 420.0;
pub const HEIGHT: f64 = 250.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 40.0;

/// The numbers along a side of a chart.
#[derive(Debug, Clone)]
pub struct Axis {
    low: f64,
    high: f64,
    is_log: bool,
    ticks: Vec<(f64, String)>,
    ends: (String, String),
    pub title: String,
}

impl Axis {
    /// From `low` to `high` and a little more, with round ticks.
    pub fn linear(title: &str, low: f64, high: f64) -> Self {
        let margin = if high > low { 0.04 * (high - low) } else { (0.1 * low.abs()).max(0.5) };
        let step = round_step((high - low).max(margin) / 5.0);
        let first = (low / step).ceil() as i64;
        let ticks =
            (first..first + 12).map(|index| index as f64 * step).take_while(|tick| *tick <= high + margin / 2.0);
        let digits = (-(step.log10() + 1e-9).floor()).clamp(0.0, 8.0) as usize;
        let ticks = ticks.map(|tick| (tick, format!("{tick:.digits$}"))).collect();
        let ends = (shortened(low), shortened(high));
        Self { low: low - margin, high: high + margin, is_log: false, ticks, ends, title: title.to_owned() }
    }

    /// Of powers of ten.
    pub fn log(title: &str, low: f64, high: f64) -> Self {
        let (first, last) = (low.log10(), high.log10());
        let margin = (0.04 * (last - first)).max(0.02);
        let n_decades = (last - first).max(1.0);
        let every = (n_decades / 4.0).ceil() as i64;
        let decades = (first.ceil() as i64..=last.floor() as i64).filter(|power| power % every == 0);
        let mut ticks: Vec<(f64, String)> =
            decades.map(|power| (power as f64, plain(10_f64.powi(power as i32)))).collect();
        if ticks.len() < 2 {
            ticks = [low, high].map(|value| (value.log10(), plain(value))).to_vec();
        }
        let ends = (plain(low), plain(high));
        Self { low: first - margin, high: last + margin, is_log: true, ticks, ends, title: title.to_owned() }
    }

    /// Of names, one after the other.
    pub fn of_names(title: &str, names: &[String]) -> Self {
        let short = |name: &String| {
            if name.chars().count() > 14 {
                format!("{}…", name.chars().take(13).collect::<String>())
            } else {
                name.clone()
            }
        };
        let ticks = names.iter().enumerate().map(|(index, name)| (index as f64, short(name))).collect();
        let end = |name: Option<&String>| name.map(short).unwrap_or_default();
        let ends = (end(names.first()), end(names.last()));
        Self { low: -0.5, high: names.len() as f64 - 0.5, is_log: false, ticks, ends, title: title.to_owned() }
    }

    /// Within 0 and 1.
    pub fn part(&self, value: f64) -> f64 {
        let value = if self.is_log { value.log10() } else { value };
        self.place(value)
    }

    fn place(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Its lowest and highest value, for an axis that has no room for ticks.
    pub fn ends(&self) -> (&str, &str) {
        (&self.ends.0, &self.ends.1)
    }
}

/// 1, 2 or 5 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let times = [1.0, 2.0, 5.0, 10.0].into_iter().find(|times| times * power >= step * 0.999);
    times.unwrap_or(10.0) * power
}

/// With four significant digits.
fn shortened(value: f64) -> String {
    plain(format!("{value:.3e}").parse().unwrap_or(value))
}

fn plain(value: f64) -> String {
    if value == 0.0 || (0.001..10_000.0).contains(&value.abs()) {
        format!("{value}")
    } else {
        format!("{value:e}")
    }
}

/// The field of a chart between its two axes.
pub struct Frame {
    pub x: Axis,
    pub y: Axis,
}

impl Frame {
    pub fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let across = LEFT + self.x.part(x) * (WIDTH - LEFT - RIGHT);
        (across, HEIGHT - BOTTOM - self.y.part(y) * (HEIGHT - TOP - BOTTOM))
    }

    /// The chart with what was drawn in it.
    pub fn svg(&self, label: &str, drawn: &str) -> String {
        let mut text = format!("<figure><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">\n");
        let (floor, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for (tick, name) in &self.y.ticks {
            let y = floor - self.y.place(*tick) * (floor - TOP);
            let _ = writeln!(text, "<path class=\"rule\" d=\"M{LEFT} {y:.1}H{right}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>", LEFT - 6.0, y + 4.0);
        }
        for (tick, name) in &self.x.ticks {
            let x = LEFT + self.x.place(*tick) * (right - LEFT);
            let _ = writeln!(text, "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>", floor + 16.0);
        }
        let _ = writeln!(text, "<path class=\"axis\" d=\"M{LEFT} {floor}H{right}\"/>");
        let _ = writeln!(
            text,
            "<text class=\"title\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            (LEFT + right) / 2.0,
            HEIGHT - 6.0,
            self.x.title
        );
        text.push_str(drawn);
        text.push_str("</svg></figure>\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Axis;

    #[test]
    fn ticks_are_round_and_within_the_axis() {
        let names = |axis: Axis| axis.ticks.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(" ");
        assert_eq!(names(Axis::linear("", 0.0, 1.0)), "0.0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(names(Axis::linear("", 0.17, 0.26)), "0.18 0.20 0.22 0.24 0.26");
        assert_eq!(names(Axis::linear("", 0.0, 29.0)), "0 10 20");
        assert_eq!(names(Axis::log("", 1e-5, 0.1)), "1e-5 1e-4 0.001 0.01 0.1");
        assert_eq!(names(Axis::log("", 0.002, 0.008)), "0.002 0.008");
        // One value alone.
        assert!(!Axis::linear("", 3.0, 3.0).ticks.is_empty());
    }
}

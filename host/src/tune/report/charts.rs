//! The charts of a report as SVG.

use std::fmt::Write;

use super::super::find::Study;
use super::super::settings::Direction;
use super::super::space::Domain;
use super::super::trial::{best, State, Trial};
use super::frame::{Axis, Frame, HEIGHT, WIDTH};
use super::{escaped, names, valued};

/// What stands in place of a chart without data.
const NOTHING: &str = "<p class=\"note\">No trial has a value yet.</p>\n";

fn direction(study: &Study) -> Direction {
    study.definition.method.direction
}

/// An axis that holds all these values.
fn axis(title: &str, values: impl Iterator<Item = f64>) -> Option<Axis> {
    let ends = values.filter(|value| value.is_finite()).fold(None, |ends: Option<(f64, f64)>, value| {
        Some(ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
    });
    ends.map(|(low, high)| Axis::linear(title, low, high))
}

fn metric(study: &Study) -> String {
    escaped(&study.definition.method.metric)
}

fn described(study: &Study, trial: &Trial) -> String {
    let space = study.definition.space.0.iter().zip(&trial.values).zip(names(study));
    let values: String = space
        .map(|((parameter, value), name)| format!("\n{name}={}", escaped(&parameter.domain.text(*value))))
        .collect();
    let value = trial.value.map_or_else(String::new, |value| format!(" {value:.4}"));
    format!("<title>trial {}, {}{value}{values}</title>", trial.number, trial.state.name())
}

fn dot(study: &Study, trial: &Trial, (x, y): (f64, f64), opacity: f64) -> String {
    let class = trial.state.name();
    format!(
        "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" opacity=\"{opacity:.2}\">{}</circle>\n",
        described(study, trial)
    )
}

fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    for (x, y) in points {
        let _ = write!(text, "{}{x:.1} {y:.1}", if text.is_empty() { "M" } else { "L" });
    }
    text
}

pub fn history(study: &Study) -> String {
    let valued = valued(study);
    let last = study.trials.len().saturating_sub(1) as f64;
    let Some(y) = axis("", valued.iter().map(|(_, value)| *value)) else { return NOTHING.into() };
    let frame = Frame { x: Axis::linear("trial", 0.0, last), y };
    let mut best: Option<f64> = None;
    let mut line = String::new();
    for (trial, value) in valued.iter().filter(|(trial, _)| trial.state == State::Complete) {
        let better = best.is_none_or(|best| direction(study).signed(*value) < direction(study).signed(best));
        if better {
            let (x, y) = frame.place(trial.number as f64, *value);
            let _ = if line.is_empty() { write!(line, "M{x:.1} {y:.1}") } else { write!(line, "H{x:.1}V{y:.1}") };
            best = Some(*value);
        }
    }
    if !line.is_empty() {
        let _ = write!(line, "H{:.1}", frame.place(last, 0.0).0);
    }
    let dots: String =
        valued.iter().map(|(trial, value)| dot(study, trial, frame.place(trial.number as f64, *value), 0.9)).collect();
    let legend =
        "<p class=\"legend\"><span class=\"complete\">complete</span><span class=\"pruned\">pruned</span></p>\n";
    format!(
        "{legend}{}",
        frame.svg(
            &format!("{} by trial", metric(study)),
            &format!("<path class=\"best-so-far\" d=\"{line}\"/>\n{dots}")
        )
    )
}

pub fn curves(study: &Study) -> String {
    let reports = || study.trials.iter().flat_map(|trial| &trial.curve);
    let (x, y) =
        (axis("epoch", reports().map(|(epoch, _)| *epoch as f64)), axis("", reports().map(|(_, value)| *value)));
    let (Some(x), Some(y)) = (x, y) else { return NOTHING.into() };
    let frame = Frame { x, y };
    let winner = best(&study.trials, direction(study)).map(|trial| trial.number);
    let mut shown: Vec<&Trial> = study.trials.iter().filter(|trial| !trial.curve.is_empty()).collect();
    shown.sort_by_key(|trial| (Some(trial.number) == winner, trial.state == State::Complete));
    let mut drawn = String::new();
    for trial in shown {
        let class = if Some(trial.number) == winner { "winner" } else { trial.state.name() };
        let mut reports = trial.curve.iter().filter(|(_, value)| value.is_finite());
        let line = path(reports.clone().map(|(epoch, value)| frame.place(*epoch as f64, *value)));
        let title = described(study, trial);
        let _ = writeln!(drawn, "<path class=\"curve {class}\" d=\"{line}\">{title}</path>");
        if let Some((epoch, value)) = reports.next_back().filter(|_| trial.state == State::Pruned) {
            let (x, y) = frame.place(*epoch as f64, *value);
            let _ = writeln!(drawn, "<circle class=\"pruned\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\">{title}</circle>");
        }
    }
    frame.svg(&format!("{} by epoch", metric(study)), &drawn)
}

fn domain_axis(title: &str, domain: &Domain) -> Axis {
    match domain {
        Domain::Choice(options) => {
            Axis::of_names(title, &options.iter().map(|option| escaped(option)).collect::<Vec<_>>())
        }
        Domain::Number { low, high, log: true, .. } => Axis::log(title, *low, *high),
        Domain::Number { low, high, log: false, .. } => Axis::linear(title, *low, *high),
    }
}

pub fn slice(study: &Study, index: usize, name: &str) -> String {
    let valued = valued(study);
    let domain = &study.definition.space.0[index].domain;
    let Some(y) = axis("", valued.iter().map(|(_, value)| *value)) else { return NOTHING.into() };
    let frame = Frame { x: domain_axis(name, domain), y };
    let is_choice = matches!(domain, Domain::Choice(_));
    let dots = valued.iter().map(|(trial, value)| {
        // Trials of one option side by side, so that none hides another.
        let aside = if is_choice { ((trial.number * 7) % 11) as f64 / 11.0 * 0.5 - 0.25 } else { 0.0 };
        let age = 0.3 + 0.7 * (trial.number + 1) as f64 / study.trials.len() as f64;
        dot(study, trial, frame.place(trial.values[index] + aside, *value), age)
    });
    frame.svg(&format!("{} by {name}", metric(study)), &dots.collect::<String>())
}

pub fn parallel(study: &Study) -> String {
    let valued = valued(study);
    let Some(last) = axis(&metric(study), valued.iter().map(|(_, value)| *value)) else { return NOTHING.into() };
    let space = study.definition.space.0.iter().zip(names(study));
    let axes: Vec<Axis> = space.map(|(parameter, name)| domain_axis(&name, &parameter.domain)).chain([last]).collect();
    let (top, floor) = (30.0, HEIGHT - 22.0);
    // Wide enough for the names; it scrolls where the page is narrow.
    let width = (96.0 * axes.len() as f64).max(WIDTH);
    let gap = (width - 90.0) / (axes.len() - 1).max(1) as f64;
    let x = |index: usize| 45.0 + index as f64 * gap;
    let mut drawn = String::new();
    for (index, axis) in axes.iter().enumerate() {
        let x = x(index);
        let (low, high) = axis.ends();
        let _ = writeln!(
            drawn,
            "<path class=\"axis\" d=\"M{x:.1} {top}V{floor}\"/><text class=\"title\" x=\"{x:.1}\" y=\"12\" text-anchor=\"middle\">{}</text>\
             <text x=\"{x:.1}\" y=\"25\" text-anchor=\"middle\">{high}</text><text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{low}</text>",
            axis.title,
            floor + 15.0
        );
    }
    let mut ranked = valued.clone();
    ranked.sort_by(|one, other| direction(study).signed(other.1).total_cmp(&direction(study).signed(one.1)));
    for (rank, (trial, value)) in ranked.iter().enumerate() {
        let values = trial.values.iter().chain([value]);
        let points =
            values.enumerate().map(|(index, value)| (x(index), floor - axes[index].part(*value) * (floor - top)));
        let strength = ((rank + 1) as f64 / ranked.len() as f64).powi(2).max(0.08);
        let class = if rank + 1 == ranked.len() { "winner" } else { "complete" };
        let _ = writeln!(
            drawn,
            "<path class=\"curve {class}\" opacity=\"{strength:.2}\" d=\"{}\">{}</path>",
            path(points),
            described(study, trial)
        );
    }
    let label = format!("all parameters and {}", metric(study));
    format!("<div class=\"scroll\"><figure style=\"min-width:{width}px\"><svg viewBox=\"0 0 {width} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">\n{drawn}</svg></figure></div>\n")
}

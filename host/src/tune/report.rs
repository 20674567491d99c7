//! [`page`]: a study as one HTML page that needs no network: history, importance, slices, learning curves, all trials.
//!
//! Leaves out: drawing (`charts`, on `frame`).

mod charts;
mod frame;

use super::find::Study;
use super::importance;
use super::settings::{Direction, Take};
use super::space::Parameter;
use super::tell::short_names;
use super::trial::{best, State, Trial};

const STYLE: &str = include_str!("report/style.css");

/// The whole file.
pub fn page(study: &Study) -> String {
    let name = escaped(&study.definition.name);
    let parts = [
        summary(study),
        section(
            "History",
            "Every trial in the order in which it began; the line is the best value so far.",
            &charts::history(study),
        ),
        section("Importance", IMPORTANCE, &importances(study)),
        section(
            "Learning curves",
            "The metric by epoch; the best trial is drawn last and strongest.",
            &charts::curves(study),
        ),
        section("Slices", "The value against each parameter alone; later trials are darker.", &slices(study)),
        section(
            "Parallel coordinates",
            "A line a trial through its parameters to its value; better trials are stronger.",
            &charts::parallel(study),
        ),
        section("Trials", "", &table(study)),
    ];
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{name}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{name}</h1>\n{}</main>\n</body>\n</html>\n",
        parts.concat()
    )
}

const IMPORTANCE: &str = "The part of the values' variance that a parameter's bins explain alone: epsilon squared of a one-way analysis of \
    variance (Kelley, 1935), an estimate of the first-order Sobol index, without interactions. Pruned trials count with their best value \
    until then. Of few trials it is a rough guess.";

fn section(title: &str, note: &str, content: &str) -> String {
    let note = if note.is_empty() { String::new() } else { format!("<p class=\"note\">{note}</p>\n") };
    format!("<section>\n<h2>{title}</h2>\n{note}{content}</section>\n")
}

fn summary(study: &Study) -> String {
    let method = &study.definition.method;
    let direction = match method.direction {
        Direction::Minimize => "lowest",
        Direction::Maximize => "highest",
    };
    let take = match method.take {
        Take::Best => "best of all epochs",
        Take::Kept => "of the epoch whose weights are kept",
    };
    let count = |state: State| study.trials.iter().filter(|trial| trial.state == state).count();
    let counts = State::ALL.into_iter().filter(|state| count(*state) > 0);
    let counts: Vec<_> = counts.map(|state| format!("{} {}", count(state), state.name())).collect();
    let minutes = study.trials.iter().map(|trial| trial.seconds).sum::<f64>() / 60.0;
    let mut rows = vec![
        ("Searched", format!("the {direction} {} ({take})", method.metric)),
        ("Sampler", format!("{}, pruner {}", method.sampler.name(), method.pruner.name())),
        ("Trials", format!("{} in {minutes:.1} minutes of training", counts.join(", "))),
    ];
    if let Some(best) = best(&study.trials, method.direction) {
        let value = best.value.unwrap_or(f64::NAN);
        rows.insert(
            0,
            ("Best", format!("{value:.4} by trial {} at epoch {}", best.number, best.epoch.unwrap_or_default())),
        );
        let parameters = study.definition.space.0.iter().zip(&best.values);
        let texts =
            parameters.map(|(parameter, value)| format!("{}={}", parameter.name(), parameter.domain.text(*value)));
        rows.insert(1, ("With", texts.collect::<Vec<_>>().join("  ")));
    }
    let rows = rows.iter().map(|(name, text)| format!("<dt>{name}</dt><dd>{}</dd>\n", escaped(text)));
    format!("<dl>\n{}</dl>\n", rows.collect::<String>())
}

/// Trials with a value, which a failed one has not.
fn valued(study: &Study) -> Vec<(&Trial, f64)> {
    let finite = |trial: &Trial| trial.value.filter(|value| value.is_finite());
    let ended = study.trials.iter().filter(|trial| matches!(trial.state, State::Complete | State::Pruned));
    ended.filter_map(|trial| Some((trial, finite(trial)?))).collect()
}

fn names(study: &Study) -> Vec<String> {
    let names: Vec<&str> = study.definition.space.0.iter().map(Parameter::name).collect();
    short_names(&names).iter().map(|name| escaped(name)).collect()
}

fn importances(study: &Study) -> String {
    let valued = valued(study);
    let of_one = |(index, parameter): (usize, &Parameter)| {
        let points: Vec<_> = valued.iter().map(|(trial, value)| (trial.values[index], *value)).collect();
        importance::of_parameter(&parameter.domain, &points)
    };
    let found = study.definition.space.0.iter().enumerate().map(of_one);
    let mut rows: Vec<(String, Option<f64>)> = names(study).into_iter().zip(found).collect();
    rows.sort_by(|one, other| other.1.unwrap_or(-1.0).total_cmp(&one.1.unwrap_or(-1.0)));
    let row = |(name, share): &(String, Option<f64>)| match share {
        Some(share) => {
            let percent = 100.0 * share;
            format!("<div class=\"bar\"><span>{name}</span><i><b style=\"width:{percent:.1}%\"></b></i><span>{percent:.0}&thinsp;%</span></div>\n")
        }
        None => format!("<div class=\"bar\"><span>{name}</span><i></i><span>too few trials</span></div>\n"),
    };
    format!("<div class=\"bars\">\n{}</div>\n", rows.iter().map(row).collect::<String>())
}

fn slices(study: &Study) -> String {
    let charts = (0..study.definition.space.len()).map(|index| charts::slice(study, index, &names(study)[index]));
    format!("<div class=\"grid\">\n{}</div>\n", charts.collect::<String>())
}

fn table(study: &Study) -> String {
    let space = &study.definition.space.0;
    let head = ["trial", "state", &escaped(&study.definition.method.metric), "epoch", "seconds"]
        .map(|name| format!("<th>{name}</th>"));
    let head: String = head.into_iter().chain(names(study).iter().map(|name| format!("<th>{name}</th>"))).collect();
    let best = best(&study.trials, study.definition.method.direction).map(|trial| trial.number);
    let row = |trial: &Trial| {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        let state = match &trial.message {
            Some(message) => {
                format!("<span title=\"{}\">{}</span>", escaped(message).replace('\n', "&#10;"), trial.state.name())
            }
            None => trial.state.name().to_owned(),
        };
        let epoch = trial.epoch.map_or_else(|| "-".to_owned(), |epoch| epoch.to_string());
        let cells = [trial.number.to_string(), state, number(trial.value), epoch, format!("{:.1}", trial.seconds)];
        let values = space.iter().zip(&trial.values).map(|(parameter, value)| escaped(&parameter.domain.text(*value)));
        let cells: String = cells.into_iter().chain(values).map(|cell| format!("<td>{cell}</td>")).collect();
        let class = if Some(trial.number) == best { "best" } else { trial.state.name() };
        format!("<tr class=\"{class}\">{cells}</tr>\n")
    };
    let rows: String = study.trials.iter().map(row).collect();
    format!("<div class=\"scroll\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

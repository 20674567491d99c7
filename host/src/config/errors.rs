//! The faults of a config: what, where, the choices, the nearest name and the cure, as the user reads them.
//!
//! Leaves out: finding faults, which each stage does for itself.

use std::fmt;

use super::key_path::KeyPath;
use super::origin::Origin;
use super::Request;

/// Long lists of choices are cut after this many.
const CHOICES_SHOWN: usize = 24;

/// One thing that is wrong with a config.
///
/// Its parts stand behind a pointer, so that a `Result` with it stays small.
#[derive(Debug, Clone)]
pub struct Fault(Box<Parts>);

#[derive(Debug, Clone, Default)]
struct Parts {
    what: String,
    at: Option<Origin>,
    key_path: Option<KeyPath>,
    related: Vec<(String, Origin)>,
    choices: Option<(String, Vec<String>)>,
    nearest: Option<String>,
    allowed: Option<String>,
    cure: Option<String>,
    is_absence: bool,
}

/// All faults that were found in a config; never empty.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.render())]
pub struct ConfigErrors(Vec<Fault>);

/// The faults of one stage of reading after the other. Each stage goes on with what the former ones could read, so that all that is
/// wrong is told at once; what is only a consequence of an earlier fault is not told.
#[derive(Debug, Default)]
pub struct Faults {
    found: Vec<Fault>,
    is_incomplete: bool,
}

impl Faults {
    /// What a later stage says of a value that is at fault already, or around or below it, follows from that.
    pub fn add_stage(&mut self, faults: Vec<Fault>) {
        let told = self.found.len();
        for fault in faults {
            let follows = self.found[..told].iter().any(|earlier| earlier.is_about_the_place_of(&fault));
            if !(follows || self.is_incomplete && fault.0.is_absence) {
                self.found.push(fault);
            }
        }
    }

    /// Part of the config could not be read: from here on nothing tells why something is absent.
    pub fn incomplete(&mut self) {
        self.is_incomplete = true;
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// `value` if nothing was found wrong.
    pub fn check<T>(self, value: T) -> Result<T, ConfigErrors> {
        ConfigErrors::check(value, self.found)
    }
}

impl Fault {
    pub fn new(what: impl Into<String>) -> Self {
        Self(Box::new(Parts { what: what.into(), ..Parts::default() }))
    }

    pub fn at(mut self, origin: &Origin) -> Self {
        self.0.at = Some(origin.clone());
        self
    }

    pub fn key(mut self, path: &KeyPath) -> Self {
        self.0.key_path = (!path.is_root()).then(|| path.clone());
        self
    }

    /// Another place that the fault is about, such as the first of two equal keys.
    pub fn related(mut self, label: impl Into<String>, origin: &Origin) -> Self {
        self.0.related.push((label.into(), origin.clone()));
        self
    }

    /// What could have stood there; the nearest to `wrong` becomes "did you mean".
    pub fn choices(mut self, label: impl Into<String>, wrong: &str, names: Vec<String>) -> Self {
        self.0.nearest = nearest(wrong, names.iter().map(String::as_str)).map(str::to_owned);
        self.0.choices = Some((label.into(), names));
        self
    }

    /// A better guess than the nearest of the choices.
    pub fn did_you_mean(mut self, name: Option<String>) -> Self {
        self.0.nearest = name.or(self.0.nearest);
        self
    }

    /// What could stand there, where it is no list of choices.
    pub fn allowed(mut self, text: impl Into<String>) -> Self {
        self.0.allowed = Some(text.into());
        self
    }

    pub fn cure(mut self, text: impl Into<String>) -> Self {
        self.0.cure = Some(text.into());
        self
    }

    /// It is that something is not there, which may be because what would have brought it could not be read.
    pub fn absence(mut self) -> Self {
        self.0.is_absence = true;
        self
    }

    /// Whether one of the two key paths leads to the other or through it.
    fn is_about_the_place_of(&self, other: &Self) -> bool {
        let (Some(one), Some(other)) = (self.key_path(), other.key_path()) else { return false };
        one.parts().iter().zip(other.parts()).all(|(one, other)| one == other)
    }

    pub fn what(&self) -> &str {
        &self.0.what
    }

    pub fn origin(&self) -> Option<&Origin> {
        self.0.at.as_ref()
    }

    pub fn key_path(&self) -> Option<&KeyPath> {
        self.0.key_path.as_ref()
    }

    pub fn nearest(&self) -> Option<&str> {
        self.0.nearest.as_deref()
    }

    /// For programs.
    pub fn to_json(&self) -> serde_json::Value {
        let (line, excerpt, column, length) = self.origin().map_or((None, "", 0, 0), Origin::excerpt);
        let file = self.origin().and_then(Origin::file).map(|file| file.display().to_string());
        serde_json::json!({
            "what": self.0.what, "file": file, "line": line, "column": self.origin().map(|_| column), "length": self.origin().map(|_| length), "excerpt": excerpt,
            "key_path": self.key_path().map(KeyPath::to_string), "choices": self.0.choices.as_ref().map(|(_, names)| names),
            "allowed": self.0.allowed, "did_you_mean": self.0.nearest, "cure": self.0.cure,
        })
    }
}

impl ConfigErrors {
    pub fn one(fault: Fault) -> Self {
        Self(vec![fault])
    }

    /// Nothing came of it, though no fault was found.
    pub(crate) fn unreadable(request: &Request) -> Self {
        Self::one(Fault::new(format!("{} cannot be read", request.config.display())))
    }

    pub fn faults(&self) -> &[Fault] {
        &self.0
    }

    /// `Ok(value)` if nothing was found wrong; a fault that was met twice, as in a file used twice, is told once.
    pub(crate) fn check<T>(value: T, faults: Vec<Fault>) -> Result<T, Self> {
        let mut told = std::collections::HashSet::new();
        let faults: Vec<Fault> = faults.into_iter().filter(|fault| told.insert(fault.to_string())).collect();
        if faults.is_empty() {
            Ok(value)
        } else {
            Err(Self(faults))
        }
    }

    fn render(&self) -> String {
        let parts: Vec<String> = match self.0.as_slice() {
            [only] => vec![only.to_string()],
            several => several.iter().enumerate().map(|(index, fault)| format!("{}. {fault}", index + 1)).collect(),
        };
        match parts.len() {
            0 | 1 => parts.concat(),
            count => format!("{count} faults in the config\n\n{}", parts.join("\n\n")),
        }
    }
}

impl From<Vec<Fault>> for ConfigErrors {
    fn from(faults: Vec<Fault>) -> Self {
        Self(faults)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.what)?;
        if let Some(origin) = &self.0.at {
            write_place(formatter, "-->", origin)?;
        }
        for (label, origin) in &self.0.related {
            write!(formatter, "\n  ... {label}")?;
            write_place(formatter, "-->", origin)?;
        }
        if let Some(path) = &self.0.key_path {
            write!(formatter, "\n  key path: {path}")?;
        }
        if let Some((label, names)) = &self.0.choices {
            write!(formatter, "\n  {label}: {}", listed(names))?;
        }
        if let Some(allowed) = &self.0.allowed {
            write!(formatter, "\n  allowed: {allowed}")?;
        }
        if let Some(name) = &self.0.nearest {
            write!(formatter, "\n  did you mean `{name}`?")?;
        }
        match &self.0.cure {
            Some(cure) => write!(formatter, "\n  cure: {cure}"),
            None => Ok(()),
        }
    }
}

/// The place, then its line with a caret below. An override is its own line, so it is not named twice.
fn write_place(formatter: &mut fmt::Formatter<'_>, arrow: &str, origin: &Origin) -> fmt::Result {
    let (number, line, column, length) = origin.excerpt();
    let margin = match number {
        Some(number) => {
            write!(formatter, "\n  {arrow} {origin}")?;
            format!("{number:>5} | ")
        }
        None => {
            write!(formatter, "\n  {arrow} command line")?;
            "      | ".to_owned()
        }
    };
    let shown: String = line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if shown.trim().is_empty() {
        return Ok(());
    }
    let before = column.saturating_sub(1).min(shown.chars().count());
    write!(formatter, "\n{margin}{shown}\n      | {}{}", " ".repeat(before), "^".repeat(length))
}

fn listed(names: &[String]) -> String {
    match names.len() {
        0 => "(none)".to_owned(),
        count if count > CHOICES_SHOWN => {
            format!("{}, ... ({count} in all)", names[..CHOICES_SHOWN].join(", "))
        }
        _ => names.join(", "),
    }
}

/// The name that was probably meant: a few letters away for its length, or alike by Jaro-Winkler; case and separators do
/// not count.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |name: &str| -> String {
        name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(wrong);
    if wanted.is_empty() {
        return None;
    }
    let allowed = wanted.chars().count() / 3;
    names
        .into_iter()
        .map(|name| {
            (strsim::damerau_levenshtein(&wanted, &plain(name)), strsim::jaro_winkler(&wanted, &plain(name)), name)
        })
        .filter(|(distance, likeness, _)| *distance <= allowed || *likeness >= 0.85)
        .min_by(|left, right| left.0.cmp(&right.0).then(right.1.total_cmp(&left.1)))
        .map(|(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_near() {
        let names = ["dropout", "heads", "hidden_channels", "num_epochs", "now", "oc.env"];
        for (wrong, expected) in [
            ("dropuot", Some("dropout")),
            ("nwo", Some("now")),
            ("head", Some("heads")),
            ("HiddenChannels", Some("hidden_channels")),
            ("epochs", Some("num_epochs")),
            ("x", None),
            ("", None),
            ("???", None),
        ] {
            assert_eq!(nearest(wrong, names), expected, "{wrong}");
        }
    }
}

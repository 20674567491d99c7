//! Where an entry's file lies and below which package its content goes, by Hydra's rules.
//!
//! A group is relative to the folder of the file with the list, unless it starts with `/`. A package is relative to that
//! file's package, unless it holds `_global_`; without one it is the group with dots.

use super::entry::{Choice, Entry, Kind};

/// The file whose defaults list an entry stands in.
#[derive(Debug, Clone, Default)]
pub(super) struct Parent {
    pub group: String,
    pub package: String,
}

/// An entry seen from its parent.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub entry: Entry,
    parent: Parent,
}

impl Placed {
    pub fn new(mut entry: Entry, parent: &Parent) -> Self {
        let package = entry.package.take();
        let mut placed = Self { entry, parent: parent.clone() };
        placed.entry.package = package.map(|package| match package.as_str() {
            "_here_" => String::new(),
            named if named.contains("_group_") => {
                format!("_global_.{}", named.replace("_group_", &placed.default_package()))
            }
            named => named.to_owned(),
        });
        placed
    }

    /// The group, or for a plain file its folder, and the name in it.
    fn written_path(&self) -> (&str, Option<&str>) {
        match &self.entry.kind {
            Kind::OwnContent => ("", None),
            Kind::Config { path } => match path.rsplit_once('/') {
                // The slash of `/name` says where the path starts.
                Some(("", name)) => ("/", Some(name)),
                Some((group, name)) => (group, Some(name)),
                None => ("", Some(path)),
            },
            Kind::Group { group, choice, .. } => match choice {
                Choice::One(name) => (group, Some(name)),
                Choice::Nothing | Choice::Missing | Choice::Many(_) => (group, None),
            },
        }
    }

    /// The group from the config folder down, `/` between its parts; empty for the config folder.
    pub fn group(&self) -> String {
        let (written, _) = self.written_path();
        match written.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None if self.parent.group.is_empty() => written.to_owned(),
            None if written.is_empty() => self.parent.group.clone(),
            None => format!("{}/{written}", self.parent.group),
        }
    }

    /// The name of the file in its group.
    pub fn name(&self) -> Option<&str> {
        self.written_path().1
    }

    /// The file without `.yaml`, from the config folder down.
    pub fn config_path(&self) -> Option<String> {
        let name = self.name()?;
        let group = self.group();
        Some(if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") })
    }

    /// As a defaults list would have it: `model: gat`, `base`.
    pub fn shown(&self) -> String {
        match (&self.entry.kind, self.name()) {
            (Kind::Group { .. }, Some(name)) => format!("{}: {name}", self.override_key()),
            (Kind::Group { .. }, None) => self.override_key(),
            (Kind::Config { .. } | Kind::OwnContent, _) => self.config_path().unwrap_or_default(),
        }
    }

    fn default_package(&self) -> String {
        self.group().replace('/', ".")
    }

    /// Where the content goes; `header` is the file's own `# @package`.
    pub fn package(&self, header: Option<&str>) -> String {
        let header = header.map(|name| match name {
            "_global_" => name.to_owned(),
            absolute if absolute.starts_with("_global_.") => absolute.to_owned(),
            relative => format!("_global_.{relative}"),
        });
        let relative = self.entry.package.clone().or(header).unwrap_or_else(|| {
            let (written, _) = self.written_path();
            written.strip_prefix('/').unwrap_or(written).replace('/', ".")
        });
        let both = match (self.parent.package.is_empty(), relative.is_empty()) {
            (true, _) => relative,
            (false, true) => self.parent.package.clone(),
            (false, false) => format!("{}.{relative}", self.parent.package),
        };
        match both.rfind("_global_") {
            Some(place) => both[place + "_global_".len()..].trim_start_matches('.').to_owned(),
            None => both,
        }
    }

    /// The name by which overrides know a group: `group`, or `group@package` if its package is not the usual one.
    pub fn override_key(&self) -> String {
        let group = self.group();
        let package = self.package(None);
        if package == self.default_package() {
            group
        } else if package.is_empty() {
            format!("{group}@_global_")
        } else {
            format!("{group}@{package}")
        }
    }
}

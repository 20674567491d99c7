//! Follows the defaults lists from the primary config down to the flat list of contents, in the order of merging.
//!
//! The children of a list are visited from the last to the first, as Hydra does: so an `override` in a later file already
//! counts when an earlier entry is visited. Leaves out: merging (`merge`).

use std::path::{Path, PathBuf};

use super::choices::Choices;
use super::entry::{Choice, Entry, Kind};
use super::files::{ConfigFiles, Loaded};
use super::placement::{Parent, Placed};
use crate::config::errors::Fault;
use crate::config::node::Node;
use crate::config::origin::Origin;
use crate::config::overrides::Override;

/// The content of one file and where it goes.
#[derive(Debug)]
pub(crate) struct Part {
    pub package: String,
    pub content: Node,
    /// The files whose defaults lists lead to it, itself included.
    pub trail: Vec<Open>,
}

/// A file whose defaults list is being followed.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub file: PathBuf,
    /// The entry that led to it, as a defaults list would have it.
    pub entry: String,
    pub origin: Origin,
}

/// The parts of a config in the order of merging, and the overrides that are no choice of a group.
pub(crate) struct Expanded {
    pub parts: Vec<Part>,
    pub assignments: Vec<Override>,
    /// The option of each group.
    pub choices: Vec<(String, String)>,
    pub faults: Vec<Fault>,
}

impl Expanded {
    fn nothing(assignments: Vec<Override>, faults: Vec<Fault>) -> Self {
        Self { parts: Vec::new(), assignments, choices: Vec::new(), faults }
    }
}

/// The file to start from: its path in full, and as a config path below the config folder.
pub(crate) struct Primary {
    pub file: PathBuf,
    pub config_path: String,
}

pub(crate) fn expand(primary: &Primary, config_dir: &Path, overrides: Vec<Override>) -> Expanded {
    let mut files = ConfigFiles::new(config_dir);
    let (choices, assignments, faults) = Choices::from_overrides(overrides, &files);
    let loaded = match files.load(&primary.file) {
        Some(Ok(loaded)) => loaded,
        Some(Err(found)) => return Expanded::nothing(assignments, [faults, found].concat()),
        None => {
            let fault = no_primary(primary, &files);
            return Expanded::nothing(assignments, [faults, vec![fault]].concat());
        }
    };
    let entry = Entry {
        kind: Kind::Config { path: primary.config_path.clone() },
        package: None,
        optional: false,
        appended: false,
        origin: loaded.content.origin.clone(),
    };
    let mut walk = Walk { files, choices, open: Vec::new(), faults };
    let placed = Placed::new(entry, &Parent::default());
    let parts = walk.visit_loaded(&placed, &primary.file, loaded, true);
    if walk.faults.is_empty() {
        walk.faults = walk.choices.unused();
    }
    Expanded { parts, assignments, choices: walk.choices.into_known(), faults: walk.faults }
}

fn no_primary(primary: &Primary, files: &ConfigFiles) -> Fault {
    let fault = Fault::new(format!("there is no config file `{}`", primary.file.display()));
    let folder = files.folder("");
    match primary.file.is_dir() {
        true => fault
            .choices("configs in this folder", "", ConfigFiles::new(&primary.file).options(""))
            .cure("name one of its files"),
        false => fault.choices(format!("configs in {}", folder.display()), &primary.config_path, files.options("")),
    }
}

struct Walk {
    files: ConfigFiles,
    choices: Choices,
    open: Vec<Open>,
    faults: Vec<Fault>,
}

impl Walk {
    fn visit(&mut self, placed: &Placed) -> Vec<Part> {
        if self.choices.deletes(placed) {
            return Vec::new();
        }
        if let Err(fault) = self.choices.note(placed) {
            self.faults.push(fault);
            return Vec::new();
        }
        if let Kind::Group { choice: Choice::Missing, .. } = placed.entry.kind {
            self.faults.push(self.must_be_chosen(placed));
            return Vec::new();
        }
        let Some(config_path) = placed.config_path() else {
            return Vec::new();
        };
        let file = self.files.path_of(&config_path);
        match self.files.load(&file) {
            Some(Ok(loaded)) => self.visit_loaded(placed, &file, loaded, false),
            Some(Err(faults)) => {
                self.faults.extend(faults);
                Vec::new()
            }
            None if placed.entry.optional => Vec::new(),
            None => {
                self.faults.push(self.not_found(placed));
                Vec::new()
            }
        }
    }

    fn visit_loaded(&mut self, placed: &Placed, file: &Path, loaded: Loaded, is_primary: bool) -> Vec<Part> {
        if let Some(start) = self.open.iter().position(|open| open.file == file) {
            let what = format!("the defaults lists go in a circle: `{}` leads back to itself", file.display());
            let mut fault = Fault::new(what).at(&placed.entry.origin).cure("remove one of these entries");
            for open in &self.open[start + 1..] {
                fault = fault.related("through this entry", &open.origin);
            }
            self.faults.push(fault);
            return Vec::new();
        }
        let package = placed.package(loaded.package_header.as_deref());
        let origin = placed.entry.origin.clone();
        self.open.push(Open { file: file.to_owned(), entry: placed.shown(), origin });
        let own = Part { package: package.clone(), content: loaded.content, trail: self.open.clone() };
        let mut entries = loaded.defaults.unwrap_or_default();
        let has_appended = is_primary && !self.choices.appended.is_empty();
        add_own_content(&mut entries, &placed.entry.origin, has_appended);
        if is_primary {
            entries.append(&mut self.choices.appended);
        }
        let parent = Parent { group: placed.group(), package };
        let parts = self.visit_children(entries, &parent, own);
        self.open.pop();
        parts
    }

    fn visit_children(&mut self, entries: Vec<Entry>, parent: &Parent, own: Part) -> Vec<Part> {
        let mut children: Vec<Placed> = entries.into_iter().map(|entry| Placed::new(entry, parent)).collect();
        self.register_overrides(&children);
        children.retain(|child| !is_override(&child.entry));
        let mut own = Some(own);
        if children.is_empty() {
            return own.into_iter().collect();
        }
        let mut visited: Vec<(Vec<Part>, Option<Placed>)> = Vec::new();
        for mut child in children.into_iter().rev() {
            if matches!(child.entry.kind, Kind::OwnContent) {
                visited.push((own.take().into_iter().collect(), None));
                continue;
            }
            self.choices.apply_to(&mut child);
            match option_reference(&child) {
                // Options that name other options wait until those are known.
                Some(_) => visited.push((Vec::new(), Some(child))),
                None => visited.push((self.visit_options(child, parent), None)),
            }
        }
        for (parts, waiting) in &mut visited {
            if let Some(child) = waiting.take() {
                *parts = self.visit_interpolated(child);
            }
        }
        visited.into_iter().rev().flat_map(|(parts, _)| parts).collect()
    }

    /// A group set to several options is that many files of one folder.
    fn visit_options(&mut self, child: Placed, parent: &Parent) -> Vec<Part> {
        let Kind::Group { group, choice: Choice::Many(options), .. } = &child.entry.kind else {
            return self.visit(&child);
        };
        let parts: Vec<Vec<Part>> = options
            .iter()
            .rev()
            .map(|option| {
                let kind = Kind::Config { path: format!("{group}/{option}") };
                let entry = Entry { kind, ..child.entry.clone() };
                self.visit(&Placed::new(entry, parent))
            })
            .collect();
        parts.into_iter().rev().flatten().collect()
    }

    /// `- group: ${other_group}`, alone or within a name.
    fn visit_interpolated(&mut self, mut child: Placed) -> Vec<Part> {
        while let Some((whole, key)) = option_reference(&child) {
            let Some(option) = self.choices.option_named(&key).map(str::to_owned) else {
                let what = format!("`{whole}` in a defaults list names no group that this config chooses");
                self.faults.push(
                    Fault::new(what).at(&child.entry.origin).cure("write `${group}` with a group of the defaults list"),
                );
                return Vec::new();
            };
            match &mut child.entry.kind {
                Kind::Group { choice: Choice::One(text), .. } | Kind::Config { path: text } => {
                    *text = text.replacen(&whole, &option, 1)
                }
                Kind::OwnContent | Kind::Group { .. } => return Vec::new(),
            }
        }
        self.visit(&child)
    }

    fn register_overrides(&mut self, children: &[Placed]) {
        let mut first: Option<&Placed> = None;
        for child in children {
            match (&child.entry.kind, first) {
                (Kind::Group { choice, is_override: true, .. }, _) => {
                    self.choices.add_override(child, choice);
                    first = first.or(Some(child));
                }
                (Kind::OwnContent, _) | (_, None) => {}
                (Kind::Config { .. } | Kind::Group { .. }, Some(_)) if child.entry.appended => {}
                (Kind::Config { .. } | Kind::Group { .. }, Some(early)) => {
                    let what = "an `override` entry stands before other entries of its defaults list";
                    let fault =
                        Fault::new(what).at(&early.entry.origin).related("this entry follows", &child.entry.origin);
                    self.faults.push(fault.cure("move the `override` entries to the end of the list"));
                    return;
                }
            }
        }
    }

    fn must_be_chosen(&self, placed: &Placed) -> Fault {
        let (key, group) = (placed.override_key(), placed.group());
        Fault::new(format!("an option of the group `{key}` must be chosen"))
            .at(&placed.entry.origin)
            .choices(format!("options in {}", self.files.folder(&group).display()), "", self.files.options(&group))
            .cure(format!("add `{key}=OPTION` to the command line"))
    }

    fn not_found(&self, placed: &Placed) -> Fault {
        let (group, name) = (placed.group(), placed.name().unwrap_or(""));
        let folder = self.files.folder(&group);
        let place = match placed.entry.kind {
            Kind::Group { .. } => placed.entry.origin.of_value(),
            Kind::Config { .. } | Kind::OwnContent => placed.entry.origin.clone(),
        };
        let fault = Fault::new(format!("there is no config `{name}` in {}", folder.display())).at(&place);
        if group.is_empty() || self.files.has_group(&group) {
            let file = self.files.path_of(&placed.config_path().unwrap_or_default());
            let optional = match placed.entry.origin {
                Origin::File { .. } => ", or write `optional` before the entry",
                Origin::Override { .. } => "",
            };
            return fault
                .choices(format!("options in {}", folder.display()), name, self.files.options(&group))
                .cure(format!("name one of them, or add {}{optional}", file.display()));
        }
        Fault::new(format!("there is no config group `{group}`: {} is no folder", folder.display()))
            .at(&placed.entry.origin)
            .choices(format!("groups in {}", self.files.folder("").display()), &group, self.files.groups())
    }
}

fn is_override(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Group { is_override: true, .. })
}

/// Without `_self_` the content of the file comes after its defaults, so that it wins over them.
fn add_own_content(entries: &mut Vec<Entry>, origin: &Origin, has_appended: bool) {
    let has_own = entries.iter().any(|entry| matches!(entry.kind, Kind::OwnContent));
    let has_others = entries.iter().any(|entry| !is_override(entry));
    if !has_own && (has_others || (entries.is_empty() && has_appended)) {
        let origin = origin.clone();
        entries.push(Entry { kind: Kind::OwnContent, package: None, optional: false, appended: false, origin });
    }
}

/// The first `${group}` in an option, and the group's name.
fn option_reference(child: &Placed) -> Option<(String, String)> {
    let text = match &child.entry.kind {
        Kind::Group { choice: Choice::One(text), .. } | Kind::Config { path: text } => text,
        Kind::OwnContent | Kind::Group { .. } => return None,
    };
    let start = text.find("${")?;
    let end = start + text[start..].find('}')?;
    Some((text[start..=end].to_owned(), text[start + 2..end].trim().to_owned()))
}

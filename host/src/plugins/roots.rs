//! Where the `plugin_path:` of a config may lead: a config is data that others may have written, so it cannot make the host open
//! libraries from anywhere.
//!
//! Below the working folder it may, and below the roots that the user allows: `RECSYS_ALLOWED_PLUGIN_ROOTS`, and
//! `allowed_plugin_roots:` of `~/.config/recsys-host/settings.yaml`. What the user types is no config: a `plugin_path=` on the command
//! line is heard, as `--plugin-dir` is.

use std::path::{Component, Path, PathBuf};

use crate::config::{self, Fault, KeyPath, Node, Origin, PluginFolder, Request, Value};
use crate::plugins::permissions;

const VARIABLE: &str = "RECSYS_ALLOWED_PLUGIN_ROOTS";
const KEY: &str = "allowed_plugin_roots";

/// Of the folders that a config asks for those it may name, in order; a fault for each of the others.
pub fn judge(wanted: &[PluginFolder]) -> (Vec<PathBuf>, Vec<Fault>) {
    let is_typed = |folder: &PluginFolder| matches!(folder.origin, Origin::Override { .. });
    // The settings are nobody's business where no config asks.
    let (roots, mut faults) = if wanted.iter().all(is_typed) { Default::default() } else { allowed() };
    let mut folders = Vec::new();
    for folder in wanted {
        if is_typed(folder) || roots.iter().any(|root| real(&folder.path).starts_with(root)) {
            folders.push(folder.path.clone());
        } else {
            faults.push(outside(folder, &roots));
        }
    }
    (folders, faults)
}

fn outside(folder: &PluginFolder, roots: &[PathBuf]) -> Fault {
    let path = &folder.path;
    let what = format!("this config may not make the host open libraries of {}", real(path).display());
    let roots = roots.iter().map(|root| root.display().to_string()).collect();
    let cure = format!(
        "if you trust what lies there, name it yourself: `--plugin-dir {}`, or add a folder above it to {VARIABLE} or to `{KEY}:` in {}",
        path.display(),
        settings_file().map_or_else(|| "settings.yaml".to_owned(), |file| file.display().to_string())
    );
    let fault = Fault::new(what).at(&folder.origin).key(&KeyPath::parse("plugin_path"));
    fault.choices("allowed are folders below", "", roots).cure(cure)
}

/// The roots, and what is wrong with the settings that name some.
fn allowed() -> (Vec<PathBuf>, Vec<Fault>) {
    let variable = std::env::var_os(VARIABLE).unwrap_or_default();
    let mut roots: Vec<PathBuf> = std::env::current_dir().into_iter().collect();
    roots.extend(std::env::split_paths(&variable).filter(|path| !path.as_os_str().is_empty()));
    let (more, faults) = from_settings();
    roots.extend(more);
    (roots.iter().map(|root| real(root)).collect(), faults)
}

fn from_settings() -> (Vec<PathBuf>, Vec<Fault>) {
    let Some(file) = settings_file().filter(|file| file.is_file()) else { return Default::default() };
    if let Ok(Some(exposure)) = permissions::exposure(&file) {
        let fault = Fault::new(format!("{} is not heeded: {}", file.display(), exposure.reason()));
        return (Vec::new(), vec![fault.cure(exposure.cure())]);
    }
    let settings = match config::compose(&Request::from_file(&file, Vec::new())) {
        Ok(settings) => settings,
        Err(errors) => return (Vec::new(), errors.faults().to_vec()),
    };
    let unknown = settings.root().as_map().into_iter().flat_map(|map| map.iter()).filter(|(key, _)| *key != KEY);
    let fault = |(key, node): (&str, &Node)| {
        let fault = Fault::new(format!("unknown setting `{key}`")).at(&node.origin);
        fault.choices("settings", key, vec![KEY.to_owned()])
    };
    let faults = unknown.map(fault).collect();
    let roots = settings.root().child(KEY).map(items).unwrap_or_default();
    let folder = file.parent().unwrap_or(Path::new("/"));
    (roots.into_iter().filter_map(|node| Some(folder.join(node.as_str()?))).collect(), faults)
}

fn items(node: &Node) -> Vec<&Node> {
    match &node.value {
        Value::List(items) => items.iter().collect(),
        Value::String(_) => vec![node],
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Map(_) => Vec::new(),
    }
}

/// `$XDG_CONFIG_HOME/recsys-host/settings.yaml`; `~/.config` in place of the variable.
fn settings_file() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(folder.join("recsys-host/settings.yaml"))
}

/// The path without links and `..`; of what is not there, as far as it is.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent(), path.components().next_back()) {
        (Some(above), Some(Component::Normal(name))) => real(above).join(name),
        (Some(above), Some(Component::ParentDir)) => real(above).parent().map(Path::to_owned).unwrap_or_default(),
        (Some(above), Some(Component::CurDir | Component::RootDir | Component::Prefix(_)) | None) => real(above),
        (None, _) => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_the_system_would_follow_them() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        std::fs::create_dir(top.join("inside")).unwrap();
        std::os::unix::fs::symlink("/", top.join("link")).unwrap();
        for (path, expected) in [
            ("inside", top.join("inside")),
            ("inside/../..", top.parent().unwrap().to_owned()),
            ("missing/deep", top.join("missing/deep")),
            ("missing/../../etc", top.parent().unwrap().join("etc")),
            ("link/usr", PathBuf::from("/usr")),
            ("link/missing/x", PathBuf::from("/missing/x")),
        ] {
            assert_eq!(real(&top.join(path)), expected, "{path}");
        }
    }
}

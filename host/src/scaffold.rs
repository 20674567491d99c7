//! A new plugin: a crate of its own that builds, passes its tests and trains as it is.
//!
//! [`name`] is what a plugin may be called, [`origin`] where its crate finds the contract and libtorch, [`files`] what is
//! written, [`seed`] spares the new crate the minutes that libtorch's bindings take to compile.

mod files;
mod name;
mod origin;
mod seed;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use plugin_api::ComponentKind;

use crate::cli::Usage;
use name::PluginName;
use origin::Origin;

/// What is to be written.
#[derive(Debug)]
pub struct Plan {
    pub kind: ComponentKind,
    /// Of crate and library: `my_model`.
    pub name: String,
    /// The crate's folder; by default one of its name, here.
    pub path: Option<PathBuf>,
    /// The contract to build against; by default that of the checkout that this host was built from.
    pub plugin_api: Option<String>,
    /// Where cargo is to build; by default in the crate.
    pub target_dir: Option<PathBuf>,
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    pub folder: PathBuf,
    /// Relative to the folder.
    pub files: Vec<String>,
    /// `my_model:MyModel`.
    pub module: String,
    /// Files of compiled dependencies that the crate starts with.
    pub n_seeded: usize,
}

/// Writes the crate, whole or not at all.
pub fn write(plan: &Plan) -> anyhow::Result<Written> {
    let origin = Origin::find(plan.plugin_api.as_deref())?;
    let name = PluginName::parse(&plan.name, origin.lock.as_deref())?;
    let folder = plan.path.clone().unwrap_or_else(|| PathBuf::from(&name.library));
    if folder.exists() {
        let message = format!("{} is there already; name another folder with --path, or remove it", folder.display());
        return Err(Usage(message).into());
    }
    let target_dir = plan.target_dir.as_deref().map(std::path::absolute).transpose()?;
    let files = files::of(plan.kind, &name, &origin, target_dir.as_deref())?;
    write_folder(&folder, &files).with_context(|| format!("cannot write {}", folder.display()))?;
    let target = target_dir.unwrap_or_else(|| folder.join("target"));
    // Without them the crate builds all the same, only slower.
    let n_seeded = seed::seed(&origin, &target).unwrap_or_else(|error| {
        log::warn!("the compiled dependencies of recsys-host could not be copied, so they are compiled again: {error}");
        0
    });
    let files = files.into_iter().map(|(path, _)| path).collect();
    Ok(Written { folder, files, module: name.module(), n_seeded })
}

/// All files into a folder beside, which is then renamed.
fn write_folder(folder: &Path, files: &[(String, String)]) -> std::io::Result<()> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let readable = std::fs::Permissions::from_mode(0o777);
    let staged = tempfile::Builder::new().prefix(".new-plugin-").permissions(readable).tempdir_in(parent)?;
    for (path, text) in files {
        let path = staged.path().join(path);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, text)?;
    }
    std::fs::rename(staged.path(), folder)?;
    // What it would remove has another name now.
    let _ = staged.keep();
    Ok(())
}

//! `recsys-host plugins new`.

use std::path::PathBuf;

use plugin_api::ComponentKind;

use crate::commands::print;
use crate::config::nearest;
use crate::scaffold::{self, Plan, Written};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// model, loss, trainer, data_loader or evaluator.
    #[arg(value_parser = kind)]
    kind: ComponentKind,
    /// The name of crate and library: lower-case letters, digits and `_`. The constructor is named after it: `my_model:MyModel`.
    name: String,
    /// The crate's folder; by default NAME, here.
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// The contract to build against, a folder `plugin-api` or a version in a registry; by default that of the checkout that this
    /// host was built from.
    #[arg(long, value_name = "PATH|VERSION")]
    plugin_api: Option<String>,
    /// Where cargo is to build, for instance one folder for several plugins; by default `target` in the crate. What recsys-host has
    /// compiled of its dependencies is copied there.
    #[arg(long, value_name = "DIR")]
    target_dir: Option<PathBuf>,
}

pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { kind, name, path, plugin_api, target_dir } = arguments;
    let written = scaffold::write(&Plan { kind, name, path, plugin_api, target_dir })?;
    print(&summary(&written));
    Ok(())
}

fn summary(written: &Written) -> String {
    let Written { folder, files, module, n_seeded } = written;
    let compiled = match n_seeded {
        0 => "nothing of libtorch's bindings is compiled yet: the first build takes minutes".to_owned(),
        n => format!("{n} files of compiled dependencies copied from recsys-host"),
    };
    let library = module.split(':').next().unwrap_or_default();
    format!(
        "{module} in {}: {}\n{compiled}\nnext: cd {} && cargo build; {}/README.md goes on from there ({library} is a whole plugin as it is)",
        folder.display(),
        files.join(", "),
        folder.display(),
        folder.display()
    )
}

fn kind(text: &str) -> Result<ComponentKind, String> {
    ComponentKind::from_name(text).ok_or_else(|| {
        let names = ComponentKind::ALL.map(ComponentKind::name);
        let hint = nearest(text, names).map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
        format!("there are: {}{hint}", names.join(", "))
    })
}

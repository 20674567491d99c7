//! What every command of recsys-host takes, and wrong usage.

use std::path::PathBuf;

use crate::config::{Config, ConfigErrors, Request};
use crate::plugins::policy::Policy;

/// Wrong usage or config, as an exit code.
pub const FAULTY: u8 = 2;

/// The options of every command.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Look for plugins here first; may be repeated.
    #[arg(long, value_name = "DIR", global = true)]
    pub plugin_dir: Vec<PathBuf>,
    /// Say more.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Say only what goes wrong.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    #[command(flatten)]
    pub policy: Policy,
}

impl Options {
    /// How much is said.
    pub fn level(&self) -> log::LevelFilter {
        match (self.verbose, self.quiet) {
            (true, _) => log::LevelFilter::Debug,
            (false, true) => log::LevelFilter::Warn,
            (false, false) => log::LevelFilter::Info,
        }
    }
}

/// A config file or name, and overrides.
#[derive(Debug, clap::Args)]
pub struct ConfigArguments {
    /// CONFIG.yaml, then overrides as in Hydra: `group=option`, `a.b=value`, `+a=value`, `++a=value`, `~a`.
    #[arg(value_name = "CONFIG | OVERRIDE")]
    pub arguments: Vec<String>,
    /// Take the config of this name from --config-dir instead of a file.
    #[arg(long, value_name = "NAME")]
    pub config_name: Option<String>,
    /// The folder of configs and config groups.
    #[arg(long, value_name = "DIR", default_value = "configs", requires = "config_name")]
    pub config_dir: PathBuf,
}

impl ConfigArguments {
    pub fn compose(self) -> anyhow::Result<Config> {
        Ok(crate::config::compose(&self.request()?)?)
    }

    /// Whether no config is named, nor anything else.
    pub fn is_empty(&self) -> bool {
        self.arguments.is_empty() && self.config_name.is_none()
    }

    /// What is to be composed.
    pub fn request(self) -> anyhow::Result<Request> {
        Ok(match self.config_name {
            Some(name) => Request::from_name(self.config_dir, &name, self.arguments)?,
            None => {
                let mut arguments = self.arguments.into_iter();
                let no_config = || Usage("name a config: `recsys-host train configs/config.yaml`".into());
                Request::from_file(arguments.next().ok_or_else(no_config)?, arguments.collect())
            }
        })
    }
}

/// Wrong usage: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Whether it is the user's to mend: [`FAULTY`].
pub fn is_faulty_input(error: &anyhow::Error) -> bool {
    error.is::<ConfigErrors>() || error.is::<Usage>()
}

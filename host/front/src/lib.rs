//! What recsys-host answers without libtorch.
//!
//! libtorch takes a quarter of a second to start, before `main`. The binary `recsys-host` links this crate alone: it answers at once
//! what composing a config or looking at plugins needs ([`launch`]), and becomes the engine for everything else. The engine, crate
//! `host`, is built on the same modules. Nothing here may depend on `plugin-api` or `tch`; a test looks at the binary.
//!
//! | module | what it defines |
//! |---|---|
//! | [`cli`] | options of every command, and wrong usage |
//! | [`config`] | a config as Hydra composes it, every value with its origin |
//! | [`plugins`] | finding plugins and reading who they are, without opening them |
//! | [`commands`] | the commands that are answered here |
//! | [`output`], [`table`] | standard output, lines of the log, tables |
//! | [`launch`] | the binary |

pub mod cli;
pub mod commands;
pub mod config;
pub mod launch;
pub mod output;
pub mod plugins;
pub mod table;

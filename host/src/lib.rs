//! The host of recsys-host: composes a config, opens the plugins it names, trains, evaluates, serves.
//!
//! # Code map, in the order in which data flows
//!
//! | module | what it defines |
//! |---|---|
//! | [`cli`] | the command line, and how errors become messages and exit codes |
//! | [`commands`] | a file a command; each is a few lines over `experiment` |
//! | [`experiment`] | THE STORY: check, load, build, fit, evaluate, save |
//! | [`config`] | a config as Hydra composes it, every value with its origin |
//! | [`plugins`] | from `library:Constructor` to a checked constructor; the host's only `unsafe` |
//! | [`isolation`] | a data loader or an evaluator in a process of its own |
//! | [`machine`] | device, threads, libtorch of this process |
//! | [`scaffold`] | a new plugin's crate |
//! | [`services`] | what the host offers its plugins |
//! | [`artifacts`] | the run directory |
//! | [`jobs`] | checked runs, each in a process of its own, several at a time |
//! | [`multirun`] | `train -m`: jobs of a grid, their ledger and tables |
//! | [`rerun`] | `train --rerun`: what is not as it was in the run that is repeated |
//! | [`child`] | this binary once more, in a process that may crash |
//! | [`conformance`] | what `plugins check` asks of a library, in child processes |
//! | [`terminal`] | log, progress bar, tables |
//! | [`tune`] | studies: samplers, pruners, storage, report |
//!
//! The host knows no model: what a part does stands in its plugin.

pub mod artifacts;
pub mod child;
pub mod cli;
pub mod commands;
pub mod conformance;
pub mod experiment;
pub mod isolation;
pub mod jobs;
pub mod machine;
pub mod multirun;
pub mod plugins;
pub mod rerun;
pub mod scaffold;
pub mod services;
pub mod terminal;
pub mod tune;

pub use front::config;

//! The integration tests: the real binary and real shared libraries, each test in a fresh folder, offline.
//!
//! One binary, so that the plugins are built once. [`support`] makes the folders and runs the host.

mod support;

mod author;
mod broken;
mod config;
mod config_errors;
mod conformance;
mod evolution;
mod golden;
mod hydra;
mod isolation;
mod multirun;
mod plugins;
mod rerun;
mod run;
mod serve;
mod tidy;
mod trust;

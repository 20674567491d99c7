//! Interpolation: `${a.b}`, `${.sibling}`, `${resolver:arguments}`, in whole values and inside text.
//!
//! `parse` reads the grammar, `resolve` replaces every interpolation of a tree, `resolvers` holds the functions,
//! `tree_functions` those that look into the config, `run_facts` what `${run:...}` knows.

pub(crate) mod parse;
pub(crate) mod resolve;
mod resolvers;
mod run_facts;
mod tree_functions;

pub(crate) use resolvers::{python_float, Surroundings};
pub(crate) use run_facts::RunFacts;

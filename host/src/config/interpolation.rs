//! Interpolation: `${a.b}`, `${.sibling}`, `${resolver:arguments}`, in whole values and inside text.
//!
//! `parse` reads the grammar, `resolve` replaces every interpolation of a tree, `resolvers` holds the functions.

pub(crate) mod parse;
pub(crate) mod resolve;
mod resolvers;

pub(crate) use resolvers::{python_float, Surroundings};

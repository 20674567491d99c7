//! [`Record`]: named tensors and texts.
//!
//! The one shape in which composite data (graphs, splits, catalogs, embeddings) cross the boundary and stand in
//! safetensors files. A later version adds names; a reader takes those it knows. So neither the ABI nor the file format
//! changes when, say, a CSR index joins the graph.

use std::collections::BTreeMap;

use tch::Tensor;

use crate::error::{PluginError, Result};

/// Tensors and texts by name, for example `train.user__rates__movie.edge_index`.
#[derive(Debug, Default)]
pub struct Record {
    pub tensors: BTreeMap<String, Tensor>,
    pub texts: BTreeMap<String, String>,
}

impl Record {
    pub fn set_tensor(&mut self, name: impl Into<String>, tensor: &Tensor) {
        self.tensors.insert(name.into(), tensor.shallow_clone());
    }

    pub fn set_text(&mut self, name: impl Into<String>, text: impl ToString) {
        self.texts.insert(name.into(), text.to_string());
    }

    /// # Errors
    /// If there is no such tensor; names the ones there are.
    pub fn tensor(&self, name: &str) -> Result<Tensor> {
        self.optional_tensor(name).ok_or_else(|| {
            let names: Vec<_> = self.tensors.keys().map(String::as_str).collect();
            PluginError::invalid_data(format!("no tensor `{name}`; there are: {}", names.join(", ")))
        })
    }

    pub fn optional_tensor(&self, name: &str) -> Option<Tensor> {
        self.tensors.get(name).map(Tensor::shallow_clone)
    }

    /// # Errors
    /// If there is no such text; names the ones there are.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.texts.get(name).map(String::as_str).ok_or_else(|| {
            let names: Vec<_> = self.texts.keys().map(String::as_str).collect();
            PluginError::invalid_data(format!("no entry `{name}`; there are: {}", names.join(", ")))
        })
    }

    /// A comma-separated list; empty if absent.
    pub fn list(&self, name: &str) -> Vec<String> {
        let text = self.texts.get(name).map_or("", String::as_str);
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    /// # Errors
    /// If the entry is absent or no value of that type.
    pub fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<T> {
        let text = self.text(name)?;
        text.parse()
            .map_err(|_| PluginError::invalid_data(format!("`{name}`: `{text}` is no {}", std::any::type_name::<T>())))
    }
}

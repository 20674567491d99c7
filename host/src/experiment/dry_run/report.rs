//! What a dry run tells, for people and for programs.

use std::fmt;

use serde::Serialize;
use tch::Tensor;

use super::memory::{bytes, shown, Estimate};
use super::synthetic::Sizes;
use crate::terminal::table::table;

/// What came of a dry run.
#[derive(Debug, Serialize)]
pub struct DryRun {
    pub batch: Batch,
    pub shapes: Vec<Named>,
    /// Of a model for the real data.
    pub weights: Vec<Named>,
    /// `None`: there is nothing to train.
    pub loss: Option<f64>,
    /// Trainable weights that backward did not reach.
    pub without_gradient: Vec<String>,
    /// Of the whole process, for the real data.
    pub memory: Estimate,
}

/// What was pushed through.
#[derive(Debug, Serialize)]
pub struct Batch {
    /// In words.
    pub origin: String,
    /// Of the real data.
    pub share: f64,
    /// The size of the real data is known.
    pub is_estimate: bool,
}

/// A tensor's name and shape.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Named {
    pub name: String,
    pub shape: Vec<i64>,
    pub bytes: u64,
    pub is_trainable: bool,
}

impl Named {
    pub fn of(name: &str, tensor: &Tensor) -> Self {
        Self { name: name.to_owned(), shape: tensor.size(), bytes: bytes(tensor), is_trainable: tensor.requires_grad() }
    }

    fn n_elements(&self) -> i64 {
        self.shape.iter().product()
    }

    /// For `more` source and destination nodes, as `larger`, which is for 1 and 2 more, tells.
    pub fn grown(mut self, larger: &Self, more: [i64; 2]) -> Self {
        let width = self.bytes.checked_div(self.n_elements().unsigned_abs()).unwrap_or(0);
        for (dimension, larger) in self.shape.iter_mut().zip(&larger.shape) {
            *dimension += match larger - *dimension {
                1 => more[0],
                2 => more[1],
                3 => more[0] + more[1],
                _ => 0,
            };
        }
        self.bytes = width * self.n_elements().unsigned_abs();
        self
    }
}

/// The batch in words.
pub fn origin(scaled: &Sizes, sizes: &Sizes, share: f64, is_stated: bool) -> String {
    let shown = |sizes: &Sizes| {
        let edge_type = &sizes.edge_type;
        format!(
            "{} {}s, {} {}s, {} edges",
            sizes.n_sources, edge_type.source, sizes.n_destinations, edge_type.destination, sizes.n_edges
        )
    };
    let of = match (is_stated, share < 1.0) {
        (false, _) => "; the loader states no sizes, so nothing is known of the real data".to_owned(),
        (true, false) => ", the sizes that the loader states for the real data".to_owned(),
        (true, true) => {
            format!(", {:.2} % of what the loader states for the real data: {}", 100.0 * share, shown(sizes))
        }
    };
    format!("a synthetic graph of {}{of}; nothing was fetched", shown(scaled))
}

impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "batch: {}\n", self.batch.origin)?;
        let mut rows = table(&["of the batch", "shape"]);
        for named in &self.shapes {
            rows.add_row([named.name.clone(), format!("{:?}", named.shape)]);
        }
        writeln!(f, "{rows}\n")?;
        let mut rows = table(&["weights", "shape", "number"]);
        for named in &self.weights {
            let name = if named.is_trainable { named.name.clone() } else { format!("{} (not trained)", named.name) };
            rows.add_row([name, format!("{:?}", named.shape), named.n_elements().to_string()]);
        }
        let n_weights: i64 = self.weights.iter().map(Named::n_elements).sum();
        writeln!(f, "{rows}\n{n_weights} weights in {} tensors\n", self.weights.len())?;
        match self.loss {
            Some(loss) => writeln!(f, "loss {loss:.4}, backward done")?,
            None => writeln!(f, "the loss has no gradient: there is nothing to train")?,
        }
        if !self.without_gradient.is_empty() {
            writeln!(f, "without a gradient: {}", self.without_gradient.join(", "))?;
        }
        self.memory(f)
    }
}

impl DryRun {
    fn memory(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = if self.batch.is_estimate { "the real data" } else { "data of the batch's size" };
        let mut rows = table(&["memory", "estimate"]);
        for (name, bytes) in self.memory.rows() {
            rows.add_row([name.to_owned(), bytes.map_or_else(|| "not measured on this device".to_owned(), shown)]);
        }
        write!(
            f,
            "\n{rows}\ntraining on {data} takes about {}: an estimate, by growing what the batch took as nodes and edges grow; what the \
             loader needs to read its data, and a trainer of its own kind, comes on top",
            shown(self.memory.total())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_follow_the_numbers_of_nodes() {
        let named = |shape: &[i64]| Named {
            name: "w".into(),
            shape: shape.to_vec(),
            bytes: 4 * shape.iter().product::<i64>() as u64,
            is_trainable: true,
        };
        let grown = |small: &[i64], larger: &[i64]| named(small).grown(&named(larger), [100, 1000]).shape;
        assert_eq!(grown(&[10, 64], &[11, 64]), [110, 64]);
        assert_eq!(grown(&[20, 64], &[22, 64]), [1020, 64]);
        assert_eq!(grown(&[30, 64], &[33, 64]), [1130, 64]);
        assert_eq!(grown(&[10, 64], &[10, 64]), [10, 64]);
        assert_eq!(named(&[10, 2]).grown(&named(&[11, 2]), [90, 0]).bytes, 800);
    }
}

//! The best weights so far: one copy of the parameters, reused.

use plugin_api::prelude::*;
use tch::{no_grad, Tensor};

pub struct Best {
    monitor: String,
    value: Option<f64>,
    pub epoch: Option<usize>,
    weights: Vec<Tensor>,
}

impl Best {
    pub fn new(monitor: &str) -> Self {
        Self { monitor: monitor.to_owned(), value: None, epoch: None, weights: Vec::new() }
    }

    /// Copies the weights if the epoch is the best so far. An epoch without the monitored value is passed over.
    pub fn consider(&mut self, record: &EpochRecord, parameters: &[(String, Tensor)]) -> Result<()> {
        let Some(value) = self.monitored(record) else { return Ok(()) };
        let better = match self.value {
            None => true,
            Some(best) if self.monitor.ends_with("loss") => value < best,
            Some(best) => value > best,
        };
        if !better {
            return Ok(());
        }
        (self.value, self.epoch) = (Some(value), Some(record.epoch));
        if self.weights.is_empty() {
            self.weights =
                parameters.iter().map(|(_, parameter)| parameter.f_zeros_like()).collect::<Result<_, _>>()?;
        }
        copy(parameters.iter().map(|(_, parameter)| parameter), &mut self.weights)
    }

    /// Whether this epoch has the monitored value and the best is `patience` epochs or more old.
    pub fn was_not_beaten_for(&self, patience: usize, record: &EpochRecord) -> bool {
        self.monitored(record).is_some() && self.epoch.is_some_and(|best| record.epoch - best >= patience)
    }

    /// NaN is no value: nothing would ever be better.
    fn monitored(&self, record: &EpochRecord) -> Option<f64> {
        record.values.get(&self.monitor).copied().filter(|value| !value.is_nan())
    }

    /// Puts the best weights back into the model.
    pub fn restore(&self, parameters: &mut [(String, Tensor)]) -> Result<()> {
        copy(&self.weights, parameters.iter_mut().map(|(_, parameter)| parameter))
    }
}

fn copy<'a>(from: impl IntoIterator<Item = &'a Tensor>, to: impl IntoIterator<Item = &'a mut Tensor>) -> Result<()> {
    no_grad(|| {
        for (from, to) in from.into_iter().zip(to) {
            to.f_copy_(from)?;
        }
        Ok(())
    })
}

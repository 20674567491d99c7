//! `my_plugin:MyPlugin`: a trainer. The optimiser and the loop over epochs live here.
//!
//! Here, one step of Adam an epoch on all edges at once; the weights of the epoch with the lowest validation loss are kept.

use std::time::Instant;

use plugin_api::prelude::*;
use tch::{no_grad, COptimizer, Tensor};

plugin_api::params! {
    /// Full-batch training with Adam (Kingma and Ba, 2015).
    struct Params {
        /// Passes over the training edges.
        #[schemars(range(min = 1), extend("unit" = "epochs"))]
        num_epochs: usize = 50,
        /// Adam's step size.
        #[schemars(range(min = 0.0, max = 10.0))]
        learning_rate: f64 = 0.01,
    }
}

struct MyPlugin {
    params: Params,
}

impl Trainer for MyPlugin {
    type Params = Params;

    /// The model is given the edges, so that any model can be trained.
    const PASSES_GRAPH: bool = true;

    fn new(params: Params, _: &Context) -> Result<Self> {
        Ok(Self { params })
    }

    fn fit(&mut self, fit: &Fit, context: &Context) -> Result<FitReport> {
        let mut weights: Vec<Tensor> = fit.model.parameters()?.into_iter().map(|(_, weight)| weight).collect();
        let adam = optimizer(&weights, self.params.learning_rate)?;
        let (mut best, mut lowest) = (copies(&weights)?, f64::INFINITY);
        let mut report = FitReport::default();
        for epoch in 1..=self.params.num_epochs {
            let started = Instant::now();
            let loss = loss(fit, &fit.splits.train, Mode::Train)?;
            adam.zero_grad()?;
            loss.f_backward()?;
            adam.step()?;
            let train_loss = loss.f_double_value(&[])?;
            let val_loss = no_grad(|| validation_loss(fit))?.unwrap_or(train_loss);
            if !(train_loss.is_finite() && val_loss.is_finite()) {
                return Err(PluginError::failed(format!(
                    "the loss is not finite in epoch {epoch}; lower learning_rate"
                )));
            }
            if val_loss < lowest {
                (best, lowest, report.best_epoch) = (copies(&weights)?, val_loss, Some(epoch));
            }
            let seconds = started.elapsed().as_secs_f64();
            let values = [("train_loss", train_loss), ("val_loss", val_loss), ("seconds", seconds)];
            let values = values.map(|(name, value)| (name.to_owned(), value)).into();
            context.report_epoch(&EpochRecord { epoch, values })?;
            context.progress(&progress(epoch, self.params.num_epochs, train_loss));
            report.n_epochs = epoch;
            // Ctrl-C: finish the epoch, keep what was learned.
            if context.is_cancelled() {
                report.interrupted = true;
                break;
            }
        }
        no_grad(|| weights.iter_mut().zip(&best).try_for_each(|(weight, best)| weight.f_copy_(best)))?;
        Ok(report)
    }
}

fn optimizer(weights: &[Tensor], learning_rate: f64) -> Result<COptimizer> {
    let mut adam = COptimizer::adam(learning_rate, 0.9, 0.999, 0.0, 1e-8, false)?;
    let trainable: Vec<_> = weights.iter().filter(|weight| weight.requires_grad()).collect();
    if trainable.is_empty() {
        return Err(PluginError::unsupported("the model has no trainable weights"));
    }
    trainable.into_iter().try_for_each(|weight| adam.add_parameters(weight, 0))?;
    Ok(adam)
}

/// The loss over the labelled edges of a split, a scalar.
fn loss(fit: &Fit, split: &Split, mode: Mode) -> Result<Tensor> {
    let target = &fit.splits.target;
    let embeddings = fit.model.encode(&split.graph, mode)?;
    let ends = |row, name: &str| -> Result<Tensor> {
        Ok(embeddings.get(name)?.f_index_select(0, &split.edge_label_index.f_get(row)?)?)
        // [n_labels, width]
    };
    let products = ends(0, &target.source)?.f_mul(&ends(1, &target.destination)?)?; // [n_labels, width]
    let scores = products.f_sum_dim_intlist([1].as_slice(), false, None)?; // [n_labels]
    fit.loss.forward(&scores, &split.edge_label)
}

/// `None` if no edges are held out for it.
fn validation_loss(fit: &Fit) -> Result<Option<f64>> {
    let split = &fit.splits.val;
    if split.edge_label.numel() == 0 {
        return Ok(None);
    }
    Ok(Some(loss(fit, split, Mode::Eval)?.f_double_value(&[])?))
}

fn copies(weights: &[Tensor]) -> Result<Vec<Tensor>> {
    let copy = |weight: &Tensor| -> Result<Tensor> {
        let mut copy = weight.f_detach()?.f_empty_like()?;
        copy.f_copy_(&weight.f_detach()?)?;
        Ok(copy)
    };
    weights.iter().map(copy).collect()
}

fn progress(epoch: usize, num_epochs: usize, train_loss: f64) -> Progress {
    let note = format!("train_loss {train_loss:.4}");
    Progress { task: "epoch".into(), done: epoch as u64, total: Some(num_epochs as u64), unit: String::new(), note }
}

plugin_api::export_plugin!(trainer: MyPlugin);

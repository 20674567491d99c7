//! Tests of losses.

use plugin_api::abi::loss::LossObject;
use plugin_api::loss::LabelledEdges;
use plugin_api::PluginError;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

use super::board::{self, N};
use super::reference::{self, scores, Fault};
use super::subject::{Built, Subject};
use super::training;
use super::verdict::{ensure, skip, Checked, During};

const OPTIONS: (Kind, Device) = (Kind::Float, Device::Cpu);
const WIDTH: i64 = 6;

/// Positives of the checkerboard, then a negative for each.
struct Batch {
    source: Tensor,
    destination: Tensor,
    edge_label_index: Tensor,
    edge_label: Tensor,
}

impl Batch {
    fn new() -> Result<Self, PluginError> {
        let split = board::checkerboard()?.train;
        let [source, destination] = [0.0, 1.0].map(embeddings);
        let (edge_label_index, edge_label) = (split.edge_label_index, split.edge_label);
        Ok(Self { source: source?, destination: destination?, edge_label_index, edge_label })
    }

    fn scores(&self) -> Result<Tensor, PluginError> {
        scores(&self.source, &self.destination, &self.edge_label_index)
    }

    fn edges(&self) -> LabelledEdges<'_> {
        let Self { source, destination, edge_label_index, edge_label } = self;
        LabelledEdges { source, destination, edge_label_index, edge_label, index: None }
    }
}

/// f32 `[N, WIDTH]` with gradient, always the same.
fn embeddings(phase: f64) -> Result<Tensor, PluginError> {
    let counter = Tensor::f_arange(N * WIDTH, OPTIONS)?; // [N * WIDTH]
    Ok((counter * 12.9898 + phase).f_sin()?.f_view([N, WIDTH])?.f_set_requires_grad(true)?)
}

/// # Errors
/// Those of the loss.
pub fn use_with(subject: &Subject, params: &Value) -> Result<(), PluginError> {
    let (loss, batch) = (subject.loss_with(params)?, Batch::new()?);
    let value = loss.forward(&batch.scores()?, &batch.edge_label)?;
    if value.requires_grad() {
        value.f_backward()?;
    }
    loss.forward_edges(&batch.edges()).map(drop)
}

pub fn shapes(subject: &Subject) -> Checked {
    let batch = Batch::new()?;
    let value = subject.loss()?.forward(&batch.scores()?, &batch.edge_label)?;
    let (shape, kind) = (value.size(), value.f_kind()?);
    ensure(shape.iter().product::<i64>() == 1 && kind == Kind::Float, || {
        format!("the loss must be a scalar f32, not {kind:?} of shape {shape:?}")
    })
}

pub fn empty_batch(subject: &Subject) -> Checked {
    let loss = subject.loss()?;
    for (n_positives, n_negatives, what) in [(0, 0, "no edges"), (4, 0, "no negatives"), (0, 4, "no positives")] {
        let labels =
            Tensor::f_cat(&[Tensor::f_ones([n_positives], OPTIONS)?, Tensor::f_zeros([n_negatives], OPTIONS)?], 0)?;
        let scores = Tensor::f_zeros([n_positives + n_negatives], OPTIONS)?.f_set_requires_grad(true)?;
        // An error is a good answer; a panic is none, nor a number that is none.
        match loss.forward(&scores, &labels) {
            Err(error) if error.kind == plugin_api::error::ErrorKind::Panicked => return Err(error).during(what),
            Err(_) => {}
            Ok(value) => finite_value(&value).during(what)?,
        }
    }
    Ok(())
}

fn finite_value(value: &Tensor) -> Checked {
    let value = value.f_double_value(&[])?;
    ensure(value.is_finite(), || format!("the loss is {value}"))
}

/// Loss and gradient by the scores.
fn gradient(loss: &LossObject, scores: &Tensor, labels: &Tensor) -> Checked<(Tensor, Tensor)> {
    let scores = scores.f_detach()?.f_set_requires_grad(true)?;
    let value = loss.forward(&scores, labels)?;
    if !value.requires_grad() {
        return skip("the loss has no gradient; see the test `gradients`");
    }
    value.f_backward()?;
    let gradient = scores.f_grad()?;
    Ok((value, gradient))
}

pub fn finite(subject: &Subject) -> Checked {
    let (loss, batch) = (subject.loss()?, Batch::new()?);
    for size in [1.0, 50.0, 1e4] {
        let what = format!("scores up to {size}");
        let scores = batch.scores()?.f_mul_scalar(size)?;
        let (value, gradient) = gradient(&loss, &scores, &batch.edge_label)?;
        finite_value(&value).during(&what)?;
        let finite = !gradient.defined() || gradient.f_isfinite()?.f_all()?.f_int64_value(&[])? == 1;
        ensure(finite, || "the gradient is not finite".into()).during(&what)?;
    }
    Ok(())
}

pub fn gradients(subject: &Subject) -> Checked {
    let (loss, batch) = (subject.loss()?, Batch::new()?);
    let scores = batch.scores()?.f_detach()?.f_set_requires_grad(true)?;
    let value = loss.forward(&scores, &batch.edge_label)?;
    ensure(value.requires_grad(), || "the loss depends on no score: nothing can be learned by it".into())?;
    value.f_backward()?;
    let gradient = scores.f_grad()?;
    let sum = if gradient.defined() { gradient.f_abs()?.f_sum(Kind::Double)?.f_double_value(&[])? } else { 0.0 };
    ensure(sum > 0.0, || "the gradient by the scores is zero".into())
}

pub fn forward_edges(subject: &Subject) -> Checked {
    const TOLERANCE: f64 = 1e-4;
    let loss = subject.loss()?;
    let by_edges = Batch::new()?;
    let Some(value) = loss.forward_edges(&by_edges.edges())? else { return skip("it scores no edges itself") };
    let by_scores = Batch::new()?;
    let expected = loss.forward(&by_scores.scores()?, &by_scores.edge_label)?;
    let close = |left: &Tensor, right: &Tensor| -> Checked<bool> {
        let scale = right.f_abs()?.f_max()?.f_double_value(&[])?.max(1e-6);
        Ok((left - right).f_abs()?.f_max()?.f_double_value(&[])? <= TOLERANCE * scale)
    };
    ensure(close(&value, &expected)?, || format!("forward_edges gives {value:?}, forward {expected:?}"))?;
    if !expected.requires_grad() {
        return Ok(());
    }
    ensure(value.requires_grad(), || "forward_edges gives no gradient, forward does".into())?;
    value.f_backward()?;
    expected.f_backward()?;
    for (name, left, right) in [
        ("source", &by_edges.source, &by_scores.source),
        ("destination", &by_edges.destination, &by_scores.destination),
    ] {
        let (left, right) = (left.f_grad()?, right.f_grad()?);
        let fits = left.defined() == right.defined() && (!left.defined() || close(&left, &right)?);
        ensure(fits, || format!("forward_edges gives another gradient by the {name} embeddings than forward"))?;
    }
    Ok(())
}

pub fn learns(subject: &Subject) -> Checked {
    let (loss, batch) = (subject.loss()?, Batch::new()?);
    drop(gradient(&loss, &batch.scores()?, &batch.edge_label)?);
    let make = || -> Checked<Built> {
        let splits = board::checkerboard()?;
        Ok(Built { model: reference::model(&splits.metadata(), Fault::None, 0, &subject.host())?, splits })
    };
    training::learns(make, plugin_api::graph::Graph::share, &loss)
}

pub fn same_seed(subject: &Subject) -> Checked {
    let batch = Batch::new()?;
    let once = || -> Checked<Tensor> {
        // A loss may draw from the generator that the host seeds.
        tch::manual_seed(subject.seed.cast_signed());
        Ok(subject.loss()?.forward(&batch.scores()?, &batch.edge_label)?)
    };
    let (first, second) = (once()?, once()?);
    ensure(first.f_equal(&second)?, || format!("two instances give {first:?} and {second:?}"))
}

//! Tests of trainers, with the reference model, loss and evaluator.

use std::time::Duration;

use plugin_api::abi::model::ModelObject;
use plugin_api::abi::trainer::TrainerObject;
use plugin_api::dataset::LinkSplits;
use plugin_api::error::ErrorKind;
use plugin_api::model::Mode;
use plugin_api::trainer::{Fit, FitReport};
use plugin_api::{PluginError, Result};
use serde_json::Value;
use tch::{no_grad, Tensor};

use super::board;
use super::host::CheckHost;
use super::reference::{self, Fault, DELIBERATE};
use super::subject::Subject;
use super::training::misplaced;
use super::verdict::{ensure, fail, skip, words, Checked, During};

/// After a request to stop.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What a trainer did to the reference model on the checkerboard.
struct Fitted {
    model: ModelObject,
    splits: LinkSplits,
    report: Result<FitReport>,
}

impl Fitted {
    fn new(mut trainer: TrainerObject, host: &CheckHost, fault: Fault, step_ms: u64) -> Checked<Self> {
        let splits = board::checkerboard()?;
        let model = reference::model(&splits.metadata(), fault, step_ms, host)?;
        let (loss, evaluator) = (reference::loss(host)?, reference::evaluator(host)?);
        let report = trainer.fit(&Fit { model: &model, loss: &loss, evaluator: &evaluator, splits: &splits });
        Ok(Self { model, splits, report })
    }

    /// By the trainer under test, with its own parameters.
    fn by(subject: &Subject, host: &CheckHost) -> Checked<Self> {
        tch::manual_seed(subject.seed.cast_signed());
        Self::new(subject.trainer(host)?, host, Fault::None, 0)
    }

    fn report(&self) -> Checked<FitReport> {
        self.report.clone().during("fit")
    }
}

/// # Errors
/// Those of the trainer.
pub fn use_with(subject: &Subject, params: &Value) -> Result<(), PluginError> {
    let host = subject.host();
    let trainer = subject.trainer_with(params, &host)?;
    let fitted = Fitted::new(trainer, &host, Fault::None, 0);
    let fitted = fitted.map_err(|finding| PluginError::failed(format!("the suite itself: {finding:?}")))?;
    fitted.report.map(drop)
}

pub fn learns(subject: &Subject) -> Checked {
    let host = subject.host();
    let fitted = Fitted::by(subject, &host)?;
    ensure(fitted.report()?.n_epochs > 0, || "its default is to train for no epoch".into())?;
    let losses: Vec<f64> =
        host.kept().epochs.iter().filter_map(|epoch| epoch.values.get("train_loss").copied()).collect();
    if let [first, .., last] = losses.as_slice() {
        ensure(last < first, || format!("train_loss went from {first} to {last}"))?;
    }
    let graph = &fitted.splits.train.graph;
    let embeddings = no_grad(|| fitted.model.encode(graph, Mode::Eval))?;
    let misplaced = misplaced(&embeddings, &fitted.splits)?;
    ensure(misplaced.is_empty(), || {
        format!("one step downhill is enough, but the withheld item does not come first for users {misplaced:?}")
    })
}

pub fn report(subject: &Subject) -> Checked {
    let host = subject.host();
    let report = Fitted::by(subject, &host)?.report()?;
    let kept = host.kept();
    let numbers: Vec<_> = kept.epochs.iter().map(|epoch| epoch.epoch).collect();
    ensure(numbers.iter().copied().eq(1..=numbers.len()), || {
        format!("epochs must be numbered from 1, not {numbers:?}")
    })?;
    ensure(report.n_epochs == numbers.len(), || {
        format!("it says that it ran {} epochs, but reported {}", report.n_epochs, numbers.len())
    })?;
    let best = report.best_epoch.unwrap_or(1);
    ensure((1..=report.n_epochs.max(1)).contains(&best), || format!("best_epoch {best} of {}", report.n_epochs))?;
    ensure(!report.interrupted, || "it says that it was interrupted; nobody did".into())?;
    for epoch in &kept.epochs {
        let loss = epoch.values.get("train_loss");
        ensure(loss.is_some_and(|loss| loss.is_finite()), || {
            format!("train_loss of epoch {} is {loss:?}", epoch.epoch)
        })?;
    }
    Ok(())
}

pub fn passes_graph(subject: &Subject) -> Checked {
    let host = subject.host();
    Fitted::by(subject, &host)?.report()?;
    let kept = host.kept();
    let wrong = kept.encodes.iter().filter(|encode| (encode.n_edges > 0) != subject.passes_graph).count();
    ensure(wrong == 0, || {
        let (says, does) = if subject.passes_graph { ("passes", "none") } else { ("passes no", "some") };
        format!("it says that it {says} edges, but gave the model {does} in {wrong} of {} calls", kept.encodes.len())
    })
}

pub fn failing_parts(subject: &Subject) -> Checked {
    let fault = |fault| -> Checked<Result<FitReport>> {
        let host = subject.host();
        Ok(Fitted::new(subject.trainer(&host)?, &host, fault, 0)?.report)
    };
    match fault(Fault::Errors)? {
        Err(error) if error.to_string().contains(DELIBERATE) && error.kind != ErrorKind::Panicked => {}
        Err(error) => return fail(format!("the model's error became another: {}", words(&error))),
        Ok(_) => return fail("the model's error was lost"),
    }
    match fault(Fault::NotFinite)? {
        Err(error) if error.kind != ErrorKind::Panicked => Ok(()),
        Err(error) => Err(error).during("a loss that is NaN"),
        Ok(_) => fail("it trained on although the loss is NaN"),
    }
}

/// The reference model takes its time, and during its second training step the user asks to stop.
pub fn cancel(subject: &Subject) -> Checked {
    const CANCEL_AT: usize = 2;
    const STEP_MS: u64 = 30;
    let host = CheckHost::cancelling(subject.seed, &subject.folders, Some(CANCEL_AT));
    let fitted = Fitted::new(subject.trainer(&host)?, &host, Fault::None, STEP_MS)?;
    let kept = host.kept();
    let Some(since) = kept.cancelled_at else { return skip("by default it trains for one step only") };
    let (n_steps, waited) = (kept.encodes.iter().filter(|encode| encode.training).count() - CANCEL_AT, since.elapsed());
    ensure(n_steps <= 1 || waited <= LONGEST_WAIT, || {
        format!("after the request it went on for {n_steps} steps and {:.1} s", waited.as_secs_f64())
    })?;
    match fitted.report {
        Ok(report) => ensure(report.interrupted, || "it does not say in its report that it was interrupted".into()),
        Err(error) if error.kind == ErrorKind::Interrupted => Ok(()),
        Err(error) => Err(error).during("after the request"),
    }
}

pub fn same_seed(subject: &Subject) -> Checked {
    let run = || -> Checked<Vec<(String, Tensor)>> {
        let fitted = Fitted::by(subject, &subject.host())?;
        fitted.report()?;
        Ok(fitted.model.parameters()?)
    };
    for ((name, first), (_, second)) in run()?.iter().zip(&run()?) {
        ensure(first.f_equal(second)?, || format!("`{name}` differs after the same training"))?;
    }
    Ok(())
}

//! The trainer's twin.

use abi_stable::std_types::RBox;
use abi_stable::{sabi_trait, StableAbi};

use crate::abi::evaluator::EvaluatorObject;
use crate::abi::guard::Guarded;
use crate::abi::loss::LossObject;
use crate::abi::model::ModelObject;
use crate::abi::types::{from_wire, AbiRecord, AbiResult};
use crate::context::Context;
use crate::dataset::LinkSplits;
use crate::error::Result;
use crate::record::Record;
use crate::trainer::{Fit, FitReport, Trainer};

#[sabi_trait]
pub trait AbiTrainer: Send {
    #[sabi(last_prefix_field)]
    fn fit(
        &mut self,
        model: &ModelObject,
        loss: &LossObject,
        evaluator: &EvaluatorObject,
        splits: &AbiRecord,
    ) -> AbiResult<AbiRecord>;
}

struct Adapter<T> {
    trainer: Guarded<T>,
    context: Context,
}

impl<T: Trainer> AbiTrainer for Adapter<T> {
    fn fit(
        &mut self,
        model: &ModelObject,
        loss: &LossObject,
        evaluator: &EvaluatorObject,
        splits: &AbiRecord,
    ) -> AbiResult<AbiRecord> {
        self.trainer.call_mut(|trainer| {
            let splits = LinkSplits::from_record(&Record::from(splits))?;
            let report = trainer.fit(&Fit { model, loss, evaluator, splits: &splits }, &self.context)?;
            Ok(to_record(&report).into())
        })
    }
}

fn to_record(report: &FitReport) -> Record {
    let mut record = Record::default();
    record.set_text("n_epochs", report.n_epochs);
    record.set_text("interrupted", report.interrupted);
    if let Some(epoch) = report.best_epoch {
        record.set_text("best_epoch", epoch);
    }
    record
}

fn from_record(record: &Record) -> Result<FitReport> {
    let best_epoch = record.texts.contains_key("best_epoch").then(|| record.parsed("best_epoch")).transpose()?;
    Ok(FitReport { n_epochs: record.parsed("n_epochs")?, interrupted: record.parsed("interrupted")?, best_epoch })
}

/// A trainer of any library.
#[repr(transparent)]
#[derive(StableAbi)]
pub struct TrainerObject(AbiTrainer_TO<'static, RBox<()>>);

impl TrainerObject {
    /// Constructs an author's trainer behind the ABI.
    ///
    /// # Errors
    /// Whatever its constructor says, or [`crate::error::ErrorKind::Panicked`].
    pub fn construct<T: Trainer>(component: String, params: &str, context: Context) -> Result<Self> {
        let trainer = Guarded::construct(component, || T::new(crate::params::parse(params)?, &context))?;
        Ok(Self(AbiTrainer_TO::from_value(Adapter { trainer, context }, sabi_trait::TD_Opaque)))
    }

    /// See [`Trainer::fit`].
    pub fn fit(&mut self, fit: &Fit) -> Result<FitReport> {
        let splits = fit.splits.to_record().into();
        from_record(&Record::from(&from_wire(self.0.fit(fit.model, fit.loss, fit.evaluator, &splits))?))
    }
}

//! The evaluator's twin.

use abi_stable::std_types::{RBox, RVec};
use abi_stable::{sabi_trait, StableAbi};

use crate::abi::guard::Guarded;
use crate::abi::types::{from_wire, AbiRecord, AbiResult, NamedNumber};
use crate::context::Context;
use crate::error::Result;
use crate::evaluator::{Evaluation, Evaluator, Metrics, Scope};
use crate::record::Record;

#[sabi_trait]
pub trait AbiEvaluator: Send {
    #[sabi(last_prefix_field)]
    fn evaluate(&self, evaluation: &AbiRecord, full_ranking: bool) -> AbiResult<RVec<NamedNumber>>;
}

struct Adapter<E> {
    evaluator: Guarded<E>,
    context: Context,
}

impl<E: Evaluator> AbiEvaluator for Adapter<E> {
    fn evaluate(&self, evaluation: &AbiRecord, full_ranking: bool) -> AbiResult<RVec<NamedNumber>> {
        self.evaluator.call(|evaluator| {
            let record = Record::from(evaluation);
            let evaluation = Evaluation {
                source: &record.tensor("source")?,
                destination: &record.tensor("destination")?,
                edge_label_index: &record.tensor("edge_label_index")?,
                edge_label: &record.tensor("edge_label")?,
                known_edges: &record.tensor("known_edges")?,
                scope: if full_ranking { Scope::FullRanking } else { Scope::LabelledEdges },
            };
            Ok(NamedNumber::all(&evaluator.evaluate(&evaluation, &self.context)?))
        })
    }
}

/// An evaluator of any library.
#[repr(transparent)]
#[derive(StableAbi)]
pub struct EvaluatorObject(AbiEvaluator_TO<'static, RBox<()>>);

impl EvaluatorObject {
    /// Constructs an author's evaluator behind the ABI.
    ///
    /// # Errors
    /// Whatever its constructor says, or [`crate::error::ErrorKind::Panicked`].
    pub fn construct<E: Evaluator>(component: String, params: &str, context: Context) -> Result<Self> {
        let evaluator = Guarded::construct(component, || E::new(crate::params::parse(params)?, &context))?;
        Ok(Self(AbiEvaluator_TO::from_value(Adapter { evaluator, context }, sabi_trait::TD_Opaque)))
    }

    /// An evaluator that was made already, such as the host's end of one in another process.
    pub fn of<E: Evaluator>(component: String, evaluator: E, context: Context) -> Self {
        let evaluator = Guarded::new(component, evaluator);
        Self(AbiEvaluator_TO::from_value(Adapter { evaluator, context }, sabi_trait::TD_Opaque))
    }

    /// See [`Evaluator::evaluate`].
    pub fn evaluate(&self, evaluation: &Evaluation) -> Result<Metrics> {
        let mut record = Record::default();
        record.set_tensor("source", evaluation.source);
        record.set_tensor("destination", evaluation.destination);
        record.set_tensor("edge_label_index", evaluation.edge_label_index);
        record.set_tensor("edge_label", evaluation.edge_label);
        record.set_tensor("known_edges", evaluation.known_edges);
        let full_ranking = match evaluation.scope {
            Scope::FullRanking => true,
            Scope::LabelledEdges => false,
        };
        let metrics = from_wire(self.0.evaluate(&record.into(), full_ranking))?;
        Ok(metrics.into_iter().map(|number| (number.name.into(), number.value)).collect())
    }
}

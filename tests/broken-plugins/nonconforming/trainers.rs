//! Full-batch Adam, and what an author may get wrong about it.

use std::sync::atomic::{AtomicI64, Ordering};

use plugin_api::prelude::*;
use tch::{no_grad, COptimizer, Tensor};

plugin_api::params! {
    pub struct Params {
        /// Passes over the training edges.
        num_epochs: usize = 60,
        /// Adam's step size.
        #[schemars(range(min = 0.0))]
        learning_rate: f64 = 1e-3,
    }
}

/// What one trainer does differently.
#[derive(Clone, Copy)]
pub struct Quirks {
    climbs: bool,
    miscounts: bool,
    withholds_graph: bool,
    takes_nan: bool,
    goes_on: bool,
    is_never_the_same: bool,
}

const NONE: Quirks = Quirks {
    climbs: false,
    miscounts: false,
    withholds_graph: false,
    takes_nan: false,
    goes_on: false,
    is_never_the_same: false,
};

pub trait Quirk: Send + 'static {
    const QUIRKS: Quirks;
}

pub struct FullBatch<Q> {
    params: Params,
    quirk: std::marker::PhantomData<fn() -> Q>,
}

impl<Q: Quirk> Trainer for FullBatch<Q> {
    type Params = Params;

    const PASSES_GRAPH: bool = true;

    fn new(params: Params, _: &Context) -> Result<Self> {
        Ok(Self { params, quirk: std::marker::PhantomData })
    }

    fn fit(&mut self, fit: &Fit, context: &Context) -> Result<FitReport> {
        let parameters = fit.model.parameters()?;
        let mut optimizer = COptimizer::adam(self.params.learning_rate, 0.9, 0.999, 0.0, 1e-8, false)?;
        parameters.iter().try_for_each(|(_, parameter)| optimizer.add_parameters(parameter, 0))?;
        if Q::QUIRKS.is_never_the_same {
            static COUNTER: AtomicI64 = AtomicI64::new(0);
            let offset = COUNTER.fetch_add(1, Ordering::Relaxed) as f64 * 1e-6;
            no_grad(|| parameters[0].1.shallow_clone().f_add_scalar_(offset).map(drop))?;
        }
        let mut report = FitReport::default();
        for epoch in 1..=self.params.num_epochs {
            let loss = step::<Q>(fit, &mut optimizer)?;
            let values = [("train_loss".to_owned(), loss)].into();
            context.report_epoch(&EpochRecord { epoch, values })?;
            report.n_epochs = epoch + usize::from(Q::QUIRKS.miscounts);
            report.interrupted = context.is_cancelled();
            if report.interrupted && !Q::QUIRKS.goes_on {
                break;
            }
        }
        Ok(report)
    }
}

fn step<Q: Quirk>(fit: &Fit, optimizer: &mut COptimizer) -> Result<f64> {
    let (target, split) = (&fit.splits.target, &fit.splits.train);
    let graph = if Q::QUIRKS.withholds_graph { split.graph.without_edges() } else { split.graph.share() };
    let embeddings = fit.model.encode(&graph, Mode::Train)?;
    let end = |name: &str, row| -> Result<Tensor> {
        Ok(embeddings.get(name)?.f_index_select(0, &split.edge_label_index.f_get(row)?)?)
        // [n, width]
    };
    let scores =
        (end(&target.source, 0)? * end(&target.destination, 1)?).f_sum_dim_intlist([1].as_slice(), false, None)?;
    let loss = fit.loss.forward(&scores, &split.edge_label)?;
    let value = loss.f_double_value(&[])?;
    if !value.is_finite() && !Q::QUIRKS.takes_nan {
        return Err(PluginError::failed(format!("the loss is {value}")));
    }
    optimizer.zero_grad()?;
    if Q::QUIRKS.climbs {
        loss.f_neg()?.f_backward()?;
    } else {
        loss.f_backward()?;
    }
    optimizer.step()?;
    Ok(value)
}

/// Declares a trainer by its quirk.
macro_rules! trainer {
    ($name:ident, $quirk:ident $(, $field:ident)?) => {
        pub struct $quirk;
        pub type $name = FullBatch<$quirk>;

        impl Quirk for $quirk {
            const QUIRKS: Quirks = Quirks { $($field: true,)? ..NONE };
        }
    };
}

trainer!(GoodTrainer, NoQuirk);
trainer!(ClimbsUp, Climbs, climbs);
trainer!(Miscounts, Counts, miscounts);
trainer!(WithholdsTheGraph, Withholds, withholds_graph);
trainer!(TrainsOnNaN, TakesNaN, takes_nan);
trainer!(GoesOn, Continues, goes_on);
trainer!(NeverTheSame, Varies, is_never_the_same);

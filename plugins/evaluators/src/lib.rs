//! `evaluators:RankingEvaluator`: the labelled edges in [`labelled_edges`], the full ranking over all items in [`ranking`]. The metrics
//! of both are in [`metrics`], a metric a file.

mod labelled_edges;
mod metrics;
mod ranking;

use std::collections::BTreeSet;

use plugin_api::prelude::*;

// Without a host, as examples/full_ranking.rs calls them.
pub use labelled_edges::evaluate as evaluate_labelled_edges;
pub use ranking::evaluate as evaluate_ranking;

plugin_api::params! {
    /// ROC AUC and average precision on the labelled edges; precision, recall, MAP, NDCG, MRR and hit rate at every k by full ranking
    /// over all items, known edges masked, averaged over the users that have held-out items.
    struct Params {
        /// The list lengths of the ranking metrics.
        #[schemars(length(min = 1), inner(range(min = 1)), extend("unit" = "items"))]
        k: Vec<usize> = vec![5, 10, 20],
        /// How many users are ranked at once; bounds the memory, beside one copy of the item embeddings. Changes no result.
        #[schemars(range(min = 1), extend("unit" = "users"))]
        block_size: i64 = 512,
    }
}

struct RankingEvaluator {
    ks: Vec<usize>,
    block_size: i64,
}

impl Evaluator for RankingEvaluator {
    type Params = Params;

    fn new(params: Params, _: &Context) -> Result<Self> {
        if params.k.is_empty() || params.k.contains(&0) {
            return Err(PluginError::invalid_parameter("k", "must name at least one list length, each 1 or more"));
        }
        let ks: BTreeSet<_> = params.k.into_iter().collect();
        Ok(Self { ks: ks.into_iter().collect(), block_size: params.block_size.max(1) })
    }

    fn evaluate(&self, evaluation: &Evaluation, _: &Context) -> Result<Metrics> {
        let mut metrics = labelled_edges::evaluate(evaluation)?;
        match evaluation.scope {
            Scope::LabelledEdges => {}
            Scope::FullRanking => metrics.extend(ranking::evaluate(evaluation, &self.ks, self.block_size)?),
        }
        Ok(metrics)
    }
}

plugin_api::export_plugin!(evaluator: RankingEvaluator);

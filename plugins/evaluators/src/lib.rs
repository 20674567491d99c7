//! `evaluators:RankingEvaluator`. The metrics are in [`metrics`], a metric a file; the full ranking over all items in [`ranking`].

mod metrics;
mod ranking;

use std::collections::BTreeSet;

use metrics::{average_precision, roc_auc};
use nn::dot_product_scores;
use plugin_api::prelude::*;
use tch::Kind;

plugin_api::params! {
    /// ROC AUC and average precision on the labelled edges; precision, recall, MAP, NDCG, MRR and hit rate at every k by full ranking
    /// over all items, known edges masked, averaged over the users that have held-out items.
    struct Params {
        /// The list lengths of the ranking metrics.
        #[schemars(length(min = 1), inner(range(min = 1)))]
        k: Vec<usize> = vec![5, 10, 20],
        /// How many users are ranked at once; bounds the memory to block_size times the number of items.
        #[schemars(range(min = 1))]
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
        let mut metrics = labelled_edges(evaluation)?;
        match evaluation.scope {
            Scope::LabelledEdges => {}
            Scope::FullRanking => metrics.extend(ranking::evaluate(evaluation, &self.ks, self.block_size)?),
        }
        Ok(metrics)
    }
}

fn labelled_edges(evaluation: &Evaluation) -> Result<Metrics> {
    let Evaluation { source, destination, edge_label_index, edge_label, .. } = evaluation;
    let scores = dot_product_scores(source, destination, edge_label_index)?; // [n_labels]
    let scores = Vec::<f32>::try_from(scores.f_to_device(tch::Device::Cpu)?.f_detach()?)?;
    let labels = Vec::<bool>::try_from(edge_label.f_to_device(tch::Device::Cpu)?.f_gt(0.5)?.f_to_kind(Kind::Bool)?)?;
    let defined = [("auc", roc_auc(&labels, &scores)), ("ap", average_precision(&labels, &scores))];
    Ok(defined.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

plugin_api::export_plugin!(evaluator: RankingEvaluator);

//! `my_plugin:MyPlugin`: an evaluator: from embeddings to metrics.
//!
//! Here, the hit rate: the share of the users with held-out items that find one of them among the k best items that they do not know.

use plugin_api::prelude::*;
use tch::{Kind, Tensor};

/// Users ranked at once; bounds the memory.
const BLOCK: i64 = 512;

plugin_api::params! {
    /// Hit rate at k over all items, known edges masked, as `hit@k`.
    struct Params {
        /// The length of the lists.
        #[schemars(range(min = 1), extend("unit" = "items"))]
        k: i64 = 10,
    }
}

struct MyPlugin {
    params: Params,
}

impl Evaluator for MyPlugin {
    type Params = Params;

    fn new(params: Params, _: &Context) -> Result<Self> {
        Ok(Self { params })
    }

    fn evaluate(&self, evaluation: &Evaluation, _: &Context) -> Result<Metrics> {
        // The ranking is asked for seldom; every epoch asks for what the labelled edges tell, which is nothing here.
        match evaluation.scope {
            Scope::LabelledEdges => return Ok(Metrics::new()),
            Scope::FullRanking => {}
        }
        let columns = evaluation.edge_label.f_gt(0.5)?.f_nonzero()?.f_squeeze_dim(1)?; // [n_positives]
        let heldout = evaluation.edge_label_index.f_index_select(1, &columns)?; // [2, n_positives]
        let n_users = evaluation.source.size()[0];
        let (mut n_hits, mut n_counted) = (0, 0);
        for first in (0..n_users).step_by(BLOCK as usize) {
            let (hits, counted) = self.count(evaluation, &heldout, first, BLOCK.min(n_users - first))?;
            (n_hits, n_counted) = (n_hits + hits, n_counted + counted);
        }
        // Undefined is absent, not 0.
        let rate = (n_counted > 0).then(|| n_hits as f64 / n_counted as f64);
        Ok(rate.map(|rate| (format!("hit@{}", self.params.k), rate)).into_iter().collect())
    }
}

impl MyPlugin {
    /// Of `n` users from `first` on: how many find a held-out item, and how many have one.
    fn count(&self, evaluation: &Evaluation, heldout: &Tensor, first: i64, n: i64) -> Result<(i64, i64)> {
        let items = evaluation.destination; // [n_items, width]
        let n_items = items.size()[0];
        let known = table(evaluation.known_edges, first, n, n_items)?; // [n, n_items]
        let heldout = table(heldout, first, n, n_items)?; // [n, n_items]
        let scores = evaluation.source.f_narrow(0, first, n)?.f_matmul(&items.f_tr()?)?; // [n, n_items]
        let scores = scores.f_masked_fill(&known, f64::NEG_INFINITY)?;
        let (_, best) = scores.f_topk(self.params.k.min(n_items), 1, true, true)?; // [n, k]
        let hits = heldout.f_gather(1, &best, false)?.f_any_dim(1, false)?; // [n]
        let count = |flags: Tensor| Ok::<_, PluginError>(flags.f_sum(Kind::Int64)?.f_int64_value(&[])?);
        Ok((count(hits)?, count(heldout.f_any_dim(1, false)?)?))
    }
}

/// Which of `n` users from `first` on have an edge to which item, bool `[n, n_items]`.
fn table(edges: &Tensor, first: i64, n: i64, n_items: i64) -> Result<Tensor> {
    let (users, items) = (edges.f_get(0)?.f_sub_scalar(first)?, edges.f_get(1)?); // [n_edges]
    let inside = users.f_ge(0)?.f_logical_and(&users.f_lt(n)?)?; // [n_edges]
    let cells = users.f_mul_scalar(n_items)?.f_add(&items)?.f_masked_select(&inside)?; // [n_inside]
    let mut table = Tensor::f_zeros([n * n_items], (Kind::Bool, edges.device()))?;
    Ok(table.f_index_fill_(0, &cells, 1)?.f_view([n, n_items])?)
}

plugin_api::export_plugin!(evaluator: MyPlugin);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_users_that_find_a_heldout_item() {
        // Three users who like items 0, 1 and 2 best; the first knows item 0.
        let source = Tensor::from_slice2(&[[3.0f32, 2.0, 1.0], [1.0, 3.0, 2.0], [1.0, 2.0, 3.0]]);
        let destination = Tensor::eye(3, (Kind::Float, tch::Device::Cpu));
        let edges = |ends: &[[i64; 2]]| Tensor::from_slice2(ends).tr().contiguous();
        let evaluation = Evaluation {
            source: &source,
            destination: &destination,
            edge_label_index: &edges(&[[0, 1], [1, 0], [2, 2]]),
            edge_label: &Tensor::from_slice(&[1.0f32, 1.0, 0.0]),
            known_edges: &edges(&[[0, 0]]),
            scope: Scope::FullRanking,
        };
        let plugin = MyPlugin { params: Params { k: 1 } };
        let heldout = edges(&[[0, 1], [1, 0]]);
        let counted = plugin.count(&evaluation, &heldout, 0, 3).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(counted, (1, 2));
    }
}

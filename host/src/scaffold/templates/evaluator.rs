//! `my_plugin:MyPlugin`: an evaluator: from embeddings to metrics.
//!
//! Here, of the k best items that a user does not know: the hit rate, the share of the users with held-out items that find one among
//! them, and the mean reciprocal rank of the first one.

use plugin_api::prelude::*;
use tch::{Kind, Tensor};

/// Users ranked at once; bounds the memory.
const BLOCK: i64 = 512;

plugin_api::params! {
    /// Hit rate and mean reciprocal rank at k over all items, known edges masked, as `hit@k` and `mrr@k`.
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
        let mut sums = Sums::default();
        for first in (0..n_users).step_by(BLOCK as usize) {
            self.add(&mut sums, evaluation, &heldout, first, BLOCK.min(n_users - first))?;
        }
        let mut metrics = Metrics::new();
        // Undefined is absent, not 0.
        if sums.users > 0.0 {
            metrics.insert(format!("hit@{}", self.params.k), sums.hits / sums.users);
            metrics.insert(format!("mrr@{}", self.params.k), sums.reciprocal_ranks / sums.users);
        }
        Ok(metrics)
    }
}

/// Over the users with held-out items.
#[derive(Debug, Default, PartialEq)]
struct Sums {
    users: f64,
    hits: f64,
    reciprocal_ranks: f64,
}

impl MyPlugin {
    /// Adds `n` users from `first` on.
    fn add(&self, sums: &mut Sums, evaluation: &Evaluation, heldout: &Tensor, first: i64, n: i64) -> Result<()> {
        let items = evaluation.destination; // [n_items, width]
        let n_items = items.size()[0];
        let known = table(evaluation.known_edges, first, n, n_items)?; // [n, n_items]
        let heldout = table(heldout, first, n, n_items)?; // [n, n_items]
        let scores = evaluation.source.f_narrow(0, first, n)?.f_matmul(&items.f_tr()?)?; // [n, n_items]
        let scores = scores.f_masked_fill(&known, f64::NEG_INFINITY)?;
        let (_, best) = scores.f_topk(self.params.k.min(n_items), 1, true, true)?; // [n, k]
        let found = heldout.f_gather(1, &best, false)?.f_to_kind(Kind::Double)?; // [n, k]
        let ranks = Tensor::f_arange_start(1, best.size()[1] + 1, (Kind::Double, items.device()))?; // [k]
        let reciprocal = found.f_div(&ranks)?.f_amax([1], false)?; // [n], 0 for those who find none
        let sum = |values: Tensor| Ok::<_, PluginError>(values.f_sum(Kind::Double)?.f_double_value(&[])?);
        sums.users += sum(heldout.f_any_dim(1, false)?)?;
        sums.hits += sum(reciprocal.f_gt(0.0)?)?;
        sums.reciprocal_ranks += sum(reciprocal)?;
        Ok(())
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
    fn ranks_what_a_user_does_not_know() {
        // Three users who like items 0, 1 and 2 best; the first knows item 0, the second finds item 0 last.
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
        let heldout = edges(&[[0, 1], [1, 0]]);
        for (k, hits, reciprocal_ranks) in [(1, 1.0, 1.0), (3, 2.0, 1.0 + 1.0 / 3.0)] {
            let (plugin, mut sums) = (MyPlugin { params: Params { k } }, Sums::default());
            plugin.add(&mut sums, &evaluation, &heldout, 0, 3).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(sums, Sums { users: 2.0, hits, reciprocal_ranks });
        }
    }
}

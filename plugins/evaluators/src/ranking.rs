//! The full ranking: every user with held-out items against all items, in blocks of users.

use plugin_api::prelude::*;
use tch::{Device, Kind, Tensor};

use crate::metrics::{top_k, RankingMetrics};

/// The metrics at every k of `ks`; empty if no user has held-out items. Independent of `block_size`.
pub fn evaluate(evaluation: &Evaluation, ks: &[usize], block_size: i64) -> Result<Metrics> {
    let n_users = evaluation.source.size()[0];
    let heldout = items_by_user(&positives(evaluation)?, n_users)?;
    let known = items_by_user(evaluation.known_edges, n_users)?;
    let (users, others): (Vec<i64>, Vec<i64>) = (0..n_users).partition(|user| !heldout.of(*user).is_empty());
    let mut metrics = RankingMetrics::new(ks);
    others.iter().for_each(|_| metrics.add_user(&[], &[]));
    let items = evaluation.destination.f_transpose(0, 1)?; // [width, n_items]
    for block in users.chunks(block_size as usize) {
        let rows = Tensor::f_from_slice(block)?.f_to_device(evaluation.source.device())?; // [block]
        let scores = evaluation.source.f_index_select(0, &rows)?.f_matmul(&items)?; // [block, n_items]
        if scores.f_isnan()?.f_any()?.f_int64_value(&[])? != 0 {
            return Err(PluginError::invalid_data("some scores are NaN: the embeddings are not finite"));
        }
        let n_items = items.size()[1] as usize;
        let scores = Vec::<f32>::try_from(scores.f_to_device(Device::Cpu)?.f_detach()?.f_reshape([-1])?)?;
        for (user, scores) in block.iter().zip(scores.chunks(n_items)) {
            let ranked = top_k(scores, known.of(*user), metrics.max_k());
            metrics.add_user(&ranked, heldout.of(*user));
        }
    }
    let summary = metrics.finish();
    log::debug!("ranked {} users; {} have no held-out items", summary.users_counted, summary.users_skipped);
    Ok(summary.metrics.into_iter().collect())
}

fn positives(evaluation: &Evaluation) -> Result<Tensor> {
    let columns = evaluation.edge_label.f_gt(0.5)?.f_nonzero()?.f_squeeze_dim(1)?; // [n_positives]
    Ok(evaluation.edge_label_index.f_index_select(1, &columns)?) // [2, n_positives]
}

/// Items grouped by user, sorted and unique within one.
struct ItemsByUser {
    offsets: Vec<usize>,
    items: Vec<u32>,
}

impl ItemsByUser {
    fn of(&self, user: i64) -> &[u32] {
        &self.items[self.offsets[user as usize]..self.offsets[user as usize + 1]]
    }
}

/// From edges i64 `[2, n]` whose ids lie within their ranges.
fn items_by_user(edges: &Tensor, n_users: i64) -> Result<ItemsByUser> {
    let edges = edges.f_to_device(Device::Cpu)?.f_to_kind(Kind::Int64)?;
    let row = |index| Ok::<_, PluginError>(Vec::<i64>::try_from(edges.f_get(index)?)?);
    let mut pairs: Vec<(i64, i64)> = row(0)?.into_iter().zip(row(1)?).collect();
    pairs.sort_unstable();
    pairs.dedup();
    if pairs.iter().any(|(user, item)| *user < 0 || *user >= n_users || u32::try_from(*item).is_err()) {
        return Err(PluginError::invalid_data("an edge names a node that has no embedding"));
    }
    let mut offsets = vec![0; n_users as usize + 1];
    pairs.iter().for_each(|(user, _)| offsets[*user as usize + 1] += 1);
    (0..n_users as usize).for_each(|user| offsets[user + 1] += offsets[user]);
    Ok(ItemsByUser { offsets, items: pairs.into_iter().map(|(_, item)| item as u32).collect() })
}

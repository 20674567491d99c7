//! The full ranking: every user with held-out items against all items, in blocks of users.

use nn::{ItemRanking, ItemsByUser};
use plugin_api::prelude::*;
use tch::Tensor;

use crate::metrics::RankingMetrics;

/// The metrics at every k of `ks`; empty if no user has held-out items. The same to the last bit for every `block_size` and number
/// of threads.
pub fn evaluate(evaluation: &Evaluation, ks: &[usize], block_size: i64) -> Result<Metrics> {
    let [n_users, n_items] = [evaluation.source, evaluation.destination].map(n_rows);
    let heldout = ItemsByUser::from_edges(&positives(evaluation)?, n_users, n_items)?;
    let (users, others): (Vec<usize>, Vec<usize>) = (0..n_users).partition(|user| !heldout.of(*user).is_empty());
    let mut metrics = RankingMetrics::new(ks);
    others.iter().for_each(|_| metrics.add_user([], &[]));
    if !users.is_empty() {
        let known = ItemsByUser::from_edges(evaluation.known_edges, n_users, n_items)?;
        let items = ItemRanking::new(evaluation.destination)?;
        for block in users.chunks(block_size as usize) {
            let rows: Vec<i64> = block.iter().map(|user| *user as i64).collect();
            let rows = Tensor::f_from_slice(&rows)?.f_to_device(evaluation.source.device())?; // [block]
            let rows = evaluation.source.f_detach()?.f_index_select(0, &rows)?; // [block, width]
            let lists = items.top_k(&rows, |row| known.of(block[row]), metrics.max_k())?;
            for (user, list) in block.iter().zip(lists) {
                metrics.add_user(list.iter().map(|scored| scored.item), heldout.of(*user));
            }
        }
    }
    let summary = metrics.finish();
    log::debug!("ranked {} users; {} have no held-out items", summary.users_counted, summary.users_skipped);
    Ok(summary.metrics.into_iter().collect())
}

fn n_rows(embeddings: &Tensor) -> usize {
    embeddings.size().first().map_or(0, |n| *n as usize)
}

fn positives(evaluation: &Evaluation) -> Result<Tensor> {
    let columns = evaluation.edge_label.f_gt(0.5)?.f_nonzero()?.f_squeeze_dim(1)?; // [n_positives]
    Ok(evaluation.edge_label_index.f_index_select(1, &columns)?) // [2, n_positives]
}

#[cfg(test)]
mod tests {
    use plugin_api::evaluator::Scope;
    use tch::{Device, Kind};

    use super::*;

    fn edges(n: i64) -> Tensor {
        let ends = [(97, n), (211, n)].map(|(n_nodes, n)| Tensor::randint(n_nodes, [n], (Kind::Int64, Device::Cpu)));
        Tensor::stack(&ends, 0) // [2, n]
    }

    #[test]
    fn neither_blocks_nor_threads_change_a_bit() {
        tch::manual_seed(5);
        let [source, destination] = [97, 211].map(|n| Tensor::randn([n, 33], (Kind::Float, Device::Cpu)));
        let (known_edges, edge_label_index) = (edges(3000), edges(150));
        let edge_label = Tensor::arange(150, (Kind::Float, Device::Cpu)).remainder(2);
        let evaluation = Evaluation {
            source: &source,
            destination: &destination,
            edge_label_index: &edge_label_index,
            edge_label: &edge_label,
            known_edges: &known_edges,
            scope: Scope::FullRanking,
        };
        let expected = evaluate(&evaluation, &[1, 5, 300], 512).unwrap();
        assert_eq!(expected.len(), 18);
        let n_threads = tch::get_num_threads();
        for threads in [1, 2, 3] {
            tch::set_num_threads(threads);
            for block_size in [1, 13, 64] {
                assert_eq!(evaluate(&evaluation, &[1, 5, 300], block_size).unwrap(), expected);
            }
        }
        tch::set_num_threads(n_threads);
        let nan = &destination * f64::NAN;
        let error = evaluate(&Evaluation { destination: &nan, ..evaluation }, &[5], 512).unwrap_err();
        assert!(error.to_string().contains("NaN"), "{error}");
    }
}

//! The metrics of rankings at every k, averaged over users.

use super::{hit_rate::hit_rate, map::map, mrr::mrr, ndcg::ndcg, precision::precision, recall::recall};

/// A metric of one user's ranked list.
#[derive(Clone, Copy)]
enum RankingMetric {
    Precision,
    Recall,
    Map,
    Ndcg,
    Mrr,
    HitRate,
}

impl RankingMetric {
    const ALL: [Self; 6] = [Self::Precision, Self::Recall, Self::Map, Self::Ndcg, Self::Mrr, Self::HitRate];

    fn name(self) -> &'static str {
        match self {
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::Map => "map",
            Self::Ndcg => "ndcg",
            Self::Mrr => "mrr",
            Self::HitRate => "hit",
        }
    }

    fn at(self, hits: &[bool], n_heldout: usize, k: usize) -> f64 {
        match self {
            Self::Precision => precision(hits, k),
            Self::Recall => recall(hits, n_heldout, k),
            Self::Map => map(hits, n_heldout, k),
            Self::Ndcg => ndcg(hits, n_heldout, k),
            Self::Mrr => mrr(hits, k),
            Self::HitRate => hit_rate(hits, k),
        }
    }
}

/// Sums of every metric at every k over the users added so far, in f64 and in the order of the users.
pub struct RankingMetrics {
    ks: Vec<usize>,
    /// A row of [`RankingMetric::ALL`] for each k.
    sums: Vec<[f64; RankingMetric::ALL.len()]>,
    users_counted: usize,
    users_skipped: usize,
    /// Of the last user; kept for its room.
    hits: Vec<bool>,
}

/// The averages over users.
pub struct RankingSummary {
    /// `precision@10` and the like, in the order of the ks. Empty if no user was counted: then none is defined.
    pub metrics: Vec<(String, f64)>,
    /// Users with held-out items: those averaged over.
    pub users_counted: usize,
    /// Users without any, for whom no metric is defined.
    pub users_skipped: usize,
}

impl RankingMetrics {
    /// `ks` are the lengths of the lists, in the order of the report; a repeated one counts once.
    ///
    /// # Panics
    /// If a k is 0, which has no metric: the parameters refuse it before.
    pub fn new(ks: &[usize]) -> Self {
        assert!(!ks.contains(&0), "k is at least 1");
        let mut distinct: Vec<usize> = Vec::with_capacity(ks.len());
        for &k in ks {
            if !distinct.contains(&k) {
                distinct.push(k);
            }
        }
        let sums = vec![[0.0; RankingMetric::ALL.len()]; distinct.len()];
        Self { ks: distinct, sums, users_counted: 0, users_skipped: 0, hits: Vec::new() }
    }

    /// How many items to rank for a user.
    pub fn max_k(&self) -> usize {
        self.ks.iter().copied().max().unwrap_or(0)
    }

    /// Counts one user: `ranked` holds the top [`max_k`](Self::max_k) items, best first, masked ones already out (fewer
    /// where fewer are left); `heldout` the items that the user turned to, sorted by id and without repeats.
    pub fn add_user(&mut self, ranked: impl IntoIterator<Item = u32>, heldout: &[u32]) {
        debug_assert!(heldout.is_sorted(), "held-out items are sorted by id");
        if heldout.is_empty() {
            self.users_skipped += 1;
            return;
        }
        self.users_counted += 1;
        self.hits.clear();
        self.hits.extend(ranked.into_iter().map(|item| heldout.binary_search(&item).is_ok()));
        for (&k, sums) in self.ks.iter().zip(&mut self.sums) {
            for (metric, sum) in RankingMetric::ALL.iter().zip(sums) {
                *sum += metric.at(&self.hits, heldout.len(), k);
            }
        }
    }

    /// The averages over the users counted.
    pub fn finish(self) -> RankingSummary {
        let mut metrics = Vec::new();
        if self.users_counted > 0 {
            for (k, sums) in self.ks.iter().zip(&self.sums) {
                for (metric, sum) in RankingMetric::ALL.iter().zip(sums) {
                    metrics.push((format!("{}@{k}", metric.name()), sum / self.users_counted as f64));
                }
            }
        }
        RankingSummary { metrics, users_counted: self.users_counted, users_skipped: self.users_skipped }
    }
}

#[cfg(test)]
mod tests {
    use nn::ItemRanking;
    use tch::{Device, Kind, Tensor};

    use super::*;
    use crate::metrics::golden;

    #[test]
    fn agrees_with_torch_geometric() {
        let fixture = golden::read("metrics.json");
        let expected = fixture["expected"].as_object().unwrap();
        let n_users = fixture["num_users"].as_u64().unwrap() as usize;
        let mut ranking = RankingMetrics::new(&[1, 5, 10, 20, 100]);
        // Users that pick a column out of the items' scores: the dot products are the scores, to the last bit.
        let scores: Vec<f32> = (0..n_users).flat_map(|user| golden::f32s(&fixture["scores"][user])).collect();
        let items = Tensor::from_slice(&scores).reshape([n_users as i64, -1]).tr(); // [n_items, n_users]
        let users = Tensor::eye(n_users as i64, (Kind::Float, Device::Cpu)); // [n_users, n_users]
        let known: Vec<_> = (0..n_users).map(|user| golden::ids(&fixture["train_items"][user])).collect();
        let lists = ItemRanking::new(&items).unwrap().top_k(&users, |user| &known[user], ranking.max_k()).unwrap();
        for (user, list) in lists.iter().enumerate() {
            let heldout = golden::ids(&fixture["test_items"][user]);
            ranking.add_user(list.iter().map(|scored| scored.item), &heldout);
        }
        let summary = ranking.finish();
        assert_eq!(summary.users_counted as u64, fixture["users_counted"].as_u64().unwrap());
        assert_eq!((summary.users_counted + summary.users_skipped) as u64, fixture["num_users"].as_u64().unwrap());
        assert_eq!(summary.metrics.len(), expected.len());
        for (name, value) in &summary.metrics {
            golden::assert_close(name, *value, &expected[name]);
        }
    }

    #[test]
    fn users_without_held_out_items_are_skipped_and_counted() {
        let mut ranking = RankingMetrics::new(&[2]);
        ranking.add_user([3, 4], &[]);
        ranking.add_user([3, 4], &[4]);
        let summary = ranking.finish();
        assert_eq!((summary.users_counted, summary.users_skipped), (1, 1));
        assert_eq!(summary.metrics[0], ("precision@2".to_owned(), 0.5));
    }

    #[test]
    fn without_users_no_metric_is_given() {
        let mut ranking = RankingMetrics::new(&[10]);
        ranking.add_user([1], &[]);
        assert!(ranking.finish().metrics.is_empty());
    }

    #[test]
    fn a_repeated_k_counts_once_and_the_order_stays() {
        let mut ranking = RankingMetrics::new(&[10, 5, 10]);
        assert_eq!(ranking.max_k(), 10);
        ranking.add_user([1], &[1]);
        let names: Vec<String> = ranking.finish().metrics.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), 12);
        assert_eq!((names[0].as_str(), names[6].as_str()), ("precision@10", "precision@5"));
    }
}

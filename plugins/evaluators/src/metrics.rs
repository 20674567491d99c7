//! What a recommender is measured by, in plain Rust: labelled edges (AUC, average precision) and rankings at k.
//!
//! One metric a file, its doc being the definition. Leaves out tensors, models and the order of the report, which are
//! the evaluator's. A metric that is undefined for the data is `None` or absent, never 0.

mod average_precision;
mod hit_rate;
mod map;
mod mrr;
mod ndcg;
mod precision;
mod radix_sort;
mod ranked_edges;
mod ranking;
mod recall;
mod roc_auc;

pub use average_precision::average_precision;
pub use ranked_edges::LabelledScores;
pub use ranking::RankingMetrics;
pub use roc_auc::roc_auc;

#[cfg(test)]
mod golden {
    //! The fixtures that scikit-learn and torch_geometric.metrics computed.

    use std::path::PathBuf;

    use serde_json::Value;

    pub const TOLERANCE: f64 = 1e-6;

    pub fn read(name: &str) -> Value {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden");
        let folder = std::env::var_os("RECSYS_GOLDEN_DIR").map_or_else(|| PathBuf::from(here), PathBuf::from);
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap()
    }

    pub fn f32s(values: &Value) -> Vec<f32> {
        values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
    }

    pub fn ids(values: &Value) -> Vec<u32> {
        values.as_array().unwrap().iter().map(|value| value.as_u64().unwrap() as u32).collect()
    }

    pub fn assert_close(name: &str, ours: f64, expected: &Value) {
        let expected = expected.as_f64().unwrap();
        assert!((ours - expected).abs() <= TOLERANCE, "{name}: {ours}, expected {expected}");
    }
}

//! What the labelled edges tell: ROC AUC and average precision.

use nn::dot_product_scores;
use plugin_api::prelude::*;
use tch::{Device, Kind, Tensor};

use crate::metrics::{average_precision, roc_auc, LabelledScores};

/// Edges that are scored at once: bounds the memory where their rows are gathered first.
const PIECE: i64 = 1 << 16;

/// `auc` and `ap`, each absent where it is undefined.
pub fn evaluate(evaluation: &Evaluation) -> Result<Metrics> {
    let Some(edges) = scores(evaluation)?.into_ranked() else { return Ok(Metrics::new()) };
    let defined = [("auc", roc_auc(&edges)), ("ap", average_precision(&edges))];
    Ok(defined.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

fn scores(evaluation: &Evaluation) -> Result<LabelledScores> {
    let Evaluation { edge_label_index, edge_label, .. } = evaluation;
    let (source, destination) = (evaluation.source.f_detach()?, evaluation.destination.f_detach()?);
    let n_labels = edge_label.numel() as i64;
    let mut labelled = LabelledScores::default();
    for begin in (0..n_labels).step_by(PIECE as usize) {
        let n = PIECE.min(n_labels - begin);
        let edges = edge_label_index.f_narrow(1, begin, n)?; // [2, n]
        let scores = dot_product_scores(&source, &destination, &edges)?.f_to_device(Device::Cpu)?; // [n]
        let labels: Tensor = edge_label.f_narrow(0, begin, n)?.f_gt(0.5)?.f_to_device(Device::Cpu)?; // [n]
        labelled.add(&Vec::<bool>::try_from(labels.f_to_kind(Kind::Bool)?)?, &Vec::<f32>::try_from(scores)?);
    }
    Ok(labelled)
}

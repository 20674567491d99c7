//! `losses`: losses over labelled edges, a loss a file.

mod bce_with_logits;
mod bpr;
mod ordered_mean;

use bce_with_logits::BCEWithLogitsLoss;
use bpr::BPRLoss;

plugin_api::export_plugin! {
    /// Binary cross entropy of the sigmoid of the score, mean over the labelled edges (torch.nn.BCEWithLogitsLoss).
    loss: BCEWithLogitsLoss,
    /// Bayesian Personalized Ranking (Rendle et al., 2009): log sigmoid of the difference between the scores of an edge and of an
    /// item that the user has no edge to, drawn anew every epoch.
    loss: BPRLoss,
}

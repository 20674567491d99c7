//! `trainers`: full-batch training for link prediction. The loop is in [`full_batch`], what it is told in [`params`], the negatives of
//! losses that compare items of one user in [`negatives`].

mod best;
mod full_batch;
mod negatives;
mod params;

use full_batch::FullBatchTrainer;

type SimpleTrainer = FullBatchTrainer<false>;
type GATTrainer = FullBatchTrainer<true>;

plugin_api::export_plugin! {
    /// Full-batch training with Adam; the model is given features only.
    trainer: SimpleTrainer,
    /// Full-batch training with Adam; the model is given features and message edges.
    trainer: GATTrainer,
}

//! The parameters of the trainers.

use plugin_api::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Passes over the training edges. 0 trains nothing and only evaluates.
    pub num_epochs: usize,
    /// Adam's step size.
    #[schemars(range(min = 0.0))]
    pub learning_rate: f64,
    /// L2 penalty, added to the gradient as torch.optim.Adam does.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// Ranking metrics on the validation split every so many epochs (and after the last). 0: never.
    pub eval_every: usize,
    /// What decides which epoch's weights are kept: train_loss, val_loss, or a validation metric such as val.auc or
    /// val.ndcg@10. Losses are best low, metrics high.
    pub monitor: String,
    /// Stop after so many epochs without improvement of monitor. null: never.
    #[schemars(range(min = 1))]
    pub patience: Option<usize>,
    /// Store the current weights under checkpoints/ every so many epochs. 0: never.
    pub checkpoint_every: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            num_epochs: 100,
            learning_rate: 1e-3,
            weight_decay: 0.0,
            eval_every: 10,
            monitor: "val_loss".to_owned(),
            patience: None,
            checkpoint_every: 0,
        }
    }
}

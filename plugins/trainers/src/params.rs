//! The parameters of the trainers.

plugin_api::params! {
    pub struct Params {
        /// Passes over the training edges. 0 trains nothing and only evaluates.
        #[schemars(extend("unit" = "epochs"))]
        pub num_epochs: usize = 100,
        /// Adam's step size.
        #[schemars(range(min = 0.0))]
        pub learning_rate: f64 = 1e-3,
        /// L2 penalty, added to the gradient as torch.optim.Adam does.
        #[schemars(range(min = 0.0))]
        pub weight_decay: f64 = 0.0,
        /// Ranking metrics on the validation split every so many epochs (and after the last). 0: never.
        #[schemars(extend("unit" = "epochs"))]
        pub eval_every: usize = 10,
        /// What decides which epoch's weights are kept: train_loss, val_loss, or a validation metric such as val.auc or
        /// val.ndcg@10. Losses are best low, metrics high.
        pub monitor: String = "val_loss".to_owned(),
        /// Stop after so many epochs without improvement of monitor. null: never.
        #[schemars(range(min = 1), extend("unit" = "epochs"))]
        pub patience: Option<usize> = None,
        /// Store the current weights under checkpoints/ every so many epochs. 0: never.
        #[schemars(extend("unit" = "epochs"))]
        pub checkpoint_every: usize = 0,
    }
}

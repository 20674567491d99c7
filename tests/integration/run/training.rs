//! What the trainers' parameters do.

use super::{column, ratings, result, train, weights, GAT, TWO_TOWER};

/// What makes a value the best.
enum Best {
    Low,
    High,
}

impl Best {
    /// The epoch (counted from 1) of the best value, the first of equals.
    fn epoch(&self, values: &[f64]) -> usize {
        let mut best = 0;
        for (index, value) in values.iter().enumerate() {
            let better = match self {
                Self::Low => *value < values[best],
                Self::High => *value > values[best],
            };
            if better {
                best = index;
            }
        }
        best + 1
    }
}

#[test]
fn the_monitor_decides_whose_weights_are_kept() {
    let sandbox = ratings();
    // A step so large that the losses go up and down.
    let bumpy =
        ["trainer.params.num_epochs=12", "trainer.params.learning_rate=0.3", "++trainer.params.checkpoint_every=1"];
    for (monitor, best) in [("train_loss", Best::Low), ("val_loss", Best::Low), ("val.auc", Best::High)] {
        let monitor_is = format!("trainer.params.monitor={monitor}");
        let run = train(&sandbox, TWO_TOWER, &[&bumpy[..], &[&monitor_is]].concat());
        let best = best.epoch(&column(&sandbox, &run, monitor));
        assert_eq!(result(&sandbox, &run)["best_epoch"], best, "{monitor}");
        // The weights of exactly that epoch.
        let weights = |file: &str| weights(&sandbox, &run, file);
        let kept = weights("model.safetensors");
        assert_eq!(kept, weights(&format!("checkpoints/epoch-{best:04}.safetensors")), "{monitor}");
        let other = if best == 12 { 1 } else { best + 1 };
        assert_ne!(kept, weights(&format!("checkpoints/epoch-{other:04}.safetensors")), "{monitor}");
    }
}

#[test]
fn an_unknown_monitor_is_refused_with_the_names() {
    let sandbox = ratings();
    let said = sandbox.host(&["train", TWO_TOWER, "trainer.params.monitor=val.acu", "model.params.hidden_dim=8"]);
    said.is_error(2, &["trainer.params.monitor", "`val.acu`", "train_loss", "val_loss", "val.auc", "val.ndcg@10"]);
}

#[test]
fn a_ranking_metric_can_be_monitored() {
    let sandbox = ratings();
    let more = ["trainer.params.monitor=val.ndcg@10", "++trainer.params.eval_every=2", "trainer.params.num_epochs=5"];
    let run = train(&sandbox, GAT, &more);
    let values = column(&sandbox, &run, "val.ndcg@10");
    let measured: Vec<_> = values.iter().enumerate().filter(|(_, value)| value.is_finite()).collect();
    assert_eq!(measured.iter().map(|(index, _)| index + 1).collect::<Vec<_>>(), [2, 4, 5]);
    let best = measured.iter().fold(measured[0], |best, next| if next.1 > best.1 { *next } else { best });
    assert_eq!(result(&sandbox, &run)["best_epoch"], best.0 as u64 + 1);
}

#[test]
fn patience_counts_from_the_first_ranking() {
    let sandbox = ratings();
    let more = ["trainer.params.monitor=val.ndcg@10", "++trainer.params.eval_every=3", "++trainer.params.patience=2"];
    let run = train(
        &sandbox,
        TWO_TOWER,
        &[&more[..], &["trainer.params.num_epochs=30", "trainer.params.learning_rate=0.0"]].concat(),
    );
    let result = result(&sandbox, &run);
    assert_eq!((result["best_epoch"].as_u64(), result["n_epochs"].as_u64()), (Some(3), Some(6)));
}

#[test]
fn patience_stops_early() {
    let sandbox = ratings();
    // Nothing gets better at a step size of 0, so the first epoch is the best.
    let more = ["trainer.params.num_epochs=50", "trainer.params.learning_rate=0.0", "++trainer.params.patience=4"];
    let run = train(&sandbox, TWO_TOWER, &more);
    let result = result(&sandbox, &run);
    assert_eq!((result["best_epoch"].as_u64(), result["n_epochs"].as_u64()), (Some(1), Some(5)));
    assert_eq!(sandbox.metrics(&run).len(), 5);
    assert_eq!(result["interrupted"], false);
}

#[test]
fn checkpoints_are_stored_every_so_many_epochs() {
    let sandbox = ratings();
    let more = ["++trainer.params.checkpoint_every=2", "trainer.params.num_epochs=5"];
    let run = train(&sandbox, TWO_TOWER, &more);
    let folder = std::fs::read_dir(sandbox.path(&run).join("checkpoints")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["epoch-0002.safetensors", "epoch-0004.safetensors"]);
    let init_from = format!("model.init_from={run}/checkpoints/epoch-0004.safetensors");
    train(&sandbox, TWO_TOWER, &[&init_from]);
}

#[test]
fn bpr_trains_both_models() {
    let sandbox = ratings();
    let more = ["loss=bpr", "trainer.params.num_epochs=30", "trainer.params.learning_rate=0.05"];
    for config in [GAT, TWO_TOWER] {
        let run = train(&sandbox, config, &more);
        let losses = column(&sandbox, &run, "train_loss");
        // Negatives and dropout are drawn anew every epoch, so one loss alone is noisy.
        let last = losses[25..].iter().sum::<f64>() / 5.0;
        assert!(last < 0.9 * losses[0], "{config}: {losses:?}");
        if config == GAT {
            // Two towers of random features learn these few users by heart: nothing follows for edges held out.
            let auc = result(&sandbox, &run)["metrics"]["test.auc"].as_f64().unwrap();
            assert!(auc > 0.55, "{config}: test.auc {auc}");
        }
    }
}

#[test]
fn fused_and_plain_losses_are_the_same() {
    for loss in ["loss=bpr", "loss=bce_with_logits"] {
        let losses = |kernels| {
            let sandbox = ratings().with_kernels(kernels);
            let run = train(&sandbox, GAT, &[loss, "model.params.dropout=0.0", "trainer.params.num_epochs=10"]);
            [column(&sandbox, &run, "train_loss"), column(&sandbox, &run, "val_loss")].concat()
        };
        let (fused, plain) = (losses("fused"), losses("plain"));
        assert_eq!(fused.len(), 20);
        for (fused, plain) in fused.iter().zip(&plain) {
            assert!((fused - plain).abs() < 1e-4, "{loss}: {fused}, plain {plain}");
        }
    }
}

#[test]
fn weight_decay_keeps_weights_small() {
    let sandbox = ratings();
    let size = |decay: &str| {
        let decay = format!("++trainer.params.weight_decay={decay}");
        let more = [
            &decay,
            "trainer.params.num_epochs=20",
            "trainer.params.learning_rate=0.05",
            "trainer.params.monitor=train_loss",
        ];
        let run = train(&sandbox, TWO_TOWER, &more);
        let weights = weights(&sandbox, &run, "model.safetensors");
        weights.values().map(|tensor| tensor.square().sum(tch::Kind::Double).double_value(&[])).sum::<f64>()
    };
    assert!(size("1.0") < 0.5 * size("0.0"));
}

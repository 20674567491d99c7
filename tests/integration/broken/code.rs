//! Plugins whose code panics or gives tensors of the wrong shape: the error names the plugin, the constructor and the config.

use super::{fails, RAW_ONLY};
use crate::support::{Said, Sandbox};

const TRAIN: [&str; 5] = ["--plugin-dir", "plugins", "train", "configs/config.yaml", "trainer.params.num_epochs=2"];

fn sandbox() -> Sandbox {
    Sandbox::new().with_ratings(40, 30).with_plugin("faulty")
}

/// Trains with one part replaced by one of `libfaulty.so`.
#[track_caller]
fn fails_with(section: &str, constructor: &str, parts: &[&str]) -> Said {
    let sandbox = sandbox();
    sandbox.write(&format!("configs/{section}/faulty.yaml"), format!("# Faulty.\nmodule: faulty:{constructor}\n"));
    let component = format!("error: faulty:{constructor}");
    let place = format!("configs/{section}/faulty.yaml:2:1");
    let key = format!("key path: {section}.module");
    let choice = format!("{section}=faulty");
    // A trainer or loader of another kind takes no parameters of the usual one.
    let others: &[&str] = match section {
        "data" => &[TRAIN[4]],
        "trainer" => &[RAW_ONLY],
        _ => &[TRAIN[4], RAW_ONLY],
    };
    let arguments = [&TRAIN[..4], &[&choice], others].concat();
    fails(&sandbox, &arguments, 1, &[&[component.as_str(), &place, &key], parts].concat())
}

#[test]
fn a_panic_in_the_constructor() {
    let parts =
        ["panicked: the constructor fell over", "panicked at tests/broken-plugins/faulty/faulty.rs:", "report it"];
    fails_with("model", "PanicsInConstructor", &parts);
}

#[test]
fn a_panic_in_encode_of_tch_about_shapes() {
    let said = fails_with(
        "model",
        "PanicsInEncode",
        &["panicked: mat1 and mat2 shapes cannot be multiplied (1x4 and 36x27)\n"],
    );
    assert!(said.stdout.is_empty(), "{}", said.stdout);
}

#[test]
fn a_checkpoint_of_a_tensor_that_is_none() {
    fails_with("trainer", "SavesAnUndefinedTensor", &["checkpoint", "`gradient` cannot be saved"]);
}

#[test]
fn a_panic_in_fit_without_a_message() {
    fails_with("trainer", "PanicsInFit", &["panicked: a panic without a message", "faulty.rs:"]);
}

#[test]
fn a_panic_in_a_destructor_is_a_warning() {
    let sandbox = sandbox();
    let said = sandbox.host(&[&TRAIN[..], &[RAW_ONLY, "model.module=faulty:PanicsInDrop", "~model.params"]].concat());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("warn: faulty:PanicsInDrop: its destructor panicked: the destructor fell over"));
    said.is_plain();
    sandbox.holds_nothing_half_written();
}

#[test]
fn a_backtrace_is_shown_to_who_asks() {
    let sandbox = sandbox();
    let mut host = sandbox.command();
    host.env("RECSYS_BACKTRACE", "1").env("RUST_BACKTRACE", "1").args(TRAIN);
    host.args([RAW_ONLY, "model.module=faulty:PanicsInConstructor", "~model.params"]);
    let said = Said::from(host.output().unwrap());
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stderr.contains("stack backtrace:"), "{}", said.stderr);
}

#[test]
fn embeddings_of_the_wrong_shape() {
    fails_with(
        "model",
        "TransposedEmbeddings",
        &["encode: embeddings of `user` must be f32 of shape [36, width], not", "[4, 36]"],
    );
}

#[test]
fn embeddings_of_two_widths() {
    fails_with("model", "UnequalWidths", &["embeddings of `user` are 4 wide, of `movie` 3"]);
}

#[test]
fn a_loss_that_is_no_scalar() {
    fails_with("loss", "LossPerEdge", &["forward must give a scalar, not shape ["]);
}

#[test]
fn edges_of_the_wrong_shape_from_a_loader() {
    let parts = ["split `train`", "edges `user__rates__movie`: expected i64 of shape [2, n_edges]", "of shape [4]"];
    fails_with("data", "FlatEdges", &parts);
}

#[test]
fn too_few_labels_from_a_loader() {
    fails_with("data", "MissingLabels", &["split `val`", "edge_label: expected f32 of shape [2]", "of shape [1]"]);
}

#[test]
fn a_short_edge_attribute_from_a_loader() {
    fails_with("data", "ShortAttribute", &["split `test`", "attribute `rating` is of shape [1]", "number of edges, 2"]);
}

#[test]
fn ids_without_a_node_from_a_loader() {
    fails_with("data", "IdOutside", &["split `test`", "1 ids of `movie` lie outside 0..2, for example 2"]);
}

//! LightGCN by the real binary: PyG's weights come in, PyG's embeddings come out. The fixture is on the same graph as the others.

use host::artifacts::weights;
use tch::{Kind, Tensor};

use super::{assert_close, embeddings, fixture, graph};
use crate::support::Sandbox;

const CONFIG: &str = "configs/config_light_gcn.yaml";

/// Trains on the fixtures' graph, 16 wide and with 2 layers as the fixture; `init_from` is a file of weights.
pub fn train(sandbox: &Sandbox, init_from: &str, num_epochs: usize) -> String {
    let arguments = [
        CONFIG,
        "data=graph_file",
        &format!("data.params.path={}", graph().display()),
        "model.params.embedding_dim=16",
        "model.params.num_layers=2",
        &format!("model.init_from={init_from}"),
        &format!("trainer.params.num_epochs={num_epochs}"),
    ];
    sandbox.train(&arguments)
}

/// The inputs of the fixture as a file of weights, under PyG's names; gives its path.
pub fn write_init(sandbox: &Sandbox) -> String {
    let tensors: std::collections::HashMap<_, _> =
        Tensor::read_safetensors(fixture("lightgcn.safetensors")).unwrap().into_iter().collect();
    let table = Tensor::cat(&[&tensors["user.x"], &tensors["movie.x"]], 0); // [n_users + n_movies, 16]
    let alpha = Tensor::full([3], 1.0 / 3.0, (Kind::Float, tch::Device::Cpu));
    let path = sandbox.path("init.safetensors");
    weights::save(&path, &vec![("embedding.weight".to_owned(), table), ("alpha".to_owned(), alpha)]).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn light_gcn_embeddings() {
    let sandbox = Sandbox::new();
    let run = train(&sandbox, &write_init(&sandbox), 0);
    let ours = embeddings(&sandbox, &run);
    let expected = weights::read(&fixture("lightgcn.safetensors")).unwrap();
    for node_type in ["user", "movie"] {
        let (_, expected) = expected.iter().find(|(name, _)| name == node_type).unwrap();
        assert_close(node_type, &ours[node_type], expected);
    }
}

#[test]
fn light_gcn_learns_the_graph_and_repeats() {
    let run = || {
        let sandbox = Sandbox::new();
        let run = train(&sandbox, &write_init(&sandbox), 20);
        let loss = |epoch: &serde_json::Value| epoch["train_loss"].as_f64().unwrap();
        sandbox.metrics(&run).iter().map(loss).collect::<Vec<_>>()
    };
    let losses = run();
    assert!(losses[19] < 0.6 * losses[0], "{losses:?}");
    assert_eq!(losses, run());
}

#[test]
fn weights_of_layers_that_are_not_there_are_refused() {
    let sandbox = Sandbox::new();
    let path = format!("data.params.path={}", graph().display());
    let said = sandbox.host(&["train", CONFIG, "data=graph_file", &path, "+model.params.alpha=[0.5,0.5]"]);
    said.is_error(2, &["alpha", "2 numbers; the embeddings and 3 layers need 4"]);
}

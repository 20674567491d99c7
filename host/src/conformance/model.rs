//! Tests of models.

use plugin_api::dataset::LinkSplits;
use plugin_api::graph::EdgeType;
use plugin_api::model::{Mode, NodeEmbeddings};
use plugin_api::PluginError;
use serde_json::Value;
use tch::{no_grad, Kind, Tensor};

use super::board::{self, Sketch, N};
use super::reference::{self, scores};
use super::subject::{Built, Subject};
use super::training::{self, trainable, Training};
use super::verdict::{ensure, skip, Checked, During};
use crate::artifacts::weights;

/// A forward and a backward pass in training, a forward pass in eval mode.
///
/// # Errors
/// Those of the model.
pub fn use_with(subject: &Subject, params: &Value) -> Result<(), PluginError> {
    let mut splits = board::checkerboard()?;
    let model = subject.build_with(params, &splits)?;
    subject.fill(&model, &mut splits)?;
    let graph = subject.passed(&splits.train.graph);
    let trained = model.encode(&graph, Mode::Train)?;
    let (source, destination) = (trained.get(&splits.target.source)?, trained.get(&splits.target.destination)?);
    let sum = scores(source, destination, &splits.train.edge_label_index)?.f_sum(Kind::Float)?;
    if sum.requires_grad() {
        sum.f_backward()?;
    }
    no_grad(|| model.encode(&graph, Mode::Eval)).map(drop)
}

/// On data with features and without, of other names and of unequal numbers than in the other tests.
pub fn shapes(subject: &Subject) -> Checked {
    let edges = vec![(0, 0), (0, 3), (1, 2), (2, 1), (4, 4), (6, 0), (6, 4)];
    let mut sketch = Sketch { target: EdgeType::new("reader", "borrows", "book"), ..Sketch::new([7, 5], edges) };
    for (features, what) in [(None, "data without features"), (Some(([6, 3], 1.0)), "data with features")] {
        sketch.features = features;
        let built = subject.build(sketch.splits()?).during(what)?;
        for mode in [Mode::Train, Mode::Eval] {
            // The adapter in the library checks shapes and kinds of what leaves it.
            let embeddings = encode(subject, &built, mode).during(what)?;
            check_shapes(&embeddings, &built.splits).during(what)?;
        }
    }
    Ok(())
}

fn encode(subject: &Subject, built: &Built, mode: Mode) -> Checked<NodeEmbeddings> {
    Ok(built.model.encode(&subject.passed(&built.splits.train.graph), mode)?)
}

fn check_shapes(embeddings: &NodeEmbeddings, splits: &LinkSplits) -> Checked {
    let graph = &splits.train.graph;
    let mut widths = Vec::new();
    for name in [&splits.target.source, &splits.target.destination] {
        let (embedding, n_nodes) = (embeddings.get(name)?, graph.node(name)?.n_nodes);
        let (shape, kind) = (embedding.size(), embedding.f_kind()?);
        let fits = shape.len() == 2 && shape[0] == n_nodes && kind == Kind::Float;
        ensure(fits, || format!("embeddings of `{name}` must be f32 [{n_nodes}, width], not {kind:?} {shape:?}"))?;
        widths.push(shape[1]);
    }
    ensure(widths[0] == widths[1] && widths[0] > 0, || format!("embeddings are {} and {} wide", widths[0], widths[1]))
}

/// Embeddings of the right shape and finite, in both modes.
fn serves(subject: &Subject, sketch: &Sketch) -> Checked {
    let built = subject.build(sketch.splits()?)?;
    for mode in [Mode::Train, Mode::Eval] {
        let embeddings = encode(subject, &built, mode)?;
        check_shapes(&embeddings, &built.splits)?;
        all_finite(&embeddings)?;
    }
    Ok(())
}

fn all_finite(embeddings: &NodeEmbeddings) -> Checked {
    for (name, embedding) in &embeddings.by_type {
        finite_tensor(&format!("embeddings of `{name}`"), embedding)?;
    }
    Ok(())
}

fn finite_tensor(what: &str, tensor: &Tensor) -> Checked {
    let n_others = tensor.f_isfinite()?.f_logical_not()?.f_sum(Kind::Int64)?.f_int64_value(&[])?;
    ensure(n_others == 0, || format!("{what}: {n_others} of {} values are not finite", tensor.numel()))
}

pub fn no_edges(subject: &Subject) -> Checked {
    serves(subject, &Sketch::new([N, N], Vec::new()))
}

pub fn one_node(subject: &Subject) -> Checked {
    serves(subject, &Sketch::new([1, 1], vec![(0, 0)]))
}

pub fn isolated_nodes(subject: &Subject) -> Checked {
    let mut edges = Sketch::checkerboard().edges;
    // The first user, the last item and all in the middle.
    edges.retain(|(user, item)| *user != 0 && *item != N - 1 && ![user, item].contains(&&(N / 2)));
    serves(subject, &Sketch::new([N, N], edges))
}

pub fn duplicate_edges(subject: &Subject) -> Checked {
    let edges = Sketch::checkerboard().edges;
    let more: Vec<_> = edges.iter().step_by(2).copied().collect();
    serves(subject, &Sketch::new([N, N], [edges, more.clone(), more].concat()))
}

pub fn finite(subject: &Subject) -> Checked {
    for (size, what) in [(1.0, "features up to 1"), (1e3, "features up to 1000")] {
        tch::manual_seed(seed(subject));
        let sketch = Sketch { features: Some(([8, 8], size)), ..Sketch::checkerboard() };
        let Built { model, splits } = subject.build(sketch.splits()?)?;
        let graph = subject.passed(&splits.train.graph);
        all_finite(&model.encode(&graph, Mode::Eval)?).during(what)?;
        let embeddings = model.encode(&graph, Mode::Train)?;
        all_finite(&embeddings).during(what)?;
        let sums = embeddings.by_type.values().map(|embedding| embedding.f_sum(Kind::Float));
        let sums = Tensor::f_stack(&sums.collect::<Result<Vec<_>, _>>()?, 0)?.f_sum(Kind::Float)?;
        if !sums.requires_grad() {
            continue;
        }
        sums.f_backward()?;
        for (name, parameter) in trainable(&model)? {
            let gradient = parameter.f_grad()?;
            if gradient.defined() {
                finite_tensor(&format!("the gradient of `{name}`"), &gradient).during(what)?;
            }
        }
    }
    Ok(())
}

/// A gradient may be zero by chance at one initialisation, not at several.
pub fn gradients(subject: &Subject) -> Checked {
    const N_INITIALISATIONS: i64 = 3;
    let loss = reference::loss(&subject.host())?;
    let mut without = Vec::new();
    for index in 0..N_INITIALISATIONS {
        tch::manual_seed(seed(subject).wrapping_add(index));
        let Built { model, splits } = subject.build(board::checkerboard()?)?;
        let parameters = needs_parameters(trainable(&model)?)?;
        let graph = subject.passed(&splits.train.graph);
        let value = Training { model: &model, loss: &loss, splits: &splits, graph }.loss()?;
        ensure(value.requires_grad(), || "the embeddings depend on no parameter".into())?;
        value.f_backward()?;
        let mut missing = Vec::new();
        for (name, parameter) in parameters {
            let gradient = parameter.f_grad()?;
            if !gradient.defined() || gradient.f_abs()?.f_sum(Kind::Double)?.f_double_value(&[])? == 0.0 {
                missing.push(name);
            }
        }
        without.push(missing);
    }
    let never: Vec<_> =
        without[0].iter().filter(|name| without.iter().all(|missing| missing.contains(name))).cloned().collect();
    ensure(never.is_empty(), || format!("no gradient: {}", never.join(", ")))
}

fn needs_parameters<T>(parameters: Vec<T>) -> Checked<Vec<T>> {
    match parameters.as_slice() {
        [] => skip("it has no trainable parameters"),
        [_, ..] => Ok(parameters),
    }
}

pub fn learns(subject: &Subject) -> Checked {
    let make = || {
        tch::manual_seed(seed(subject));
        let built = subject.build(board::checkerboard()?)?;
        needs_parameters(trainable(&built.model)?).map(|_| built)
    };
    training::learns(make, |graph| subject.passed(graph), &reference::loss(&subject.host())?)
}

pub fn same_seed(subject: &Subject) -> Checked {
    const N_STEPS: usize = 3;
    let loss = reference::loss(&subject.host())?;
    let run = || -> Checked<[Vec<Tensor>; 2]> {
        tch::manual_seed(seed(subject));
        let Built { model, splits } = subject.build(board::checkerboard()?)?;
        let values = || -> Checked<Vec<Tensor>> {
            Ok(model.parameters()?.iter().map(|(_, value)| value.detach().copy()).collect())
        };
        let before = values()?;
        if !trainable(&model)?.is_empty() {
            let graph = subject.passed(&splits.train.graph);
            let training = Training { model: &model, loss: &loss, splits: &splits, graph };
            training.steps(&mut training.optimizer(0.01)?, N_STEPS)?;
        }
        Ok([before, values()?])
    };
    let ([first, first_trained], [second, second_trained]) = (run()?, run()?);
    ensure(same(&first, &second)?, || "the weights that it starts from differ".into())?;
    ensure(same(&first_trained, &second_trained)?, || format!("the weights differ after {N_STEPS} steps"))
}

fn same(left: &[Tensor], right: &[Tensor]) -> Checked<bool> {
    let mut all = left.len() == right.len();
    for (left, right) in left.iter().zip(right) {
        all = all && left.size() == right.size() && left.f_equal(right)?;
    }
    Ok(all)
}

pub fn weights(subject: &Subject) -> Checked {
    tch::manual_seed(seed(subject));
    let first = subject.build(board::checkerboard()?)?;
    let names = |built: &Built| -> Checked<Vec<String>> {
        Ok(built.model.parameters()?.into_iter().map(|(name, _)| name).collect())
    };
    if names(&first)?.is_empty() {
        return skip("it has no weights");
    }
    let file = subject.folders.run.join("weights.safetensors");
    weights::save(&file, &first.model.parameters()?)?;
    tch::manual_seed(seed(subject).wrapping_add(1));
    let second = subject.build(board::checkerboard()?)?;
    let (before, after) = (names(&first)?, names(&second)?);
    ensure(before == after, || {
        format!("a second instance has other names: {} and {}", before.join(", "), after.join(", "))
    })?;
    weights::load_into(&file, &mut second.model.parameters()?)?;
    let embeddings = |built: &Built| -> Checked<Vec<Tensor>> {
        // What eval mode draws all the same is the matter of another test.
        tch::manual_seed(seed(subject));
        Ok(no_grad(|| encode(subject, built, Mode::Eval))?.by_type.into_values().collect())
    };
    let same = same(&embeddings(&first)?, &embeddings(&second)?)?;
    ensure(same, || {
        "with the weights of another instance it gives other embeddings: it has state that is not saved".into()
    })
}

pub fn eval_mode(subject: &Subject) -> Checked {
    tch::manual_seed(seed(subject));
    let built = subject.build(board::checkerboard()?)?;
    let once = || -> Checked<Vec<Tensor>> { Ok(encode(subject, &built, Mode::Eval)?.by_type.into_values().collect()) };
    let first = once()?;
    drop(encode(subject, &built, Mode::Train)?);
    ensure(same(&first, &once()?)?, || "embeddings in eval mode differ from one call to the next".into())
}

fn seed(subject: &Subject) -> i64 {
    subject.seed.cast_signed()
}

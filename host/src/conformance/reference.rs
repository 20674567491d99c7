//! Built-in parts, behind the same ABI as those of plugins, that go with the component under test: simple enough to be above suspicion.

use plugin_api::abi::evaluator::EvaluatorObject;
use plugin_api::abi::loss::LossObject;
use plugin_api::abi::model::ModelObject;
use plugin_api::prelude::*;
use tch::nn::Path;
use tch::{no_grad, Device, Kind, Reduction, Tensor};

use super::host::{CheckHost, ENCODES};
use super::verdict::Checked;

/// What goes wrong on purpose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(crate = "plugin_api::prelude::serde")]
#[schemars(crate = "plugin_api::prelude::schemars")]
pub enum Fault {
    #[default]
    None,
    /// Calls are errors.
    Errors,
    /// Values are not finite.
    NotFinite,
}

plugin_api::params! {
    struct Params {
        fault: Fault = Fault::None,
        /// Every training step takes so long.
        step_ms: u64 = 0,
    }
}

/// The error of [`Fault::Errors`].
pub const DELIBERATE: &str = "deliberate error of the reference model";

/// A score is `GAIN weight s(u) s(i) + user_u item_i` with `s` 1 for even ids and -1 for odd ones: one step down any sensible loss puts
/// the items of the right colour first.
struct ReferenceModel {
    weight: Tensor,
    tables: [Tensor; 2],
    /// f32 `[n_nodes, 1]`.
    signs: [Tensor; 2],
    target: EdgeType,
    params: Params,
    context: Context,
}

const GAIN: f64 = 10.0;
const WIDTH: i64 = 4;

impl Model for ReferenceModel {
    type Params = Params;

    fn new(params: Params, graph: &GraphMetadata, path: &Path, context: &Context) -> Result<Self> {
        let n_nodes = [graph.source()?.n_nodes, graph.destination()?.n_nodes];
        let weight = path.f_zeros("weight", &[1])?;
        let tables = [path.f_zeros("user", &[n_nodes[0], WIDTH])?, path.f_zeros("item", &[n_nodes[1], WIDTH])?];
        for (table, phase) in tables.iter().zip([0.0, 1.0]) {
            let counter = Tensor::f_arange(table.numel() as i64, (Kind::Float, Device::Cpu))?;
            let small = (counter * 12.9898 + phase).f_sin()?.f_mul_scalar(0.01)?.f_view_as(table)?;
            no_grad(|| table.shallow_clone().f_copy_(&small))?;
        }
        let [users, items] = n_nodes.map(|n| -> Result<Tensor> {
            let odd = Tensor::f_arange(n, (Kind::Float, Device::Cpu))?.f_remainder(2.0)?;
            Ok(odd.f_mul_scalar(-2.0)?.f_add_scalar(1.0)?.f_unsqueeze(1)?)
        });
        let (signs, target) = ([users?, items?], graph.target.clone());
        Ok(Self { weight, tables, signs, target, params, context: context.clone() })
    }

    fn encode(&self, graph: &Graph, mode: Mode) -> Result<NodeEmbeddings> {
        if mode.is_train() {
            std::thread::sleep(std::time::Duration::from_millis(self.params.step_ms));
        }
        let n_edges = graph.edges.iter().map(|edge| edge.edge_index.size()[1] as u64).sum();
        let total = mode.is_train().then_some(n_edges);
        self.context.progress(&Progress {
            task: ENCODES.into(),
            done: n_edges,
            total,
            unit: String::new(),
            note: String::new(),
        });
        let factor = match self.params.fault {
            Fault::None => 1.0,
            Fault::Errors => return Err(PluginError::failed(DELIBERATE)),
            Fault::NotFinite => f64::NAN,
        };
        let user = self.signs[0].f_mul(&self.weight)?.f_mul_scalar(factor)?; // [n_users, 1]
        let user = Tensor::f_cat(&[&user, &self.tables[0]], 1)?; // [n_users, 1 + WIDTH]
        let item = Tensor::f_cat(&[&self.signs[1].f_mul_scalar(GAIN)?, &self.tables[1]], 1)?; // [n_items, 1 + WIDTH]
        Ok(NodeEmbeddings::default().with(&self.target.source, user).with(&self.target.destination, item))
    }
}

/// Binary cross entropy of the sigmoid of the score.
struct ReferenceLoss;

impl Loss for ReferenceLoss {
    type Params = NoParams;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn forward(&self, scores: &Tensor, labels: &Tensor) -> Result<Tensor> {
        Ok(scores.f_binary_cross_entropy_with_logits::<Tensor>(labels, None, None, Reduction::Mean)?)
    }
}

/// The share of pairs of a positive and a negative edge that the scores have in order.
struct ReferenceEvaluator;

impl Evaluator for ReferenceEvaluator {
    type Params = NoParams;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn evaluate(&self, evaluation: &Evaluation, _: &Context) -> Result<Metrics> {
        let scores = scores(evaluation.source, evaluation.destination, evaluation.edge_label_index)?;
        let is_positive = evaluation.edge_label.f_gt(0.5)?;
        let (positive, negative) =
            (scores.f_masked_select(&is_positive)?, scores.f_masked_select(&is_positive.f_logical_not()?)?);
        if positive.numel() == 0 || negative.numel() == 0 {
            return Ok(Metrics::new());
        }
        let ordered = positive.f_unsqueeze(1)?.f_gt_tensor(&negative)?; // [n_positives, n_negatives]
        let auc = ordered.f_to_kind(Kind::Double)?.f_mean(Kind::Double)?.f_double_value(&[])?;
        Ok(Metrics::from([("auc".to_owned(), auc)]))
    }
}

/// Dot products of the embeddings of the ends of every edge, f32 `[n]`.
///
/// # Errors
/// libtorch's.
pub fn scores(source: &Tensor, destination: &Tensor, edge_index: &Tensor) -> Result<Tensor> {
    let left = source.f_index_select(0, &edge_index.f_get(0)?)?; // [n, width]
    let right = destination.f_index_select(0, &edge_index.f_get(1)?)?; // [n, width]
    Ok(left.f_mul(&right)?.f_sum_dim_intlist([1].as_slice(), false, None)?) // [n]
}

pub fn model(graph: &GraphMetadata, fault: Fault, step_ms: u64, host: &CheckHost) -> Checked<ModelObject> {
    let params = serde_json::json!({ "fault": fault, "step_ms": step_ms }).to_string();
    let component = "reference:Model".to_owned();
    Ok(ModelObject::construct::<ReferenceModel>(component, &params, graph.clone(), host.context()?)?)
}

pub fn loss(host: &CheckHost) -> Checked<LossObject> {
    Ok(LossObject::construct::<ReferenceLoss>("reference:Loss".into(), "{}", host.context()?)?)
}

pub fn evaluator(host: &CheckHost) -> Checked<EvaluatorObject> {
    Ok(EvaluatorObject::construct::<ReferenceEvaluator>("reference:Evaluator".into(), "{}", host.context()?)?)
}

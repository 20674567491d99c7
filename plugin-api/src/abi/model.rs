//! The model's twin.

use abi_stable::std_types::{RBox, ROption, RStr};
use abi_stable::{sabi_trait, StableAbi};
use tch::{nn, Kind, Tensor};

use crate::abi::guard::Guarded;
use crate::abi::types::{from_wire, AbiRecord, AbiResult};
use crate::context::Context;
use crate::error::{PluginError, Result};
use crate::graph::{Graph, GraphMetadata};
use crate::model::{Mode, Model, NodeEmbeddings};
use crate::record::Record;

#[sabi_trait]
pub trait AbiModel: Send {
    fn encode(&self, graph: &AbiRecord, training: bool) -> AbiResult<AbiRecord>;
    fn parameters(&self) -> AbiResult<AbiRecord>;
    #[sabi(last_prefix_field)]
    fn feature_width(&self, node_type: RStr<'_>) -> AbiResult<ROption<i64>>;
}

/// Wider features are a slip of their author's.
const MAX_WIDTH: i64 = 1 << 20;

struct Adapter<M>(Guarded<Instance<M>>);

struct Instance<M> {
    model: M,
    variables: nn::VarStore,
    metadata: GraphMetadata,
}

impl<M: Model> AbiModel for Adapter<M> {
    fn encode(&self, graph: &AbiRecord, training: bool) -> AbiResult<AbiRecord> {
        self.0.call(|instance| {
            let graph = Graph::read(&Record::from(graph), "")?;
            let mode = if training { Mode::Train } else { Mode::Eval };
            let embeddings = instance.model.encode(&graph, mode)?;
            check_embeddings(&embeddings, &instance.metadata)?;
            Ok(Record { tensors: embeddings.by_type, ..Record::default() }.into())
        })
    }

    fn parameters(&self) -> AbiResult<AbiRecord> {
        self.0.call(|instance| {
            let tensors = instance.variables.variables().into_iter().collect();
            Ok(Record { tensors, ..Record::default() }.into())
        })
    }

    fn feature_width(&self, node_type: RStr<'_>) -> AbiResult<ROption<i64>> {
        self.0.call(|instance| match instance.model.feature_width(node_type.as_str()) {
            Some(width) if !(1..=MAX_WIDTH).contains(&width) => Err(PluginError::invalid_data(format!(
                "feature_width: {width} for `{node_type}`; it must be from 1 to {MAX_WIDTH}"
            ))),
            width => Ok(width.into()),
        })
    }
}

/// Wrong shapes are the author's mistake and easier to find here than in the trainer's dot product.
fn check_embeddings(embeddings: &NodeEmbeddings, metadata: &GraphMetadata) -> Result<()> {
    let mut widths = Vec::new();
    for node in [metadata.source()?, metadata.destination()?] {
        let embedding = embeddings.get(&node.name)?;
        let (shape, kind) = (embedding.size(), embedding.f_kind()?);
        if shape.len() != 2 || shape[0] != node.n_nodes || kind != Kind::Float {
            return Err(PluginError::invalid_data(format!(
                "encode: embeddings of `{}` must be f32 of shape [{}, width], not {kind:?} of shape {shape:?}",
                node.name, node.n_nodes
            )));
        }
        widths.push(shape[1]);
    }
    if widths[0] != widths[1] {
        let (source, destination) = (&metadata.target.source, &metadata.target.destination);
        return Err(PluginError::invalid_data(format!(
            "encode: embeddings of `{source}` are {} wide, of `{destination}` {}; a dot product needs one width",
            widths[0], widths[1]
        )));
    }
    Ok(())
}

/// A model of any library.
#[repr(transparent)]
#[derive(StableAbi)]
pub struct ModelObject(AbiModel_TO<'static, RBox<()>>);

impl ModelObject {
    /// Constructs an author's model behind the ABI.
    ///
    /// # Errors
    /// Whatever its constructor says, or [`crate::error::ErrorKind::Panicked`].
    pub fn construct<M: Model>(
        component: String,
        params: &str,
        metadata: GraphMetadata,
        context: Context,
    ) -> Result<Self> {
        let instance = Guarded::construct(component, || {
            let variables = nn::VarStore::new(context.device());
            let model = M::new(crate::params::parse(params)?, &metadata, &variables.root(), &context)?;
            Ok(Instance { model, variables, metadata })
        })?;
        Ok(Self(AbiModel_TO::from_value(Adapter(instance), sabi_trait::TD_Opaque)))
    }

    /// See [`Model::encode`].
    pub fn encode(&self, graph: &Graph, mode: Mode) -> Result<NodeEmbeddings> {
        let mut record = Record::default();
        graph.write_nodes(&mut record);
        graph.write_edges(&mut record, "");
        let embeddings = from_wire(self.0.encode(&record.into(), mode.is_train()))?;
        Ok(NodeEmbeddings { by_type: Record::from(&embeddings).tensors })
    }

    /// The weights under their `state_dict` names, sorted by name. They share storage with the model: an optimiser steps
    /// on them. The storage is not replaced afterwards.
    pub fn parameters(&self) -> Result<Vec<(String, Tensor)>> {
        Ok(Record::from(&from_wire(self.0.parameters())?).tensors.into_iter().collect())
    }

    /// See [`Model::feature_width`].
    pub fn feature_width(&self, node_type: &str) -> Result<Option<i64>> {
        Ok(from_wire(self.0.feature_width(node_type.into()))?.into_option())
    }
}

//! A heterogeneous graph: node stores and edge stores, as PyG's `HeteroData`. Splits and raw ids are in [`crate::dataset`].

use std::fmt;

use tch::{Device, Kind, Tensor};

use crate::edge_index::EdgeIndex;
use crate::error::{PluginError, Result};
use crate::record::Record;

/// `(source, relation, destination)`, for example `(user, rates, movie)`; written `user__rates__movie`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EdgeType {
    pub source: String,
    pub relation: String,
    pub destination: String,
}

impl EdgeType {
    pub fn new(source: &str, relation: &str, destination: &str) -> Self {
        Self { source: source.into(), relation: relation.into(), destination: destination.into() }
    }

    /// The edge type that carries messages back, `(movie, rev_rates, user)`, as PyG's `ToUndirected` names it.
    pub fn reverse(&self) -> Self {
        Self::new(&self.destination, &format!("rev_{}", self.relation), &self.source)
    }
}

impl fmt::Display for EdgeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}__{}__{}", self.source, self.relation, self.destination)
    }
}

impl std::str::FromStr for EdgeType {
    type Err = PluginError;

    fn from_str(text: &str) -> Result<Self> {
        match text.split("__").collect::<Vec<_>>()[..] {
            [source, relation, destination] => Ok(Self::new(source, relation, destination)),
            _ => Err(PluginError::invalid_data(format!(
                "`{text}` is no edge type; expected SOURCE__RELATION__DESTINATION, for example user__rates__movie"
            ))),
        }
    }
}

/// The nodes of one type. Ids are `0..n_nodes`.
#[derive(Debug)]
pub struct NodeStore {
    pub name: String,
    pub n_nodes: i64,
    /// Features, f32 `[n_nodes, width]`.
    pub x: Option<Tensor>,
}

/// The edges of one type.
#[derive(Debug)]
pub struct EdgeStore {
    pub edge_type: EdgeType,
    /// i64 `[2, n_edges]`: row 0 source ids, row 1 destination ids.
    pub edge_index: Tensor,
    /// By name, first dimension `n_edges`: `rating` f32, `timestamp` i64.
    pub attributes: Vec<(String, Tensor)>,
    /// Made by the host; a loader need not.
    pub index: Option<EdgeIndex>,
}

/// Nodes and message edges.
#[derive(Debug, Default)]
pub struct Graph {
    pub nodes: Vec<NodeStore>,
    pub edges: Vec<EdgeStore>,
}

/// What a model is told of a graph when it is built.
#[derive(Debug, Clone)]
pub struct GraphMetadata {
    pub nodes: Vec<NodeMetadata>,
    pub edge_types: Vec<EdgeType>,
    /// The edge type to predict.
    pub target: EdgeType,
}

#[derive(Debug, Clone)]
pub struct NodeMetadata {
    pub name: String,
    pub n_nodes: i64,
    /// Width of the features in the data; `None` if there are none.
    pub feature_width: Option<i64>,
}

impl NodeMetadata {
    /// The width of the features that a model is to read: that of the data, which the parameter may only confirm; where the
    /// data have none, the parameter or else `default`.
    ///
    /// # Errors
    /// If the parameter contradicts the data.
    pub fn width_or(&self, parameter: &str, given: Option<i64>, default: i64) -> Result<i64> {
        match (self.feature_width, given) {
            (Some(width), Some(given)) if width != given => Err(PluginError::invalid_parameter(
                parameter,
                format!("{given}, but the features of `{}` in the data are {width} wide; leave it out", self.name),
            )),
            (Some(width), _) => Ok(width),
            (None, given) => Ok(given.unwrap_or(default)),
        }
    }
}

impl GraphMetadata {
    /// The source nodes of the target, for example users.
    pub fn source(&self) -> Result<&NodeMetadata> {
        self.node(&self.target.source)
    }

    /// The destination nodes of the target, for example movies.
    pub fn destination(&self) -> Result<&NodeMetadata> {
        self.node(&self.target.destination)
    }

    /// # Errors
    /// If there is no such node type.
    pub fn node(&self, name: &str) -> Result<&NodeMetadata> {
        self.nodes.iter().find(|node| node.name == name).ok_or_else(|| {
            let names: Vec<_> = self.nodes.iter().map(|node| node.name.as_str()).collect();
            PluginError::invalid_data(format!("no node type `{name}`; there are: {}", names.join(", ")))
        })
    }
}

impl GraphMetadata {
    pub(crate) fn to_record(&self) -> Record {
        let mut record = Record::default();
        let names: Vec<_> = self.nodes.iter().map(|node| node.name.as_str()).collect();
        record.set_text("node_types", names.join(","));
        let edge_types: Vec<_> = self.edge_types.iter().map(EdgeType::to_string).collect();
        record.set_text("edge_types", edge_types.join(","));
        record.set_text("target", &self.target);
        for node in &self.nodes {
            record.set_text(format!("{}.n_nodes", node.name), node.n_nodes);
            if let Some(width) = node.feature_width {
                record.set_text(format!("{}.feature_width", node.name), width);
            }
        }
        record
    }

    pub(crate) fn from_record(record: &Record) -> Result<Self> {
        let node = |name: String| {
            let width = format!("{name}.feature_width");
            let feature_width = record.texts.contains_key(&width).then(|| record.parsed(&width)).transpose()?;
            Ok(NodeMetadata { n_nodes: record.parsed(&format!("{name}.n_nodes"))?, feature_width, name })
        };
        Ok(Self {
            nodes: record.list("node_types").into_iter().map(node).collect::<Result<_>>()?,
            edge_types: record.list("edge_types").iter().map(|name| name.parse()).collect::<Result<_>>()?,
            target: record.parsed("target")?,
        })
    }
}

impl Graph {
    /// # Errors
    /// If there is no such node type.
    pub fn node(&self, name: &str) -> Result<&NodeStore> {
        self.nodes.iter().find(|node| node.name == name).ok_or_else(|| {
            let names: Vec<_> = self.nodes.iter().map(|node| node.name.as_str()).collect();
            PluginError::invalid_data(format!("no node type `{name}`; there are: {}", names.join(", ")))
        })
    }

    /// The features of a node type, f32 `[n_nodes, width]`.
    ///
    /// # Errors
    /// If the node type or its features are missing.
    pub fn features(&self, name: &str) -> Result<&Tensor> {
        self.node(name)?.x.as_ref().ok_or_else(|| {
            PluginError::invalid_data(format!(
                "nodes `{name}` have no features; a model that tells `feature_width` is given random ones"
            ))
        })
    }

    /// # Errors
    /// If there is no such edge type, as under a trainer that passes no graph.
    pub fn edge(&self, edge_type: &EdgeType) -> Result<&EdgeStore> {
        self.edges.iter().find(|edge| edge.edge_type == *edge_type).ok_or_else(|| {
            let names: Vec<_> = self.edges.iter().map(|edge| edge.edge_type.to_string()).collect();
            PluginError::invalid_data(format!("no edges `{edge_type}`; there are: [{}]", names.join(", ")))
        })
    }

    /// The same nodes with features, no edges: what a trainer passes that uses features only.
    pub fn without_edges(&self) -> Graph {
        Graph { nodes: self.nodes.iter().map(NodeStore::share).collect(), edges: Vec::new() }
    }

    /// A second reference to the same tensors.
    pub fn share(&self) -> Graph {
        Graph {
            nodes: self.nodes.iter().map(NodeStore::share).collect(),
            edges: self.edges.iter().map(EdgeStore::share).collect(),
        }
    }

    /// The same graph on another device; shares what is there already.
    pub fn to_device(&self, device: Device) -> Result<Graph> {
        let mut graph = self.share();
        for node in &mut graph.nodes {
            node.x = node.x.as_ref().map(|x| x.f_to_device(device)).transpose()?;
        }
        for edge in &mut graph.edges {
            edge.edge_index = edge.edge_index.f_to_device(device)?;
            for (_, attribute) in &mut edge.attributes {
                *attribute = attribute.f_to_device(device)?;
            }
            edge.index = edge.index.as_ref().map(|index| index.to_device(device)).transpose()?;
        }
        Ok(graph)
    }

    /// # Errors
    /// If a tensor has the wrong shape or kind or an id lies outside its node type.
    pub fn validate(&self) -> Result<()> {
        for node in &self.nodes {
            node.validate()?;
        }
        for edge in &self.edges {
            self.validate_edges(&edge.edge_type, &edge.edge_index)?;
            edge.validate_attributes()?;
        }
        Ok(())
    }

    /// Checks edges or labelled edges of `edge_type`: i64 `[2, n]`, ids within their node types.
    pub fn validate_edges(&self, edge_type: &EdgeType, edge_index: &Tensor) -> Result<()> {
        let shape = edge_index.size();
        let kind = edge_index.f_kind()?;
        if shape.len() != 2 || shape[0] != 2 || kind != Kind::Int64 {
            return Err(PluginError::invalid_data(format!(
                "edges `{edge_type}`: expected i64 of shape [2, n_edges], got {kind:?} of shape {shape:?}"
            )));
        }
        for (row, name) in [(0, &edge_type.source), (1, &edge_type.destination)] {
            let n_nodes = self.node(name)?.n_nodes;
            let ids = edge_index.f_get(row)?;
            if all_within(&ids, n_nodes)? {
                continue;
            }
            let outside = ids.f_lt(0)?.f_logical_or(&ids.f_ge(n_nodes)?)?;
            let n_outside = outside.f_sum(Kind::Int64)?.f_int64_value(&[])?;
            if n_outside > 0 {
                let example = ids.f_masked_select(&outside)?.f_int64_value(&[0])?;
                return Err(PluginError::invalid_data(format!(
                    "edges `{edge_type}`: {n_outside} ids of `{name}` lie outside 0..{n_nodes}, for example {example}"
                )));
            }
        }
        Ok(())
    }

    /// What a model is told of this graph.
    pub fn metadata(&self, target: &EdgeType) -> GraphMetadata {
        let nodes = self.nodes.iter().map(|node| NodeMetadata {
            name: node.name.clone(),
            n_nodes: node.n_nodes,
            feature_width: node.x.as_ref().map(|x| x.size()[1]),
        });
        GraphMetadata {
            nodes: nodes.collect(),
            edge_types: self.edges.iter().map(|edge| edge.edge_type.clone()).collect(),
            target: target.clone(),
        }
    }

    /// Writes the nodes under their names: `user.x`, text `user.n_nodes`.
    pub fn write_nodes(&self, record: &mut Record) {
        let names: Vec<_> = self.nodes.iter().map(|node| node.name.as_str()).collect();
        record.set_text("node_types", names.join(","));
        for node in &self.nodes {
            record.set_text(format!("{}.n_nodes", node.name), node.n_nodes);
            if let Some(x) = &node.x {
                record.set_tensor(format!("{}.x", node.name), x);
            }
        }
    }

    /// Writes the edges under `prefix`: `train.user__rates__movie.edge_index`.
    pub fn write_edges(&self, record: &mut Record, prefix: &str) {
        let names: Vec<_> = self.edges.iter().map(|edge| edge.edge_type.to_string()).collect();
        record.set_text("edge_types", names.join(","));
        for edge in &self.edges {
            record.set_tensor(format!("{prefix}{}.edge_index", edge.edge_type), &edge.edge_index);
            for (name, attribute) in &edge.attributes {
                record.set_tensor(format!("{prefix}{}.{name}", edge.edge_type), attribute);
            }
            if let Some(index) = &edge.index {
                index.write(record, &format!("{prefix}{}.", edge.edge_type));
            }
        }
    }

    /// The counterpart of [`Graph::write_nodes`] and [`Graph::write_edges`].
    ///
    /// # Errors
    /// If a named tensor is missing.
    pub fn read(record: &Record, prefix: &str) -> Result<Graph> {
        let nodes =
            record.list("node_types").iter().map(|name| NodeStore::read(record, name)).collect::<Result<_>>()?;
        let edge_types = record.list("edge_types");
        let edges = edge_types.iter().map(|name| EdgeStore::read(record, prefix, name)).collect::<Result<_>>()?;
        Ok(Graph { nodes, edges })
    }
}

/// Whether every id of i64 `[n]` is in `0..n_nodes`: one pass, nothing stored.
fn all_within(ids: &Tensor, n_nodes: i64) -> Result<bool> {
    if ids.numel() == 0 {
        return Ok(true);
    }
    let (least, greatest) = ids.f_aminmax(None, false)?;
    Ok(least.f_int64_value(&[])? >= 0 && greatest.f_int64_value(&[])? < n_nodes)
}

impl NodeStore {
    fn share(&self) -> Self {
        Self { name: self.name.clone(), n_nodes: self.n_nodes, x: self.x.as_ref().map(Tensor::shallow_clone) }
    }

    fn validate(&self) -> Result<()> {
        let Some(x) = &self.x else { return Ok(()) };
        let shape = x.size();
        if shape.len() == 2 && shape[0] == self.n_nodes && x.f_kind()? == Kind::Float {
            return Ok(());
        }
        Err(PluginError::invalid_data(format!(
            "features of `{}`: expected f32 of shape [{}, width], got {:?} of shape {shape:?}",
            self.name,
            self.n_nodes,
            x.f_kind()?
        )))
    }

    fn read(record: &Record, name: &str) -> Result<Self> {
        let x = record.optional_tensor(&format!("{name}.x"));
        // Files made elsewhere may tell the number of nodes by their features alone.
        let n_nodes = match (&x, record.texts.contains_key(&format!("{name}.n_nodes"))) {
            (Some(x), false) if x.dim() > 0 => x.size()[0],
            (Some(_), _) | (None, _) => record.parsed(&format!("{name}.n_nodes"))?,
        };
        Ok(Self { name: name.to_owned(), n_nodes, x })
    }
}

impl EdgeStore {
    pub fn new(edge_type: EdgeType, edge_index: Tensor, attributes: Vec<(String, Tensor)>) -> Self {
        Self { edge_type, edge_index, attributes, index: None }
    }

    fn validate_attributes(&self) -> Result<()> {
        let n_edges = self.edge_index.size()[1];
        let wrong = self.attributes.iter().find(|(_, attribute)| attribute.size().first() != Some(&n_edges));
        let Some((name, attribute)) = wrong else { return Ok(()) };
        Err(PluginError::invalid_data(format!(
            "edges `{}`: attribute `{name}` is of shape {:?}; its first dimension must be the number of edges, {n_edges}",
            self.edge_type,
            attribute.size()
        )))
    }

    fn share(&self) -> Self {
        let attributes = self.attributes.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone()));
        Self {
            edge_type: self.edge_type.clone(),
            edge_index: self.edge_index.shallow_clone(),
            attributes: attributes.collect(),
            index: self.index.as_ref().map(EdgeIndex::share),
        }
    }

    fn read(record: &Record, prefix: &str, name: &str) -> Result<Self> {
        let stem = format!("{prefix}{name}.");
        let attributes = record.tensors.range(stem.clone()..).take_while(|(key, _)| key.starts_with(&stem));
        let attributes = attributes
            .map(|(key, tensor)| (key[stem.len()..].to_owned(), tensor.shallow_clone()))
            .filter(|(attribute, _)| !attribute.starts_with("edge_"));
        Ok(Self {
            edge_type: name.parse()?,
            edge_index: record.tensor(&format!("{stem}edge_index"))?,
            attributes: attributes.collect(),
            index: EdgeIndex::read(record, &stem),
        })
    }
}

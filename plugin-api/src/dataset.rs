//! What a data loader gives: link-prediction splits, and the catalog that leads from dense ids back to raw ids and titles.

use tch::{Device, Kind, Tensor};

use crate::error::{PluginError, Result};
use crate::graph::{EdgeType, Graph, GraphMetadata};
use crate::record::Record;

/// One split: the edges along which messages flow, and the labelled edges that are scored.
#[derive(Debug)]
pub struct Split {
    pub graph: Graph,
    /// i64 `[2, n_labels]`: positives first, then negatives.
    pub edge_label_index: Tensor,
    /// f32 `[n_labels]`: 1 for an edge, 0 for a sampled negative.
    pub edge_label: Tensor,
}

/// Train, validation and test split, with the semantics of PyG's `RandomLinkSplit`: supervision edges are disjoint, message
/// edges are those of train, train and train + validation.
#[derive(Debug)]
pub struct LinkSplits {
    /// The edge type to predict.
    pub target: EdgeType,
    pub train: Split,
    pub val: Split,
    pub test: Split,
}

/// Raw ids and titles of the nodes, aligned with the dense ids.
#[derive(Debug, Default, Clone)]
pub struct Catalog {
    pub nodes: Vec<NodeCatalog>,
}

#[derive(Debug, Default, Clone)]
pub struct NodeCatalog {
    pub node_type: String,
    /// `[n_nodes]`.
    pub raw_ids: Vec<String>,
    /// `[n_nodes]`, or empty if the data have none.
    pub titles: Vec<String>,
}

impl Split {
    /// The labelled edges that are edges, i64 `[2, n_positives]`.
    pub fn positives(&self) -> Result<Tensor> {
        let columns = self.edge_label.f_gt(0.5)?.f_nonzero()?.f_squeeze_dim(1)?; // [n_positives]
        Ok(self.edge_label_index.f_index_select(1, &columns)?) // [2, n_positives]
    }

    fn validate(&self, target: &EdgeType) -> Result<()> {
        self.graph.validate()?;
        self.graph.validate_edges(target, &self.edge_label_index)?;
        let n_labels = self.edge_label_index.size()[1];
        if self.edge_label.size() == [n_labels] && self.edge_label.f_kind()? == Kind::Float {
            return Ok(());
        }
        Err(PluginError::invalid_data(format!(
            "edge_label: expected f32 of shape [{n_labels}] as edge_label_index has it, got {:?} of shape {:?}",
            self.edge_label.f_kind()?,
            self.edge_label.size()
        )))
    }

    fn to_device(&self, device: Device) -> Result<Split> {
        Ok(Split {
            graph: self.graph.to_device(device)?,
            edge_label_index: self.edge_label_index.f_to_device(device)?,
            edge_label: self.edge_label.f_to_device(device)?,
        })
    }

    fn write(&self, record: &mut Record, prefix: &str, target: &EdgeType) {
        self.graph.write_edges(record, prefix);
        record.set_tensor(format!("{prefix}{target}.edge_label_index"), &self.edge_label_index);
        record.set_tensor(format!("{prefix}{target}.edge_label"), &self.edge_label);
    }

    fn read(record: &Record, prefix: &str, target: &EdgeType) -> Result<Split> {
        Ok(Split {
            graph: Graph::read(record, prefix)?,
            edge_label_index: record.tensor(&format!("{prefix}{target}.edge_label_index"))?,
            edge_label: record.tensor(&format!("{prefix}{target}.edge_label"))?,
        })
    }
}

impl LinkSplits {
    /// The three splits with their names.
    pub fn named(&self) -> [(&'static str, &Split); 3] {
        [("train", &self.train), ("val", &self.val), ("test", &self.test)]
    }

    /// What a model is told of the data.
    pub fn metadata(&self) -> GraphMetadata {
        self.train.graph.metadata(&self.target)
    }

    /// # Errors
    /// If a tensor of any split has the wrong shape or kind or an id lies outside its node type.
    pub fn validate(&self) -> Result<()> {
        self.named().into_iter().try_for_each(|(name, split)| {
            split.validate(&self.target).map_err(|error| error.context(format!("split `{name}`")))
        })
    }

    /// The same splits on another device.
    pub fn to_device(&self, device: Device) -> Result<LinkSplits> {
        Ok(LinkSplits {
            target: self.target.clone(),
            train: self.train.to_device(device)?,
            val: self.val.to_device(device)?,
            test: self.test.to_device(device)?,
        })
    }

    /// Gives the node types that have no features those that `make(node_type, n_nodes)` makes, in every split the same.
    pub fn fill_features(&mut self, mut make: impl FnMut(&str, i64) -> Result<Option<Tensor>>) -> Result<()> {
        for index in 0..self.train.graph.nodes.len() {
            let node = &self.train.graph.nodes[index];
            if node.x.is_some() {
                continue;
            }
            let x = make(&node.name, node.n_nodes)?;
            for split in [&mut self.train, &mut self.val, &mut self.test] {
                split.graph.nodes[index].x = x.as_ref().map(Tensor::shallow_clone);
            }
        }
        Ok(())
    }

    /// Under the names of `GraphFileLoader`'s files; node features are shared by the splits.
    pub fn to_record(&self) -> Record {
        let mut record = Record::default();
        record.set_text("target", &self.target);
        self.train.graph.write_nodes(&mut record);
        for (name, split) in self.named() {
            split.write(&mut record, &format!("{name}."), &self.target);
        }
        record
    }

    /// # Errors
    /// If a named tensor is missing.
    pub fn from_record(record: &Record) -> Result<LinkSplits> {
        let target: EdgeType = match record.texts.get("target") {
            Some(target) => target.parse()?,
            // A file made elsewhere: the edge type that has labels.
            None => labelled_edge_type(record)?,
        };
        Ok(LinkSplits {
            train: Split::read(record, "train.", &target)?,
            val: Split::read(record, "val.", &target)?,
            test: Split::read(record, "test.", &target)?,
            target,
        })
    }
}

fn labelled_edge_type(record: &Record) -> Result<EdgeType> {
    let labelled = record.tensors.keys().find_map(|key| key.strip_prefix("train.")?.strip_suffix(".edge_label_index"));
    labelled
        .ok_or_else(|| {
            PluginError::invalid_data(
                "no tensor `train.SOURCE__RELATION__DESTINATION.edge_label_index`: no labelled edges",
            )
        })?
        .parse()
}

impl Catalog {
    /// The entry of a node type, if the loader gave one.
    pub fn node(&self, node_type: &str) -> Option<&NodeCatalog> {
        self.nodes.iter().find(|node| node.node_type == node_type)
    }

    /// Lists are stored a line an item, so control characters in titles become spaces.
    pub fn write(&self, record: &mut Record) {
        let lines = |items: &[String]| {
            items.iter().map(|item| item.replace(char::is_control, " ")).collect::<Vec<_>>().join("\n")
        };
        let names: Vec<_> = self.nodes.iter().map(|node| node.node_type.as_str()).collect();
        record.set_text("catalog", names.join(","));
        for node in &self.nodes {
            record.set_text(format!("{}.raw_ids", node.node_type), lines(&node.raw_ids));
            record.set_text(format!("{}.titles", node.node_type), lines(&node.titles));
        }
    }

    /// The counterpart of [`Catalog::write`]; absent lists are empty.
    pub fn read(record: &Record) -> Catalog {
        let lines = |name: String| match record.texts.get(&name) {
            Some(text) if !text.is_empty() => text.split('\n').map(str::to_owned).collect(),
            Some(_) | None => Vec::new(),
        };
        let node = |node_type: String| NodeCatalog {
            raw_ids: lines(format!("{node_type}.raw_ids")),
            titles: lines(format!("{node_type}.titles")),
            node_type,
        };
        Catalog { nodes: record.list("catalog").into_iter().map(node).collect() }
    }
}

//! `graph_file:GraphFileLoader`: a graph with its splits from one safetensors file.

use std::path::PathBuf;

use graph_data::file;
use plugin_api::prelude::*;
use plugin_api::record::Record;

plugin_api::params! {
    /// Reads a graph and its splits from one safetensors file, as `recsys-host load CONFIG --export FILE` writes it: node features
    /// `user.x`, and per split (`train.`, `val.`, `test.`) `user__rates__movie.edge_index`, `.edge_label_index` and `.edge_label`;
    /// metadata `node_types` and `edge_types`.
    #[schemars(extend("local" = true))]
    struct Params {
        /// The file, relative to the working folder.
        path: PathBuf,
    }
}

struct GraphFileLoader {
    path: PathBuf,
    record: Option<Record>,
    fingerprint: Option<String>,
}

impl DataLoader for GraphFileLoader {
    type Params = Params;

    fn new(params: Params, _: &Context) -> Result<Self> {
        Ok(Self { path: params.path, record: None, fingerprint: None })
    }

    fn prepare(&mut self, _force: bool, _: &Context) -> Result<String> {
        let record = file::read(&self.path)?;
        let splits = LinkSplits::from_record(&record)
            .map_err(|error| error.context(format!("{} holds no graph with splits", self.path.display())))?;
        let summary = format!("{}: {} training edges", self.path.display(), splits.train.positives()?.size()[1]);
        self.fingerprint = Some(file::sha256(&self.path)?);
        self.record = Some(record);
        Ok(summary)
    }

    /// The message edges of the test split and the edges held out from it: everything the file knows.
    fn get_data(&mut self, context: &Context) -> Result<Graph> {
        let LinkSplits { target, test, .. } = self.get_train_val_test_data(context)?;
        let heldout = test.positives()?; // [2, n_heldout]
        let mut graph = test.graph;
        for edge in &mut graph.edges {
            let more = if edge.edge_type == target {
                heldout.shallow_clone()
            } else if edge.edge_type == target.reverse() {
                heldout.f_flip([0])?
            } else {
                continue;
            };
            edge.edge_index = tch::Tensor::f_cat(&[&edge.edge_index, &more], 1)?; // [2, n_edges]
                                                                                  // The file has no attributes of the labelled edges.
            edge.attributes.clear();
        }
        Ok(graph)
    }

    fn get_train_val_test_data(&mut self, context: &Context) -> Result<LinkSplits> {
        if self.record.is_none() {
            self.prepare(false, context)?;
        }
        LinkSplits::from_record(self.record.as_ref().unwrap_or(&Record::default()))
    }

    fn catalog(&mut self, _: &Context) -> Result<Catalog> {
        Ok(self.record.as_ref().map(Catalog::read).unwrap_or_default())
    }

    fn fingerprint(&self) -> Option<String> {
        self.fingerprint.clone()
    }
}

plugin_api::export_plugin!(data_loader: GraphFileLoader);

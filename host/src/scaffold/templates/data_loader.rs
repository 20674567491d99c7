//! `my_plugin:MyPlugin`: a data loader: makes a graph of a file and splits it.
//!
//! Here, a CSV file with a header and an edge a line, the ids of a user and an item. Ids may be any text without a comma.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use graph_data::split::SplitParams;
use graph_data::{split_graph, whole_graph, EdgeColumns};
use plugin_api::prelude::*;

plugin_api::params! {
    /// Reads edges `user,item` from a CSV file with a header.
    #[schemars(extend("local" = true))]
    struct Params {
        /// The file, relative to the working folder.
        path: PathBuf,
    }
}

struct MyPlugin {
    path: PathBuf,
    edges: Option<Edges>,
}

/// The edges by dense ids; the raw ones in their order.
struct Edges {
    users: Vec<String>,
    items: Vec<String>,
    source: Vec<u32>,
    destination: Vec<u32>,
}

impl DataLoader for MyPlugin {
    type Params = Params;

    fn new(params: Params, _: &Context) -> Result<Self> {
        Ok(Self { path: params.path, edges: None })
    }

    fn prepare(&mut self, _force: bool, _: &Context) -> Result<String> {
        let edges = read(&self.path)?;
        let (n_users, n_items, n_edges) = (edges.users.len(), edges.items.len(), edges.source.len());
        self.edges = Some(edges);
        Ok(format!("{}: {n_users} users, {n_items} items, {n_edges} edges", self.path.display()))
    }

    fn get_data(&mut self, _: &Context) -> Result<Graph> {
        whole_graph(&self.loaded()?.columns()?)
    }

    fn get_train_val_test_data(&mut self, context: &Context) -> Result<LinkSplits> {
        let params = SplitParams { seed: context.seed(), ..SplitParams::default() };
        split_graph(&self.loaded()?.columns()?, &params)
    }

    fn catalog(&mut self, _: &Context) -> Result<Catalog> {
        let Edges { users, items, .. } = self.loaded()?;
        let node = |node_type: &str, ids: &[String]| NodeCatalog {
            node_type: node_type.into(),
            raw_ids: ids.to_vec(),
            titles: Vec::new(),
        };
        Ok(Catalog { nodes: vec![node("user", users), node("item", items)] })
    }

    fn fingerprint(&self) -> Option<String> {
        graph_data::file::sha256(&self.path).ok()
    }
}

impl MyPlugin {
    fn loaded(&mut self) -> Result<&Edges> {
        if self.edges.is_none() {
            self.edges = Some(read(&self.path)?);
        }
        self.edges.as_ref().ok_or_else(|| PluginError::failed("nothing was loaded"))
    }
}

impl Edges {
    fn columns(&self) -> Result<EdgeColumns<'_>> {
        Ok(EdgeColumns {
            edge_type: EdgeType::new("user", "chose", "item"),
            n_source: u32::try_from(self.users.len())?,
            n_destination: u32::try_from(self.items.len())?,
            source: &self.source,
            destination: &self.destination,
            attributes: Vec::new(),
        })
    }
}

/// Of an edge that is listed twice one is kept.
fn read(path: &Path) -> Result<Edges> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| PluginError::invalid_data(format!("{}: {error}", path.display())))?;
    let mut pairs = BTreeSet::new();
    for (index, line) in text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
        let pair = line.split_once(',').map(|(user, item)| (user.trim(), item.trim()));
        let Some((user, item)) =
            pair.filter(|(user, item)| !user.is_empty() && !item.is_empty() && !item.contains(','))
        else {
            let place = format!("{}:{}", path.display(), index + 1);
            return Err(PluginError::invalid_data(format!("{place}: expected `user,item`, got `{line}`")));
        };
        pairs.insert((user, item));
    }
    let users: BTreeSet<&str> = pairs.iter().map(|(user, _)| *user).collect();
    let items: BTreeSet<&str> = pairs.iter().map(|(_, item)| *item).collect();
    let (users, items) = (Vec::from_iter(users), Vec::from_iter(items));
    let place = |ids: &[&str], id: &str| Ok(u32::try_from(ids.binary_search(&id).unwrap_or_default())?);
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    Ok(Edges {
        source: pairs.iter().map(|(user, _)| place(&users, user)).collect::<Result<_>>()?,
        destination: pairs.iter().map(|(_, item)| place(&items, item)).collect::<Result<_>>()?,
        users: owned(&users),
        items: owned(&items),
    })
}

plugin_api::export_plugin!(data_loader: MyPlugin);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_graph() {
        let edges = read(Path::new("example.csv")).unwrap_or_else(|error| panic!("{error}"));
        assert!(edges.users.len() > 30 && edges.items.len() > 20);
        let columns = edges.columns().unwrap_or_else(|error| panic!("{error}"));
        assert!(split_graph(&columns, &SplitParams::default()).is_ok_and(|splits| splits.validate().is_ok()));
        assert!(read(Path::new("nowhere.csv")).is_err());
    }
}

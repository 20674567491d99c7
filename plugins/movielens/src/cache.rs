//! The rated pairs between runs: columns in `data/processed/`, opened by memory map. Leaves out when they are made anew.

use std::path::Path;
use std::time::Instant;

use graph_data::file::columns::{Columns, ColumnsWriter};
use graph_data::{Attribute, EdgeColumns};
use plugin_api::dataset::NodeCatalog;
use plugin_api::prelude::*;
use plugin_api::record::Record;

use crate::fetch::Provenance;
use crate::interactions::Interactions;

/// The rated pairs as cached.
pub struct Cached(Columns);

impl Cached {
    /// Writes the cache and opens it, so that the pairs no longer take memory of their own.
    ///
    /// # Errors
    /// If it cannot be written or opened.
    pub fn create(path: &Path, interactions: Interactions, provenance: &Provenance) -> Result<Self> {
        let mut record = Record::default();
        record.set_text("user.n_nodes", interactions.user_raw_id.len());
        record.set_text("movie.n_nodes", interactions.movie_raw_id.len());
        describe(provenance, &mut record);
        catalog(&interactions).write(&mut record);
        let Interactions { user, movie, rating, timestamp, .. } = &interactions;
        let mut writer = ColumnsWriter::default()
            .column("user", user)
            .column("movie", movie)
            .column("rating", rating)
            .column("timestamp", timestamp);
        writer.texts = record.texts;
        let clock = Instant::now();
        writer.write(path)?;
        log::debug!("cache written in {:.3} s", clock.elapsed().as_secs_f64());
        drop(interactions);
        Ok(Self(Columns::open(path)?))
    }

    /// # Errors
    /// If there is no whole cache or what is in it is no graph.
    pub fn open(path: &Path) -> Result<Self> {
        let cached = Self(Columns::open(path)?);
        cached.edges()?.validate()?;
        cached.text("rows_skipped").and(cached.text("origin"))?;
        Ok(cached)
    }

    /// The edges (user, rates, movie).
    ///
    /// # Errors
    /// If a column is missing.
    pub fn edges(&self) -> Result<EdgeColumns<'_>> {
        let attributes = vec![
            ("rating", Attribute::F32(self.0.column("rating")?)),
            ("timestamp", Attribute::I64(self.0.column("timestamp")?)),
        ];
        Ok(EdgeColumns {
            edge_type: EdgeType::new("user", "rates", "movie"),
            n_source: self.text("user.n_nodes")?.parse()?,
            n_destination: self.text("movie.n_nodes")?.parse()?,
            source: self.0.column("user")?,
            destination: self.0.column("movie")?,
            attributes,
        })
    }

    pub fn catalog(&self) -> Catalog {
        Catalog::read(&Record { texts: self.0.texts.clone(), ..Record::default() })
    }

    /// # Errors
    /// If there is no such text.
    pub fn text(&self, name: &str) -> Result<&str> {
        let text = self.0.texts.get(name).map(String::as_str);
        text.ok_or_else(|| PluginError::invalid_data(format!("the cached graph has no entry `{name}`")))
    }
}

fn catalog(interactions: &Interactions) -> Catalog {
    let node = |node_type: &str, raw_ids: &[i64], titles: &[String]| NodeCatalog {
        node_type: node_type.into(),
        raw_ids: raw_ids.iter().map(i64::to_string).collect(),
        titles: titles.to_vec(),
    };
    let Interactions { user_raw_id, movie_raw_id, titles, .. } = interactions;
    Catalog { nodes: vec![node("user", user_raw_id, &[]), node("movie", movie_raw_id, titles)] }
}

fn describe(provenance: &Provenance, record: &mut Record) {
    let origin = provenance.mirror.as_ref().unwrap_or(&provenance.source);
    record.set_text("origin", origin);
    record.set_text("ratings_sha256", &provenance.ratings_sha256);
    record.set_text("rows_skipped", provenance.skipped);
    record.set_text("duplicates", provenance.duplicates);
}

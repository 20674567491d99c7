//! The loader itself: from rated pairs, cached or fetched, to a graph and its splits.

use std::path::Path;
use std::time::Duration;

use graph_data::split::SplitParams;
use graph_data::{split_graph, whole_graph};
use plugin_api::prelude::*;

use crate::cache::Cached;
use crate::error::Error;
use crate::events::Events;
use crate::fetch::{self, Located, Request};
use crate::ratings::OnBadRow;
use crate::release::Env;
use crate::sources::Source;

/// Changes whenever the same ratings would give another graph, or the cache another form.
const LOADER_VERSION: &str = "2";

plugin_api::params! {
    /// MovieLens ratings as a user-movie graph: edges (user, rates, movie) and (movie, rev_rates, user) with rating and timestamp, split
    /// 80/10/10 as PyG's RandomLinkSplit does.
    pub struct Params {
        /// The release: dev is MovieLens 100K, small is ml-latest-small, prod is the largest.
        #[schemars(extend("sizes" = crate::release::sizes()))]
        env: Env = Env::Dev,
        /// Where to get it, tried in this order: raw (data/raw/, zip or folder), an https address of a zip, or
        /// pip:PACKAGE==VERSION!FOLDER. By default raw, then GroupLens, then for dev the wheel of recbole 1.2.1.
        sources: Option<Vec<Source>> = None,
        /// What to do with a row that cannot be read: error, or skip and count.
        on_bad_row: OnBadRow = OnBadRow::Error,
        /// Share of the edges held out for validation.
        #[schemars(range(min = 0.0, max = 1.0), extend("unit" = "of all edges"))]
        val_ratio: f64 = 0.1,
        /// Share of the edges held out for the test.
        #[schemars(range(min = 0.0, max = 1.0), extend("unit" = "of all edges"))]
        test_ratio: f64 = 0.1,
        /// Sampled negatives per positive edge.
        #[schemars(range(min = 0.0), extend("unit" = "per edge"))]
        neg_ratio: f64 = 1.0,
        /// Seconds without a byte after which a download is tried again.
        #[schemars(range(min = 0.1, max = 86400.0), extend("unit" = "seconds"))]
        read_timeout_s: f64 = 30.0,
    }
}

pub struct MovielensDataLoader {
    params: Params,
    loaded: Option<Loaded>,
}

struct Loaded {
    cached: Cached,
    fingerprint: String,
}

impl DataLoader for MovielensDataLoader {
    type Params = Params;

    fn new(params: Params, _: &Context) -> Result<Self> {
        if params.val_ratio + params.test_ratio >= 1.0 {
            let message = format!(
                "val_ratio {} and test_ratio {} leave nothing to train on",
                params.val_ratio, params.test_ratio
            );
            return Err(PluginError::invalid_parameter("val_ratio", message));
        }
        Ok(Self { params, loaded: None })
    }

    fn prepare(&mut self, force: bool, context: &Context) -> Result<String> {
        let request = self.request(force, context);
        let located = fetch::obtain(&request, &Listener(context)).map_err(explain)?;
        let name = located.cache_key(LOADER_VERSION, self.params.on_bad_row);
        let path = context.data_dir().join("processed").join(format!("{name}.safetensors"));
        let cached = match read_cache(&path).filter(|_| !force) {
            Some(cached) => cached,
            None => build(&located, self.params.on_bad_row, &path, context)?,
        };
        let summary = summary(&cached, &path)?;
        self.loaded = Some(Loaded { cached, fingerprint: located.fingerprint });
        Ok(summary)
    }

    fn get_data(&mut self, context: &Context) -> Result<Graph> {
        whole_graph(&self.loaded(context)?.cached.edges()?)
    }

    fn get_train_val_test_data(&mut self, context: &Context) -> Result<LinkSplits> {
        let Params { val_ratio, test_ratio, neg_ratio, .. } = self.params;
        let params = SplitParams { val_ratio, test_ratio, neg_ratio, seed: context.seed() };
        split_graph(&self.loaded(context)?.cached.edges()?, &params)
    }

    fn catalog(&mut self, context: &Context) -> Result<Catalog> {
        Ok(self.loaded(context)?.cached.catalog())
    }

    fn fingerprint(&self) -> Option<String> {
        self.loaded.as_ref().map(|loaded| loaded.fingerprint.clone())
    }
}

impl MovielensDataLoader {
    fn request(&self, force: bool, context: &Context) -> Request {
        let Params { env, sources, on_bad_row, read_timeout_s, .. } = &self.params;
        let mut request = Request::new(*env, context.data_dir());
        request.sources = sources.clone().unwrap_or(request.sources);
        request.timeouts.read = Duration::from_secs_f64(*read_timeout_s);
        Request { force, on_bad_row: *on_bad_row, ..request }
    }

    fn loaded(&mut self, context: &Context) -> Result<&Loaded> {
        if self.loaded.is_none() {
            self.prepare(false, context)?;
        }
        self.loaded.as_ref().ok_or_else(|| PluginError::failed("nothing was loaded"))
    }
}

/// `None` if there is no usable cache.
fn read_cache(path: &Path) -> Option<Cached> {
    if !path.exists() {
        return None;
    }
    match Cached::open(path) {
        Ok(cached) => Some(cached),
        Err(error) => {
            log::warn!("the cached graph cannot be used and is built anew: {error}");
            None
        }
    }
}

fn build(located: &Located, on_bad_row: OnBadRow, path: &Path, context: &Context) -> Result<Cached> {
    let (interactions, provenance) = fetch::parse(located, on_bad_row, &Listener(context)).map_err(explain)?;
    Cached::create(path, interactions, &provenance)
}

/// A line about what there is and where it came from.
fn summary(cached: &Cached, path: &Path) -> Result<String> {
    let edges = cached.edges()?;
    let skipped = match cached.text("rows_skipped")? {
        "0" => String::new(),
        skipped => format!(", {skipped} bad rows skipped"),
    };
    Ok(format!(
        "MovieLens from {}: {} users, {} movies, {} ratings{skipped}; graph in {}",
        cached.text("origin")?,
        edges.n_source,
        edges.n_destination,
        edges.source.len(),
        relative(path).display()
    ))
}

/// As short as it can be told from the working folder.
fn relative(path: &Path) -> &Path {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path)
}

/// The kinds that the host words by: bad data, an interruption, anything else.
fn explain(error: Error) -> PluginError {
    match error {
        Error::Cancelled => PluginError::interrupted(),
        Error::Ratings(_) | Error::Archive(_) => PluginError::invalid_data(error.to_string()),
        Error::Io { .. } | Error::NothingToLoad(_) | Error::TooManyRatings { .. } => {
            PluginError::failed(error.to_string())
        }
    }
}

/// What happens during a fetch, told to the host.
struct Listener<'a>(&'a Context);

impl Events for Listener<'_> {
    fn progress(&self, done: u64, total: Option<u64>, what: &str) {
        let progress = Progress { task: what.to_owned(), done, total, unit: "bytes".into(), note: String::new() };
        self.0.progress(&progress);
    }

    fn info(&self, text: &str) {
        log::info!("{text}");
    }

    fn warn(&self, text: &str) {
        log::warn!("{text}");
    }

    fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

//! The child's side: opens one library, makes one part of it, and answers the host's calls until the host hangs up.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use plugin_api::abi::abi_stable::std_types::RStr;
use plugin_api::abi::data_loader::DataLoaderObject;
use plugin_api::abi::evaluator::EvaluatorObject;
use plugin_api::abi::host::{Host, HostObject};
use plugin_api::abi::logger::LogSink;
use plugin_api::abi::module::PluginLibrary;
use plugin_api::context::{EpochRecord, Progress};
use plugin_api::error::Result;
use plugin_api::evaluator::{Evaluation, Scope};
use plugin_api::record::Record;
use plugin_api::PluginError;

use super::memory::{self, Shared};
use super::wire::{Answer, Construction, Message, Request};
use crate::plugins::library;
use crate::plugins::registry::Texts;

/// Where messages go; plugins report from any thread.
static MESSAGES: OnceLock<Mutex<UnixStream>> = OnceLock::new();

fn send(message: &Message) {
    let Some(stream) = MESSAGES.get() else { return };
    let Ok(mut line) = serde_json::to_vec(message) else { return };
    line.push(b'\n');
    // Without a host there is nobody to tell.
    let _ = stream.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line);
}

extern "C" fn log_to_host(level: u32, target: RStr<'_>, text: RStr<'_>) {
    send(&Message::Log { level, target: target.into(), text: text.into() });
}

/// Serves the host that listens at `address` until it hangs up.
pub fn serve(address: &Path) -> anyhow::Result<()> {
    crate::child::die_with_parent();
    let stream = UnixStream::connect(address)?;
    let requests = BufReader::new(stream.try_clone()?);
    let _ = MESSAGES.set(Mutex::new(stream));
    let mut part = Part::default();
    for line in requests.lines() {
        let Ok(line) = line else { break };
        let message = match part.answer(serde_json::from_str(&line)?) {
            Ok(answer) => Message::Done(answer),
            Err(error) => Message::Failed(error.into()),
        };
        send(&message);
    }
    Ok(())
}

/// What was opened and made so far.
#[derive(Default)]
struct Part {
    loader: Option<DataLoaderObject>,
    evaluator: Option<EvaluatorObject>,
    library: Option<PluginLibrary>,
    /// The last record, which the host may not have mapped yet.
    shared: Option<Shared>,
}

impl Part {
    fn answer(&mut self, request: Request) -> Result<Answer> {
        match request {
            Request::Open { library } => self.open(&library),
            Request::NewDataLoader(construction) => {
                let (name, params, host) = prepared(&construction);
                self.loader = Some(self.library()?.new_data_loader(name, params, host)?);
                Ok(Answer::Nothing)
            }
            Request::NewEvaluator(construction) => {
                let (name, params, host) = prepared(&construction);
                self.evaluator = Some(self.library()?.new_evaluator(name, params, host)?);
                Ok(Answer::Nothing)
            }
            Request::Prepare { force } => Ok(Answer::Text(Some(self.loader()?.prepare(force)?))),
            Request::Fingerprint => Ok(Answer::Text(self.loader()?.fingerprint()?)),
            Request::GetData => {
                let (graph, mut record) = (self.loader()?.get_data()?, Record::default());
                graph.write_nodes(&mut record);
                graph.write_edges(&mut record, "");
                self.share(&record)
            }
            Request::GetTrainValTestData => {
                let record = self.loader()?.get_train_val_test_data()?.to_record();
                self.share(&record)
            }
            Request::Catalog => {
                let mut record = Record::default();
                self.loader()?.catalog()?.write(&mut record);
                self.share(&record)
            }
            Request::Evaluate { record, full_ranking } => self.evaluate(&memory::copy(&record)?, full_ranking),
        }
    }

    fn open(&mut self, path: &Path) -> Result<Answer> {
        let library = library::open(path, LogSink { write: log_to_host })?;
        let described: Vec<Texts> = library.describe()?.into_iter().map(|record| record.texts).collect();
        self.library = Some(library);
        Ok(Answer::Described(described))
    }

    fn share(&mut self, record: &Record) -> Result<Answer> {
        let shared = self.shared.insert(Shared::new(record)?);
        Ok(Answer::Record(shared.path()))
    }

    fn evaluate(&mut self, record: &Record, full_ranking: bool) -> Result<Answer> {
        let evaluator = self.evaluator.as_ref().ok_or_else(out_of_turn)?;
        let evaluation = Evaluation {
            source: &record.tensor("source")?,
            destination: &record.tensor("destination")?,
            edge_label_index: &record.tensor("edge_label_index")?,
            edge_label: &record.tensor("edge_label")?,
            known_edges: &record.tensor("known_edges")?,
            scope: if full_ranking { Scope::FullRanking } else { Scope::LabelledEdges },
        };
        let metrics = tch::no_grad(|| evaluator.evaluate(&evaluation))?;
        Ok(Answer::Metrics(metrics.into_iter().map(|(name, value)| (name, value.to_bits())).collect()))
    }

    fn library(&self) -> Result<&PluginLibrary> {
        self.library.as_ref().ok_or_else(out_of_turn)
    }

    fn loader(&mut self) -> Result<&mut DataLoaderObject> {
        self.loader.as_mut().ok_or_else(out_of_turn)
    }
}

fn out_of_turn() -> PluginError {
    PluginError::failed("the host asked out of turn")
}

/// Threads as in the host, so that what depends on them does not differ.
fn prepared(construction: &Construction) -> (&str, &str, HostObject) {
    tch::set_num_threads(construction.threads);
    let host = HostObject::new(Remote { settings: construction.settings.clone() });
    (&construction.constructor, &construction.params, host)
}

/// The host, as the plugin sees it from here.
#[derive(Clone)]
struct Remote {
    settings: Texts,
}

impl Host for Remote {
    fn settings(&self) -> Record {
        Record { texts: self.settings.clone(), ..Record::default() }
    }

    fn is_cancelled(&self) -> bool {
        crate::services::is_cancelled()
    }

    fn progress(&self, progress: Progress) {
        let Progress { task, done, total, unit, note } = progress;
        send(&Message::Progress { task, done, total, unit, note });
    }

    fn report_epoch(&self, _: EpochRecord) -> Result<()> {
        Err(PluginError::unsupported("a part in a process of its own reports no epochs; remove `isolate: true`"))
    }

    fn checkpoint(&self, _: &str, _: Record) -> Result<()> {
        Err(PluginError::unsupported("a part in a process of its own saves no checkpoints; remove `isolate: true`"))
    }
}

//! THE STORY: check, load, build, fit, evaluate, save.
//!
//! [`train`] is the plan of the program as one straight function in data-flow order; [`Restored`] is the same way up to a trained
//! model, for the commands that use one.

mod check;
mod data;
mod dry_run;
mod failure;
pub(crate) mod features;
pub(crate) mod index;
mod parts;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use plugin_api::abi::evaluator::EvaluatorObject;
use plugin_api::abi::model::ModelObject;
use plugin_api::dataset::LinkSplits;
use plugin_api::evaluator::{Evaluation, Metrics, Scope};
use plugin_api::model::{Mode, NodeEmbeddings};
use plugin_api::profile::{span, timed};
use plugin_api::trainer::Fit;
use tch::no_grad;

use crate::artifacts::profile::{self, summary::Profile};
use crate::artifacts::result::{Memory, RunResult, Timing};
use crate::artifacts::run_directory::{CONFIG, RESULT, RUN_INFO, WEIGHTS};
use crate::artifacts::run_info::RunInfo;
use crate::artifacts::{weights, RunDirectory};
use crate::config::{Config, ExperimentConfig, Section};
use crate::machine::Machine;
use crate::rerun::Former;
use crate::services::Services;
use crate::terminal::terminal;

pub use check::{check, Checked};
pub use data::{load, Data};
pub use dry_run::{dry_run, DryRun};
pub use failure::{ComponentFailure, Explain};
pub use parts::Parts;

/// What a run left, and whether the user cut it short.
pub struct Trained {
    pub run_directory: PathBuf,
    pub interrupted: bool,
}

/// What a run is besides its config.
#[derive(Debug, Default)]
pub struct Terms<'a> {
    /// The folder of a job, which is there with its config in it.
    pub job: Option<&'a Path>,
    /// For a config that sets none; nothing means all cores.
    pub threads: Option<usize>,
    /// The run that this one repeats.
    pub former: Option<&'a Former>,
}

/// Counts the ways in which the host made numbers of a seed: random features, initial weights, the order of draws. It grows whenever the
/// same seed comes to mean other numbers. What plugins make of it (splits, negatives, dropout) their SHA-256 tells.
pub const SEED_MEANING: u32 = 1;

/// Trains and evaluates what was checked, and leaves a run directory.
pub fn train(mut checked: Checked, terms: &Terms) -> anyhow::Result<Trained> {
    checked.experiment.settings.threads = checked.experiment.settings.threads.or(terms.threads);
    let Checked { config, experiment, parts, started } = &checked;
    let machine = Machine::prepare(&experiment.settings)?;
    let mut info = RunInfo::new(experiment, &machine, parts);
    let run = begin(&checked, &mut info, terms)?;
    let services = Services::new(experiment.settings.seed, machine, Some(Arc::clone(&run)));
    let explain = Explain { config, experiment };

    let mut timing = Timing::default();
    let clock = Instant::now();
    let mut data = Data::load(parts, experiment, &services, &explain)?;
    info.data_fingerprint = data.fingerprint.clone();
    run.write_json(RUN_INFO, &info)?;
    terms.former.map_or(Ok(()), |former| former.compare_data(data.fingerprint.as_deref()))?;
    let model = build_model(parts, experiment, &mut data.splits, &services, &explain)?;
    timing.load_s = clock.elapsed().as_secs_f64();

    let loss = parts.loss(experiment, &services, &explain)?;
    let evaluator = parts.evaluator(experiment, &services, &explain)?;
    let mut trainer = parts.trainer(experiment, &services, &explain)?;
    let clock = Instant::now();
    let fit = Fit { model: &model, loss: &loss, evaluator: &evaluator, splits: &data.splits };
    let report = timed("fit", || trainer.fit(&fit));
    terminal().finish();
    let report = explain.result(Section::Trainer, report)?;
    timing.train_s = clock.elapsed().as_secs_f64();
    timing.epoch_s_median = run.median_epoch_seconds();
    run.save_weights(&explain.result(Section::Model, model.parameters())?)?;

    let clock = Instant::now();
    let metrics = evaluate(&model, &evaluator, &data.splits, &explain)?;
    timing.evaluate_s = clock.elapsed().as_secs_f64();
    timing.total_s = started.elapsed().as_secs_f64();
    terminal().print(&crate::terminal::table::metrics(&metrics));
    let recording = profile::finish();
    run.write_json(
        RESULT,
        &RunResult {
            metrics: metrics.into_iter().map(|(name, value)| (format!("test.{name}"), value)).collect(),
            timing,
            memory: Memory::of_this_process(),
            best_epoch: report.best_epoch,
            n_epochs: report.n_epochs,
            interrupted: report.interrupted,
            profile: recording.as_ref().map(Profile::of),
        },
    )?;
    recording.map_or(Ok(()), |recording| run.write_trace(recording))?;
    Ok(Trained { run_directory: run.path().to_owned(), interrupted: report.interrupted })
}

/// Makes the run directory and writes what is known so far. What an exact rerun cannot go on with is told before.
fn begin(checked: &Checked, info: &mut RunInfo, terms: &Terms) -> anyhow::Result<Arc<RunDirectory>> {
    info.rerun_of = terms.former.map(|former| former.path().to_owned());
    terms.former.filter(|former| former.exact).map_or(Ok(()), |former| former.compare(info))?;
    let run = match terms.job {
        Some(folder) => RunDirectory::open(folder.to_owned())?,
        None => RunDirectory::create(&checked.experiment.settings.run_dir, &checked.config)?,
    };
    terminal().log_to(run.log_file()?);
    log::info!("run directory {}", run.path().display());
    terms.former.filter(|former| !former.exact).map_or(Ok(()), |former| former.compare(info))?;
    run.write_json(RUN_INFO, info)?;
    Ok(Arc::new(run))
}

/// Builds the model for the data, gives the data the random features that it reads, and loads `model.init_from`.
fn build_model(
    parts: &Parts,
    experiment: &ExperimentConfig,
    splits: &mut LinkSplits,
    services: &Services,
    explain: &Explain,
) -> anyhow::Result<ModelObject> {
    let _span = span("build");
    let seed = experiment.settings.seed;
    // Here and not earlier: a loader that draws numbers must not change the weights that the model starts from.
    tch::manual_seed(seed as i64);
    let model = parts.model(experiment, splits, services, explain)?;
    let device = parts.device(services);
    let filled = splits.fill_features(|node_type, n_nodes| {
        let width = model.feature_width(node_type)?;
        width.map(|width| features::random(seed, node_type, n_nodes, width, device)).transpose()
    });
    explain.result(Section::Model, filled)?;
    let mut parameters = explain.result(Section::Model, model.parameters())?;
    let n_weights: usize = parameters.iter().map(|(_, parameter)| parameter.numel()).sum();
    log::info!("model {}: {n_weights} weights in {} tensors", experiment.model.component.module, parameters.len());
    if let Some(file) = &experiment.model.init_from {
        weights::load_into(file, &mut parameters)?;
        log::info!("weights from {}", file.display());
    }
    Ok(model)
}

/// Metrics on the test split.
pub fn evaluate(
    model: &ModelObject,
    evaluator: &EvaluatorObject,
    splits: &LinkSplits,
    explain: &Explain,
) -> anyhow::Result<Metrics> {
    let _span = span("evaluate");
    let (target, split) = (&splits.target, &splits.test);
    let embeddings = no_grad(|| timed("forward", || model.encode(&split.graph, Mode::Eval)));
    let embeddings: NodeEmbeddings = explain.result(Section::Model, embeddings)?;
    let metrics = embeddings.get(&target.source).and_then(|source| {
        no_grad(|| {
            let evaluation = Evaluation {
                source,
                destination: embeddings.get(&target.destination)?,
                edge_label_index: &split.edge_label_index,
                edge_label: &split.edge_label,
                known_edges: &split.graph.edge(target)?.edge_index,
                scope: Scope::FullRanking,
            };
            timed("metrics", || evaluator.evaluate(&evaluation))
        })
    });
    Ok(explain.result(Section::Evaluator, metrics)?)
}

/// A run's model with its weights, and the data it was trained on.
pub struct Restored {
    pub experiment: ExperimentConfig,
    pub data: Data,
    pub model: ModelObject,
    pub parts: Parts,
    pub services: Services,
}

impl Restored {
    /// From the run directory alone.
    pub fn open(run: &Path, config: &Config, plugin_dirs: &[PathBuf]) -> anyhow::Result<Self> {
        let mut experiment = ExperimentConfig::from_config(config)?;
        let weights = run.join(WEIGHTS);
        if !weights.exists() {
            anyhow::bail!("{}: the run has no weights; it did not finish", weights.display());
        }
        experiment.model.init_from = Some(weights);
        let mut parts = Parts::new(&experiment.settings, plugin_dirs);
        parts.open(&[Section::Data, Section::Model, Section::Evaluator], &experiment, config)?;
        let machine = Machine::prepare(&experiment.settings)?;
        let services = Services::new(experiment.settings.seed, machine, None);
        let explain = Explain { config, experiment: &experiment };
        let mut data = Data::load(&parts, &experiment, &services, &explain)?;
        let model = build_model(&parts, &experiment, &mut data.splits, &services, &explain)?;
        Ok(Self { experiment, data, model, parts, services })
    }
}

/// The config of a run, with overrides.
pub fn config_of_run(run: &Path, overrides: Vec<String>) -> anyhow::Result<Config> {
    let file = run.join(CONFIG);
    if !file.is_file() {
        anyhow::bail!(crate::cli::Usage(format!("{} is no run directory: it has no {CONFIG}", run.display())));
    }
    Ok(crate::config::compose(&crate::config::Request::from_file(file, overrides))?)
}

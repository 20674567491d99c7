//! `recsys-host plugins check`, and the child that it starts.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::cli::Usage;
use crate::commands::print;
use crate::conformance::plan::Request;
use crate::conformance::{self, report, worker};
use crate::plugins::SearchPath;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The library's file, or its name on the search path.
    #[arg(value_name = "PATH | LIBRARY", required_unless_present = "list")]
    library: Option<PathBuf>,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Run so many children at once; as many as there are processors where it is left out.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Check this constructor only; may be repeated.
    #[arg(long, value_name = "NAME")]
    constructor: Vec<String>,
    /// Run this test only; may be repeated.
    #[arg(long, value_name = "NAME")]
    test: Vec<String>,
    /// Make the constructor with these parameters instead of those that its schema suggests.
    #[arg(long, value_name = "JSON", conflicts_with = "params_file")]
    params: Option<String>,
    /// The same, from a file.
    #[arg(long, value_name = "FILE.json")]
    params_file: Option<PathBuf>,
    /// Seed everything that is random with this instead of a new one.
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Run one case of `fuzz` again, by the seed that its failure names.
    #[arg(long, value_name = "SEED", conflicts_with = "test")]
    reproduce: Option<u64>,
    /// Kill a test that takes longer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// List the tests and what each asks, and do nothing else.
    #[arg(long)]
    list: bool,
}

pub fn run(arguments: Arguments, search_path: &SearchPath) -> anyhow::Result<()> {
    let Some(library) = arguments.library.clone().filter(|_| !arguments.list) else {
        print(&report::list());
        return Ok(());
    };
    let as_json = arguments.json;
    let request = request(arguments, &library, search_path)?;
    let report = conformance::check(&request)?;
    if as_json {
        print(&serde_json::to_string_pretty(&report.value())?);
    } else {
        print(&report.text(std::io::stdout().is_terminal()));
    }
    match report.n_faults() {
        0 => Ok(()),
        _ => anyhow::bail!("{} does not conform: {}", request.library.display(), report.summary()),
    }
}

fn request(arguments: Arguments, library: &Path, search_path: &SearchPath) -> anyhow::Result<Request> {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    let params = match (&arguments.params, &arguments.params_file) {
        (Some(text), _) => Some(parse(text, "--params")?),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file).map_err(|error| Usage(format!("{}: {error}", file.display())))?;
            Some(parse(&text, &file.display().to_string())?)
        }
        (None, None) => None,
    };
    Ok(Request {
        library: find(library, search_path)?,
        constructors: arguments.constructor,
        tests: arguments.test,
        params,
        seed: arguments.seed.unwrap_or_else(new_seed),
        reproduce: arguments.reproduce,
        limit: Duration::from_secs(arguments.timeout),
        jobs: arguments.jobs.map_or_else(processors, usize::from),
    })
}

fn parse(text: &str, origin: &str) -> Result<Value, Usage> {
    let value: Value = serde_json::from_str(text).map_err(|error| Usage(format!("{origin}: no JSON: {error}")))?;
    match value.is_object() {
        true => Ok(value),
        false => Err(Usage(format!("{origin}: parameters are a JSON object, such as {{\"dim\": 8}}"))),
    }
}

/// A file, also one that no look-up would accept; else by name.
fn find(library: &Path, search_path: &SearchPath) -> Result<PathBuf, Usage> {
    // The children run in folders of their own.
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    if library.is_file() {
        return Ok(absolute(library.to_owned()));
    }
    let name = library.to_string_lossy();
    if name.contains('/') || name.ends_with(".so") {
        return Err(Usage(format!("there is no file {name}")));
    }
    search_path.find(&name).map(|(path, _)| absolute(path)).map_err(|error| Usage(error.to_string()))
}

/// Short enough to be typed.
fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_nanos()) ^ (now.as_secs() & 0xffff_ffff)
}

#[derive(Debug, clap::Args)]
pub struct WorkerArguments {
    assignment: PathBuf,
}

/// The child: results go to the file that the assignment names.
pub fn run_worker(arguments: &WorkerArguments) -> anyhow::Result<()> {
    worker::run(&arguments.assignment)
}

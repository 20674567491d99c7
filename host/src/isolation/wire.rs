//! What host and child say to each other.

use std::path::PathBuf;

use plugin_api::error::ErrorKind;
use plugin_api::PluginError;
use serde::{Deserialize, Serialize};

use crate::plugins::registry::Texts;

/// From the host; the child answers each in turn.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// Opens the library.
    Open {
        library: PathBuf,
    },
    NewDataLoader(Construction),
    NewEvaluator(Construction),
    Prepare {
        force: bool,
    },
    GetData,
    GetTrainValTestData,
    Catalog,
    Fingerprint,
    Evaluate {
        record: PathBuf,
        full_ranking: bool,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Construction {
    pub constructor: String,
    pub params: String,
    /// What the host tells its plugins.
    pub settings: Texts,
    pub threads: i32,
}

/// From the child: any number of reports, then the answer.
#[derive(Debug, Serialize, Deserialize)]
pub enum Message {
    Log { level: u32, target: String, text: String },
    Progress { task: String, done: u64, total: Option<u64>, unit: String, note: String },
    Done(Answer),
    Failed(Failure),
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    Nothing,
    /// The constructors, as [`plugin_api::abi::module::PluginLibrary::describe`] gives them.
    Described(Vec<Texts>),
    Text(Option<String>),
    /// Where a record lies until the next request.
    Record(PathBuf),
    /// Numbers as their bits: JSON knows no NaN.
    Metrics(Vec<(String, u64)>),
}

/// [`PluginError`] on this wire.
#[derive(Debug, Serialize, Deserialize)]
pub struct Failure {
    kind: Kind,
    message: String,
    config_path: Option<Box<str>>,
    component: Option<Box<str>>,
    location: Option<Box<str>>,
    chain: Vec<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Kind {
    InvalidParameter,
    InvalidData,
    Unsupported,
    Interrupted,
    Panicked,
    Failed,
}

impl From<PluginError> for Failure {
    fn from(error: PluginError) -> Self {
        let kind = match error.kind {
            ErrorKind::InvalidParameter => Kind::InvalidParameter,
            ErrorKind::InvalidData => Kind::InvalidData,
            ErrorKind::Unsupported => Kind::Unsupported,
            ErrorKind::Interrupted => Kind::Interrupted,
            ErrorKind::Panicked => Kind::Panicked,
            ErrorKind::Failed => Kind::Failed,
        };
        let PluginError { message, config_path, component, location, chain, .. } = error;
        Self { kind, message, config_path, component, location, chain }
    }
}

impl From<Failure> for PluginError {
    fn from(failure: Failure) -> Self {
        let kind = match failure.kind {
            Kind::InvalidParameter => ErrorKind::InvalidParameter,
            Kind::InvalidData => ErrorKind::InvalidData,
            Kind::Unsupported => ErrorKind::Unsupported,
            Kind::Interrupted => ErrorKind::Interrupted,
            Kind::Panicked => ErrorKind::Panicked,
            Kind::Failed => ErrorKind::Failed,
        };
        let Failure { message, config_path, component, location, chain, .. } = failure;
        Self { kind, message, config_path, component, location, chain }
    }
}

//! [`PluginError`]: the one error that crosses the boundary. Flat, so that no type of the plugin has to cross with it.

/// The result of everything that a plugin does.
pub type Result<T, E = PluginError> = std::result::Result<T, E>;

/// What sort of failure it was; decides how the host words it and with which code it exits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A parameter of the config is wrong. `config_path` names it.
    InvalidParameter,
    /// The data are wrong: a file, a graph, a tensor of the wrong shape.
    InvalidData,
    /// The parts do not fit together, or this device or power is not supported.
    Unsupported,
    /// The user asked to stop.
    Interrupted,
    /// The plugin's code panicked. The instance answers nothing from then on.
    Panicked,
    /// Anything else.
    Failed,
}

/// An error of a plugin.
///
/// Any `std::error::Error` becomes one with `?` (kind [`ErrorKind::Failed`], its sources in `chain`). For that reason it
/// is itself no `std::error::Error`, as with `anyhow::Error`.
#[derive(Debug, Clone)]
pub struct PluginError {
    pub kind: ErrorKind,
    /// What happened, with the choices and the cure where there are any.
    pub message: String,
    /// The parameter at fault relative to `params`, for example `dropout` or `sources.1`.
    pub config_path: Option<Box<str>>,
    /// Who reported it, for example `gat:GAT`. The adapters fill it in.
    pub component: Option<Box<str>>,
    /// Source position of a panic.
    pub location: Option<Box<str>>,
    /// The causes, outermost first.
    pub chain: Vec<String>,
}

impl PluginError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = without_cpp_trace(message.into());
        Self { kind, message, config_path: None, component: None, location: None, chain: Vec::new() }
    }

    /// The parameter `config_path` (relative to `params`) is wrong.
    pub fn invalid_parameter(config_path: impl Into<Box<str>>, message: impl Into<String>) -> Self {
        Self { config_path: Some(config_path.into()), ..Self::new(ErrorKind::InvalidParameter, message) }
    }

    pub fn invalid_data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidData, message)
    }

    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    pub fn interrupted() -> Self {
        Self::new(ErrorKind::Interrupted, "interrupted")
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// Says what was being done when it happened; the former message becomes the first cause.
    pub fn context(mut self, doing: impl Into<String>) -> Self {
        let cause = std::mem::replace(&mut self.message, doing.into());
        self.chain.insert(0, cause);
        self
    }

    /// Names the component unless a deeper one is named already.
    pub fn of_component(mut self, component: &str) -> Self {
        self.component.get_or_insert_with(|| component.into());
        self
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for PluginError {
    fn from(error: E) -> Self {
        let mut converted = Self::failed(error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            converted.chain.push(without_cpp_trace(cause.to_string()));
            source = cause.source();
        }
        converted
    }
}

impl std::fmt::Display for PluginError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        self.chain.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// Adds [`PluginError::context`] to results.
pub trait ResultExt<T> {
    fn context(self, doing: impl Into<String>) -> Result<T>;
}

impl<T, E: Into<PluginError>> ResultExt<T> for std::result::Result<T, E> {
    fn context(self, doing: impl Into<String>) -> Result<T> {
        self.map_err(|error| error.into().context(doing))
    }
}

/// libtorch appends its C++ stack to every message; no reader of ours wants forty lines of it.
pub(crate) fn without_cpp_trace(mut message: String) -> String {
    if let Some(at) = message.find("\nException raised from") {
        message.truncate(at);
    }
    message
}

//! Opens libraries. The host's only `unsafe`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use plugin_api::abi::logger::LogSink;
use plugin_api::abi::module::PluginLibrary;
use plugin_api::LIBTORCH_VERSION;

use crate::artifacts::profile;
use crate::plugins::admission::{Admitted, Rejection};

/// Why a file that its note made look good could still not be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot be opened: {0}")]
    Open(String),
    #[error("its types do not fit those of this host, although its note says that its API does:\n{0}")]
    Layout(plugin_api::PluginError),
    #[error("{0}")]
    Libtorch(String),
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("it brought a second libtorch into the process: {}", paths(.0))]
    TwoLibtorches(BTreeSet<PathBuf>),
}

fn paths(paths: &BTreeSet<PathBuf>) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Opens a library that may be opened: the very file that was looked at.
pub fn open_admitted(admitted: Admitted, sink: LogSink) -> Result<PluginLibrary, OpenError> {
    let path = admitted.file.path.clone();
    let (place, handle) = admitted.into_place()?;
    let library = open_at(&place, &path, sink)?;
    // The loader knows the library by the name of this handle, which must come to mean nothing else.
    std::mem::forget(handle);
    Ok(library)
}

/// Opens a file as it is, whoever vouches for it: in a child process.
pub fn open(path: &Path, sink: LogSink) -> Result<PluginLibrary, OpenError> {
    // A relative path without a slash would be looked up in the system's folders.
    let place = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    open_at(&place, path, sink)
}

/// Opens a plugin whose note has been read, and never unloads it: objects made by its code may live anywhere.
fn open_at(place: &Path, path: &Path, sink: LogSink) -> Result<PluginLibrary, OpenError> {
    check_libtorch().map_err(OpenError::Libtorch)?;
    let plain = |text: String| text.replace(&place.display().to_string(), &path.display().to_string());
    // SAFETY: opening runs the initialisers of a library that says by its note that it is a plugin for this very
    // contract; trusting the code of plugins is what a plugin host does. It is never unloaded. `RTLD_LOCAL` keeps tch's
    // glue, which every plugin carries, from being bound across libraries; `RTLD_NOW` finds missing symbols here and
    // not in the middle of training.
    let library = unsafe { Library::open(Some(place), RTLD_NOW | RTLD_LOCAL) };
    std::mem::forget(library.map_err(|error| OpenError::Open(plain(with_source(&error))))?);
    let libtorches = mapped_libtorches();
    if libtorches.len() > 1 {
        return Err(OpenError::TwoLibtorches(libtorches));
    }
    let library = PluginLibrary::from_path(place, sink, log::max_level() as u32).map_err(|mut error| {
        error.message = plain(error.message);
        OpenError::Layout(error)
    })?;
    if profile::sink().is_some_and(|sink| !library.record_spans(sink)) {
        log::info!("{} was built for API 1.0 and records no spans", path.display());
    }
    Ok(library)
}

/// What the loader said stands in the source of the error alone.
fn with_source(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| source.to_string())
}

/// The files of libtorch that are mapped into this process.
fn mapped_libtorches() -> BTreeSet<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let paths = maps.lines().filter_map(|line| line.find('/').map(|at| PathBuf::from(&line[at..])));
    paths.filter(|path| path.file_name().is_some_and(|name| name == "libtorch_cpu.so")).collect()
}

/// Whether the libtorch in this process is the one that the host was built with; it has no versioned name, so the loader
/// binds whatever it finds.
///
/// # Errors
/// A message that names both versions.
pub fn check_libtorch() -> Result<(), String> {
    let this = Library::this();
    // SAFETY: the symbol is a function of libtorch's stable C interface without arguments that returns a `uint64_t`.
    let version = unsafe { this.get::<extern "C" fn() -> u64>(b"aoti_torch_abi_version\0").map(|version| version()) };
    let Ok(version) = version else { return Err("the libtorch in this process tells no version".into()) };
    let running = format!("{}.{}.{}", version >> 56, (version >> 48) & 0xff, (version >> 40) & 0xff);
    if running == LIBTORCH_VERSION {
        return Ok(());
    }
    let mapped = paths(&mapped_libtorches());
    Err(format!(
        "this host was built with libtorch {LIBTORCH_VERSION}, but libtorch {running} is loaded from {mapped}; \
         is LD_LIBRARY_PATH set to another one?"
    ))
}

/// Loads libtorch's CUDA part where the libtorch at hand has one; binaries never link it.
pub fn load_cuda() {
    for libtorch in mapped_libtorches() {
        let cuda = libtorch.with_file_name("libtorch_cuda.so");
        if !cuda.exists() {
            continue;
        }
        // SAFETY: part of the same libtorch as the one mapped; it registers its kernels with it on loading, as when linked.
        match unsafe { Library::open(Some(&cuda), RTLD_NOW | RTLD_LOCAL) } {
            Ok(library) => std::mem::forget(library),
            Err(error) => log::warn!("{} cannot be loaded, going on without CUDA: {error}", cuda.display()),
        }
    }
}

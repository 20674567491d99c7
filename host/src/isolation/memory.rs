//! Records in files that exist in memory only, which another process opens by their handle.

use std::fs::File;
use std::io::BufWriter;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use plugin_api::error::{Result, ResultExt};
use plugin_api::record::Record;
use rustix::fs::{fcntl_add_seals, memfd_create, MemfdFlags, SealFlags};

/// A record that another process can read for as long as this lives.
pub struct Shared(File);

impl Shared {
    pub fn new(record: &Record) -> Result<Self> {
        let attempt = || -> Result<File> {
            let file = File::from(memfd_create("recsys-host", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
            let mut writer = BufWriter::new(&file);
            graph_data::file::write_to(&mut writer, record)?;
            writer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            // Who has it mapped must not find it shorter than it was.
            fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?;
            Ok(file)
        };
        attempt().map(Self).context("tensors cannot be shared with another process")
    }

    /// Its name for other processes.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd()))
    }
}

/// Maps a record; the memory is shared until it is written to, and stays mapped until this process ends.
pub fn map(path: &Path) -> Result<Record> {
    graph_data::file::read(path)
}

/// Copies a record, for what comes again and again.
pub fn copy(path: &Path) -> Result<Record> {
    let tensors = tch::Tensor::read_safetensors(path)?.into_iter().collect();
    Ok(Record { tensors, ..Record::default() })
}

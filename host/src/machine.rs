//! Device, threads and libtorch of this process: what is process-wide and therefore the host's alone.

use tch::Cuda;

use crate::config::experiment::Settings;
use crate::config::Device;
use crate::plugins::library;

/// What the process runs on.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    pub device: tch::Device,
    pub threads: i32,
}

#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    #[error("{0}")]
    Libtorch(String),
    #[error("device cuda:{wanted}: {reason}; use device=cpu, or device=auto to take what there is")]
    NoCuda { wanted: usize, reason: String },
}

impl Machine {
    /// Checks libtorch, loads its CUDA part if there is one, sets the number of threads.
    pub fn prepare(settings: &Settings) -> Result<Self, MachineError> {
        library::check_libtorch().map_err(MachineError::Libtorch)?;
        keep_freed_memory();
        if settings.device != Device::Cpu {
            library::load_cuda();
        }
        let device = choose(settings.device)?;
        if let Some(threads) = settings.threads.filter(|threads| *threads > 0) {
            set_threads(threads);
        }
        Ok(Self { device, threads: tch::get_num_threads() })
    }

    /// `cpu` or `cuda:0`.
    pub fn device_name(&self) -> String {
        match self.device {
            tch::Device::Cuda(index) => format!("cuda:{index}"),
            _ => "cpu".to_owned(),
        }
    }
}

/// OpenMP ends the process where the system will not give it so many threads.
fn set_threads(wanted: usize) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = wanted.min(4 * cores);
    if threads < wanted {
        log::warn!("threads={wanted} is far more than this machine's {cores} cores; using {threads}");
    }
    tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
}

/// libtorch gives freed tensors back to glibc, and glibc gives large blocks back to the system: an epoch then spends a fifth of its
/// time on the page faults of getting the same memory again. Kept instead, GATv2 trains 8% faster on ml-latest-small and 20% on 10
/// million ratings, with the same peak memory (72 MB more on the small one). A user's own setting of these thresholds stays.
fn keep_freed_memory() {
    if !sets_thresholds(|variable| std::env::var(variable).ok()) && !kernels::memory::keep_freed() {
        log::debug!("freed memory goes back to the system: epochs take a little longer");
    }
}

/// Whether an environment says when glibc gives memory back: its own variables, or its tunables, which set much else besides.
fn sets_thresholds(value_of: impl Fn(&str) -> Option<String>) -> bool {
    ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"].iter().any(|variable| value_of(variable).is_some())
        || value_of("GLIBC_TUNABLES").is_some_and(|tunables| {
            tunables.contains("malloc.mmap_threshold=") || tunables.contains("malloc.trim_threshold=")
        })
}

fn choose(wanted: Device) -> Result<tch::Device, MachineError> {
    let available = || if Cuda::is_available() { Cuda::device_count() as usize } else { 0 };
    match wanted {
        Device::Cpu => Ok(tch::Device::Cpu),
        Device::Auto => Ok(if available() > 0 { tch::Device::Cuda(0) } else { tch::Device::Cpu }),
        Device::Cuda(index) if index < available() => Ok(tch::Device::Cuda(index)),
        Device::Cuda(wanted) => {
            let reason = match available() {
                0 => "this machine has none, or libtorch was set up without (`make setup DEVICE=cuda`)".to_owned(),
                there => format!("this machine has {there}"),
            };
            Err(MachineError::NoCuda { wanted, reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_setting_of_the_thresholds_keeps_ours_away() {
        let with = |name: &'static str, value: &'static str| {
            sets_thresholds(move |variable| (variable == name).then(|| value.to_owned()))
        };
        assert!(with("MALLOC_TRIM_THRESHOLD_", "1"));
        assert!(with("MALLOC_MMAP_THRESHOLD_", "1"));
        assert!(with("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=65536"));
        assert!(with("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=1"));
        assert!(!with("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"));
        assert!(!with("PATH", "glibc.malloc.trim_threshold=1"));
    }
}

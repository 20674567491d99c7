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
        use_huge_pages();
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

/// libtorch gives freed blocks back to the system at once, and an epoch spent most of its time on the page faults of getting them
/// again: with pages of 2 MB in place of 4 KB, GATv2 on MovieLens 100K trains twice as fast in the same memory. Asked for by
/// a variable because libtorch reads it at its first allocation; a user's own setting stays.
fn use_huge_pages() {
    const VARIABLE: &str = "THP_MEM_ALLOC_ENABLE";
    if std::env::var_os(VARIABLE).is_none() {
        std::env::set_var(VARIABLE, "1");
    }
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

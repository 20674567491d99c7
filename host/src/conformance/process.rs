//! What this process uses, as Linux tells it: memory, descriptors, threads, time.

use std::time::Instant;

/// Bytes of memory of its own, without files that are mapped.
pub fn own_memory() -> u64 {
    const PAGE: u64 = 4096;
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let mut pages = text.split_whitespace().skip(1).map(|number| number.parse::<u64>().unwrap_or(0));
    let (resident, shared) = (pages.next().unwrap_or(0), pages.next().unwrap_or(0));
    resident.saturating_sub(shared) * PAGE
}

pub fn n_descriptors() -> usize {
    count("/proc/self/fd")
}

pub fn n_threads() -> usize {
    count("/proc/self/task")
}

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Measures time without that in which other processes had the processor.
pub struct Stopwatch {
    started: Instant,
    waited: f64,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self { started: Instant::now(), waited: seconds_waited() }
    }

    pub fn seconds(&self) -> f64 {
        (self.started.elapsed().as_secs_f64() - (seconds_waited() - self.waited)).max(0.0)
    }
}

/// How long the main thread was ready but not running; 0 where the kernel does not tell.
fn seconds_waited() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds: f64 = text.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0.0);
    nanoseconds / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_measured() {
        let (memory, descriptors) = (own_memory(), n_descriptors());
        assert!(memory > 0 && n_threads() > 0);
        let held = std::hint::black_box(vec![1_u8; 64 << 20]);
        let files: Vec<_> = (0..50).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        assert!(own_memory() >= memory + (32 << 20) && n_descriptors() >= descriptors + 25);
        drop((held, files));
        let clock = Stopwatch::start();
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(clock.seconds() >= 0.0);
    }
}

//! How this process gets its memory, and what its allocator does with freed memory.

/// Keeps freed memory for later allocations instead of giving it back to the system, up to blocks of 2 GiB. Gives whether the allocator
/// took it: glibc's does.
pub fn keep_freed() -> bool {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: sets two numbers of the allocator, under its lock.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, i32::MAX) == 1 && libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX) == 1
        }
    }
    #[cfg(not(target_env = "gnu"))]
    false
}

/// While it lives, memory that is new to the process comes in small pages, even where huge ones were asked for: where everything is
/// gone through once and in order these gain nothing, and the system takes its time to make room for them (measured: the graph of 32
/// million ratings is made in 2.5 s, with huge pages in 2.8 to 5.0 s). Afterwards what was freed meanwhile goes back to the system.
#[derive(Debug)]
pub struct SmallPages {
    /// Not where somebody else had done so before.
    are_set: bool,
}

impl SmallPages {
    #[must_use]
    pub fn begin() -> Self {
        Self { are_set: set_small_pages(true) }
    }
}

impl Drop for SmallPages {
    fn drop(&mut self) {
        if self.are_set {
            #[cfg(target_env = "gnu")]
            // SAFETY: gives free pages back, under the allocator's lock.
            unsafe {
                libc::malloc_trim(0);
            }
            set_small_pages(false);
        }
    }
}

/// Whether this changed anything.
fn set_small_pages(on: bool) -> bool {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: sets one flag of this process; the arguments that are not used must be 0.
        are_small() != on
            && unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, libc::c_ulong::from(on), ZERO, ZERO, ZERO) == 0 }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = on;
        false
    }
}

#[cfg(target_os = "linux")]
const ZERO: libc::c_ulong = 0;

#[cfg(target_os = "linux")]
fn are_small() -> bool {
    // SAFETY: reads one flag of this process.
    unsafe { libc::prctl(libc::PR_GET_THP_DISABLE, ZERO, ZERO, ZERO, ZERO) == 1 }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn pages_are_small_for_as_long_as_the_first_who_asked_lives() {
        let before = are_small(); // who started this process may have said so
        let first = SmallPages::begin();
        assert!(are_small());
        drop(SmallPages::begin());
        assert!(are_small());
        drop(first);
        assert_eq!(are_small(), before);
    }
}

//! What the allocator of this process does with freed memory.

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

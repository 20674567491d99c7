//! Which vector instructions the kernels use.

use std::sync::OnceLock;

use pulp::Arch;

/// The best that this processor has. `RECSYS_SIMD=avx2` or `RECSYS_SIMD=portable` takes less: for tests, and for tools that know no
/// AVX-512, such as valgrind.
pub fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(|| match std::env::var("RECSYS_SIMD").as_deref() {
        Ok("portable") => Arch::Scalar,
        Ok("avx2") => avx2(),
        Ok(_) | Err(_) => Arch::new(),
    })
}

#[cfg(target_arch = "x86_64")]
fn avx2() -> Arch {
    pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3)
}

#[cfg(not(target_arch = "x86_64"))]
fn avx2() -> Arch {
    Arch::new()
}

//! Synthetic rows for the benches.

/// `n` numbers from -1 to 1.
pub fn matrix(n: usize) -> Vec<f32> {
    (0..n).map(|at| ((at * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0).collect()
}

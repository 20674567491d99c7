//! Synthetic ratings for the benches.

/// `n` edges from users to movies; a few users and movies have most of them.
pub fn ratings(users: usize, movies: usize, n: usize) -> (Vec<i64>, Vec<i64>) {
    let mut state = 7_u64;
    let mut draw = |n: usize, skew: i32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (((state >> 11) as f64 / (1_u64 << 53) as f64).powi(skew) * n as f64) as i64
    };
    (0..n).map(|_| (draw(users, 2), draw(movies, 4))).unzip()
}

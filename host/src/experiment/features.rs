//! Random features for nodes that have none: standard normal, the same for the same seed on every machine and device.

use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use tch::{Device, Tensor};

/// f32 `[n_nodes, width]`. libtorch's own generator is not used: its draws depend on the device and on what was drawn before.
pub fn random(seed: u64, node_type: &str, n_nodes: i64, width: i64, device: Device) -> plugin_api::Result<Tensor> {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    hasher.update(node_type);
    let mut rng = ChaCha8Rng::from_seed(hasher.finalize().into());
    let n = (n_nodes * width) as usize;
    let mut values = Vec::with_capacity(n + 1);
    while values.len() < n {
        let [left, right] = normal_pair(&mut rng);
        values.extend([left, right]);
    }
    values.truncate(n);
    Ok(Tensor::f_from_slice(&values)?.f_view([n_nodes, width])?.f_to_device(device)?)
}

/// Box and Muller (1958).
fn normal_pair(rng: &mut ChaCha8Rng) -> [f32; 2] {
    // 53 bits, in (0, 1].
    let mut uniform = || ((rng.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
    let (radius, angle) = ((-2.0 * uniform().ln()).sqrt(), std::f64::consts::TAU * uniform());
    [(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_standard_normal() {
        let draw =
            |seed, node_type| random(seed, node_type, 500, 41, Device::Cpu).unwrap_or_else(|error| panic!("{error}"));
        let x = draw(7, "user");
        assert_eq!(x.size(), [500, 41]);
        assert!(x.mean(None).double_value(&[]).abs() < 0.03);
        assert!((x.std(true).double_value(&[]) - 1.0).abs() < 0.03);
        assert_eq!(x, draw(7, "user"));
        assert_ne!(x, draw(7, "movie"));
        assert_ne!(x, draw(8, "user"));
    }
}

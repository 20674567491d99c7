//! Negatives for losses that compare items of one user: for every positive edge (u, i) an item j that u has no training edge to.

use plugin_api::prelude::*;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Tensor};

/// Draws an item per positive edge; the same for the same seed and epoch, on every machine.
pub struct NegativeSampler {
    users: Vec<i64>,
    /// `user * n_items + item` of every positive, sorted.
    positives: Vec<i64>,
    n_items: i64,
    seed: u64,
    device: Device,
}

/// A user who knows nearly every item may defeat the draw; after so many tries the last item stands.
const TRIES: usize = 100;

impl NegativeSampler {
    /// `positives` i64 `[2, n]`.
    pub fn new(positives: &Tensor, n_items: i64, context: &Context) -> Result<Self> {
        let users = Vec::<i64>::try_from(positives.f_get(0)?)?;
        let items = Vec::<i64>::try_from(positives.f_get(1)?)?;
        let mut keys: Vec<i64> = users.iter().zip(&items).map(|(user, item)| user * n_items + item).collect();
        keys.sort_unstable();
        Ok(Self { users, positives: keys, n_items, seed: context.seed(), device: positives.device() })
    }

    /// i64 `[2, n]`: the users of the positives, in their order, each with a drawn item.
    pub fn draw(&self, epoch: usize) -> Result<Tensor> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(epoch as u64);
        let items: Vec<i64> = self.users.iter().map(|user| self.draw_item(*user, &mut rng)).collect();
        let items = Tensor::f_from_slice(&items)?;
        Ok(Tensor::f_stack(&[Tensor::f_from_slice(&self.users)?, items], 0)?.f_to_device(self.device)?)
    }

    fn draw_item(&self, user: i64, rng: &mut ChaCha8Rng) -> i64 {
        let mut item = 0;
        for _ in 0..TRIES {
            // The upper half of a product: uniform to within n_items / 2^64.
            item = ((u128::from(rng.next_u64()) * self.n_items as u128) >> 64) as i64;
            if self.positives.binary_search(&(user * self.n_items + item)).is_err() {
                break;
            }
        }
        item
    }
}

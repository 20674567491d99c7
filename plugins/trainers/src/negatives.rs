//! Negatives for losses that compare items of one user: for every positive edge (u, i) an item j that u has no training edge to.

use kernels::csr::{group, CsrBuffers};
use kernels::parallel::for_each_chunk;
use kernels::random::{below, bits};
use plugin_api::prelude::*;
use tch::{Device, Tensor};

/// Draws an item per positive edge, on all threads; the same for the same seed and epoch, on every machine.
pub struct NegativeSampler {
    users: Vec<i64>,
    /// The items of every user, ascending within one.
    items: CsrBuffers,
    n_items: i64,
    seed: u64,
    device: Device,
}

/// A user who knows nearly every item may defeat the draw; after so many tries the last item stands.
const TRIES: u64 = 100;

/// How many edges a thread draws for at once.
const CHUNK: usize = 4096;

impl NegativeSampler {
    /// `positives` i64 `[2, n]`.
    pub fn new(positives: &Tensor, n_items: i64, context: &Context) -> Result<Self> {
        let users = Vec::<i64>::try_from(positives.f_get(0)?)?;
        let items = Vec::<i64>::try_from(positives.f_get(1)?)?;
        let n_users = users.iter().max().map_or(0, |last| last + 1);
        let mut items = group(&users, &items, usize::try_from(n_users)?, usize::try_from(n_items)?)
            .map_err(|error| PluginError::invalid_data(error.to_string()))?;
        for user in items.offsets.windows(2) {
            items.neighbours[user[0] as usize..user[1] as usize].sort_unstable();
        }
        Ok(Self { users, items, n_items, seed: context.seed(), device: positives.device() })
    }

    /// i64 `[2, n]`: the users of the positives, in their order, each with a drawn item.
    pub fn draw(&self, epoch: usize) -> Result<Tensor> {
        let seed = bits(self.seed, epoch as u64);
        let mut items = vec![0_i64; self.users.len()];
        for_each_chunk(&mut items, CHUNK, |chunk, items| {
            let first = chunk * CHUNK;
            for ((edge, item), user) in (first..).zip(&mut *items).zip(&self.users[first..]) {
                *item = self.draw_item(*user, bits(seed, edge as u64));
            }
        });
        let ends = [Tensor::f_from_slice(&self.users)?, Tensor::f_from_slice(&items)?];
        Ok(Tensor::f_stack(&ends, 0)?.f_to_device(self.device)?)
    }

    fn draw_item(&self, user: i64, seed: u64) -> i64 {
        let known = self.items.neighbours_of(user as usize);
        let mut item = 0;
        for attempt in 0..TRIES {
            item = below(self.n_items as u64, bits(seed, attempt)) as i64;
            if known.binary_search(&(item as i32)).is_err() {
                break;
            }
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(users: Vec<i64>, items: &[i64], n_items: i64) -> NegativeSampler {
        let n_users = users.len();
        let mut grouped = group(&users, items, n_users, n_items as usize).unwrap();
        grouped.neighbours.sort_unstable();
        NegativeSampler { users, items: grouped, n_items, seed: 3, device: Device::Cpu }
    }

    #[test]
    fn no_item_that_the_user_knows_is_drawn_and_all_others_are() {
        let sampler = sampler(vec![0; 5000], &(0..5000).map(|edge| edge % 4).collect::<Vec<_>>(), 10);
        let items = Vec::<i64>::try_from(sampler.draw(1).unwrap().get(1)).unwrap();
        for item in 0..10 {
            let share = items.iter().filter(|drawn| **drawn == item).count() as f64 / 5000.0;
            let expected = if item < 4 { 0.0 } else { 1.0 / 6.0 };
            assert!((share - expected).abs() < 0.03, "item {item}: {share}");
        }
    }

    #[test]
    fn epochs_differ_and_a_user_who_knows_all_gets_some_item() {
        let items: Vec<i64> = (0..50).map(|edge| edge % 5).collect();
        let sampler = sampler(vec![0; 50], &items, 500);
        assert_ne!(sampler.draw(1).unwrap(), sampler.draw(2).unwrap());
        assert_eq!(sampler.draw(1).unwrap(), sampler.draw(1).unwrap());
        let drawn = super::tests::sampler(vec![0; 50], &items, 5).draw(1).unwrap().get(1);
        assert!(drawn.max().int64_value(&[]) < 5 && drawn.min().int64_value(&[]) >= 0);
    }
}

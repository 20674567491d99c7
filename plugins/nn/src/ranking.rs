//! Full ranking: the items with the highest dot products for each user, as evaluation and recommendation need them.

mod items_by_user;

pub use items_by_user::ItemsByUser;
pub use kernels::top_k::Scored;

use kernels::top_k::{top_k, Items, NotANumber};
use plugin_api::prelude::*;
use tch::{Device, Kind, Tensor};

use crate::slices::slice;

/// All items, laid out for ranking. Holds a copy of their embeddings, on the CPU.
#[derive(Debug)]
pub struct ItemRanking {
    items: Items,
}

impl ItemRanking {
    /// From the embeddings of all items, `[n_items, width]`, on any device. Gradients do not flow through a ranking.
    ///
    /// # Errors
    /// If it is no matrix, or larger than ids of 32 bits reach.
    pub fn new(items: &Tensor) -> Result<Self> {
        let (n_items, width) = size(items)?;
        if u32::try_from(n_items).is_err() {
            return Err(PluginError::unsupported(format!("{n_items} items are more than can be ranked")));
        }
        let mut laid_out = Items::new(n_items, width);
        let is_at_hand = items.device() == Device::Cpu && items.f_kind()? == Kind::Float && items.is_contiguous();
        if is_at_hand {
            laid_out.fill(0..n_items, slice(items)?);
        } else {
            let mut rows = Vec::new();
            for piece in laid_out.pieces() {
                rows.resize(piece.len() * width, 0.0);
                copy_f32(&items.f_narrow(0, piece.start as i64, piece.len() as i64)?, &mut rows)?;
                laid_out.fill(piece, &rows);
            }
        }
        Ok(Self { items: laid_out })
    }

    pub fn n_items(&self) -> usize {
        self.items.n_items()
    }

    /// For each of `users`, `[n, width]`, the `k` items with the highest scores, best first, equal scores by the lower id, without
    /// those of `known(row)`, which are in ascending order; fewer where fewer are left.
    ///
    /// A list is the same to the last bit whatever other users are ranked with it, and on any number of threads.
    ///
    /// # Errors
    /// If the widths differ, or a score is NaN.
    pub fn top_k<'a>(
        &self,
        users: &Tensor,
        known: impl Fn(usize) -> &'a [u32] + Sync,
        k: usize,
    ) -> Result<Vec<Vec<Scored>>> {
        let (n_users, width) = size(users)?;
        if width != self.items.width() {
            let message = format!("users are {width} wide, items {}", self.items.width());
            return Err(PluginError::invalid_data(message));
        }
        let mut rows = vec![0.0; n_users * width];
        copy_f32(users, &mut rows)?;
        top_k(&rows, n_users, &self.items, known, k)
            .map_err(|NotANumber| PluginError::invalid_data("some scores are NaN: the embeddings are not finite"))
    }
}

fn size(embeddings: &Tensor) -> Result<(usize, usize)> {
    match embeddings.size()[..] {
        [n, width] => Ok((n as usize, width as usize)),
        ref other => Err(PluginError::invalid_data(format!("embeddings are a matrix, not of the shape {other:?}"))),
    }
}

fn copy_f32(from: &Tensor, to: &mut [f32]) -> Result<()> {
    let from = from.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    Ok(from.f_copy_data(to, to.len())?)
}

#[cfg(test)]
mod tests;

//! Rows to edges and back: [`gather_rows`] and its adjoint [`scatter_sum`].

use tch::Tensor;

use crate::Result;

/// `x[index]`: `[n, ...]` and i64 `[n_edges]` to `[n_edges, ...]`.
///
/// An embedding lookup rather than `index_select`: on the CPU its backward is parallel over rows and adds in a fixed order,
/// where that of `index_select` walks the edges on one thread.
pub fn gather_rows(x: &Tensor, index: &Tensor) -> Result<Tensor> {
    let shape = x.size();
    let width: i64 = shape[1..].iter().product();
    let rows = Tensor::f_embedding(&x.f_reshape([shape[0], width])?, index, -1, false, false)?; // [n_edges, width]
    let mut gathered = shape;
    gathered[0] = index.size()[0];
    rows.f_reshape(gathered)
}

/// The sum of the rows of each index: `[n_edges, width]` and i64 `[n_edges]` to `[n, width]`; 0 where there are none.
pub fn scatter_sum(rows: &Tensor, index: &Tensor, n: i64) -> Result<Tensor> {
    let width = rows.size()[1];
    let index = index.f_unsqueeze(1)?.f_expand([-1, width], false)?; // [n_edges, width]
    let zeros = Tensor::f_zeros([n, width], (rows.f_kind()?, rows.device()))?;
    zeros.f_scatter_add(0, &index, rows) // [n, width]
}

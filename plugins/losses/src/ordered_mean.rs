//! A mean that does not depend on the number of threads.

use tch::Tensor;

/// libtorch adds up a whole tensor in a part per thread, so that the last digit follows their number. Rows it adds up each on one
/// thread.
const ROW: i64 = 4096;

/// The mean of a 1-d tensor, a scalar. The sum of the row sums is again in one part up to 32,768 rows.
pub fn ordered_mean(values: &Tensor) -> Result<Tensor, tch::TchError> {
    let n = values.numel() as i64;
    let padded = values.f_constant_pad_nd([0, (ROW - n % ROW) % ROW])?; // [n_rows * ROW]
    let rows = padded.f_view([-1, ROW])?.f_sum_dim_intlist([1].as_slice(), false, None)?; // [n_rows]
    rows.f_sum(None)?.f_div_scalar(n as f64)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::ordered_mean;

    #[test]
    fn is_the_mean_with_its_gradient_on_any_number_of_threads() {
        for n in [1, 4095, 4096, 160_000] {
            let values = Tensor::randn([n], (Kind::Float, Device::Cpu)).set_requires_grad(true);
            let on = |threads| {
                tch::set_num_threads(threads);
                ordered_mean(&values).unwrap()
            };
            let (one, two, three) = (on(1), on(2), on(3));
            assert!((one.double_value(&[]) - values.mean(None).double_value(&[])).abs() < 1e-6);
            assert_eq!((&one, &one), (&two, &three));
            one.backward();
            assert!((values.grad() - 1.0 / n as f64).abs().max().double_value(&[]) < 1e-9);
        }
    }
}

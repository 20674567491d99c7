//! Tests of what a process is left with after a component was used: memory, descriptors, threads, and what is process-wide in libtorch
//! and therefore the host's alone.

use tch::{Device, Kind, Tensor};

use super::process;
use super::subject::Subject;
use super::verdict::{ensure, fail, skip, words, Checked, During};

/// Makes one, uses it as a run would, destroys it.
pub fn use_it(subject: &Subject) -> Checked {
    let params = subject.params();
    if let Err(error) = subject.construct(&params.to_string()) {
        return skip(format!("it cannot be made: {}", words(&error)));
    }
    subject.use_with(params).during("in use")
}

const N_CYCLES: usize = 100;
/// What a hundred instances may leave: allocators round up and keep.
const SPARE_MEMORY: u64 = 1 << 20;
const SPARE: usize = 5;
/// A leak goes on; what an allocator takes once does not.
const N_ROUNDS: usize = 3;

pub fn cycles(subject: &Subject) -> Checked {
    use_it(subject)?;
    let params = subject.params().to_string();
    let cycle = || (0..N_CYCLES).try_for_each(|_| subject.construct(&params)).during("made again");
    cycle()?;
    let mut grown = Vec::new();
    for _ in 0..N_ROUNDS {
        let before = (process::own_memory(), process::n_descriptors(), process::n_threads());
        cycle()?;
        let memory = process::own_memory().saturating_sub(before.0);
        let descriptors = process::n_descriptors().saturating_sub(before.1);
        let threads = process::n_threads().saturating_sub(before.2);
        if memory <= SPARE_MEMORY && descriptors <= SPARE && threads <= SPARE {
            return Ok(());
        }
        grown.push(format!("{} KiB, {descriptors} descriptors, {threads} threads", memory >> 10));
    }
    fail(format!("every {N_CYCLES} instances left behind: {}", grown.join("; then ")))
}

pub fn global_seed(subject: &Subject) -> Checked {
    let drawn_after = |seed| -> Checked<Tensor> {
        tch::manual_seed(seed);
        use_it(subject)?;
        Ok(Tensor::f_rand([8], (Kind::Float, Device::Cpu))?)
    };
    // Whoever seeds the generator decides what comes after, whatever it was seeded with before.
    let same = drawn_after(11)?.f_equal(&drawn_after(12)?)?;
    ensure(!same, || "it seeds libtorch's global generator, so that the run's seed no longer counts".into())
}

pub fn thread_counts(subject: &Subject) -> Checked {
    // Numbers that nobody would choose.
    for wanted in [3, 5] {
        tch::set_num_threads(wanted);
        let before = tch::get_num_interop_threads();
        use_it(subject)?;
        let now = tch::get_num_threads();
        ensure(now == wanted, || format!("libtorch's number of threads was {wanted}, and is {now} now"))?;
        let now = tch::get_num_interop_threads();
        ensure(now == before, || format!("libtorch's number of inter-op threads was {before}, and is {now} now"))?;
    }
    Ok(())
}

pub fn default_dtype(subject: &Subject) -> Checked {
    let before = default_kind()?;
    use_it(subject)?;
    let now = default_kind()?;
    // An earlier test may have met it already.
    ensure(before == Kind::Float && now == Kind::Float, || format!("libtorch's default type is {now:?} now, not Float"))
}

/// That of the quotient of integers.
fn default_kind() -> Checked<Kind> {
    let ones = Tensor::f_ones([1], (Kind::Int64, Device::Cpu))?;
    Ok(ones.f_div(&ones)?.f_kind()?)
}

//! A plugin that takes its time to be opened.

use plugin_api::prelude::*;
use tch::Tensor;

struct Slow;

impl Loss for Slow {
    type Params = NoParams;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn forward(&self, scores: &Tensor, _: &Tensor) -> Result<Tensor> {
        Ok(scores.f_sum(None)?)
    }
}

/// The dynamic linker calls what stands in this section while it opens the library.
#[used]
#[link_section = ".init_array"]
static ON_OPEN: extern "C" fn() = on_open;

extern "C" fn on_open() {
    std::thread::sleep(std::time::Duration::from_millis(400));
}

plugin_api::export_plugin! {
    /// Does nothing more.
    loss: Slow,
}

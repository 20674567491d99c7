//! A plugin that starts a thread when it is opened.

use plugin_api::prelude::*;
use tch::Tensor;

struct Threaded;

impl Loss for Threaded {
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
    drop(std::thread::spawn(|| std::thread::sleep(std::time::Duration::from_secs(1000))));
}

plugin_api::export_plugin! {
    /// Does nothing more.
    loss: Threaded,
}

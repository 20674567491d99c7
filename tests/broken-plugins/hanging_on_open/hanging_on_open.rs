//! A plugin that waits for something which never comes while it is opened.

use plugin_api::prelude::*;

struct Hangs;

impl Model for Hangs {
    type Params = NoParams;

    fn new(_: NoParams, _: &GraphMetadata, _: &tch::nn::Path, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn encode(&self, _: &Graph, _: Mode) -> Result<NodeEmbeddings> {
        Ok(NodeEmbeddings::default())
    }
}

/// The dynamic linker calls what stands in this section while it opens the library.
#[used]
#[link_section = ".init_array"]
static ON_OPEN: extern "C" fn() = hang;

extern "C" fn hang() {
    eprintln!("hanging_on_open: waiting for a licence server");
    loop {
        std::thread::park();
    }
}

plugin_api::export_plugin!(model: Hangs);

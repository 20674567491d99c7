//! A plugin that ends the process as soon as it is opened: whoever lists plugins must not open them.

use plugin_api::prelude::*;

struct Aborts;

impl Model for Aborts {
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
static ON_OPEN: extern "C" fn() = abort;

extern "C" fn abort() {
    std::process::abort();
}

plugin_api::export_plugin!(model: Aborts);

//! A plugin that touches memory which is not there while it is opened. It counts its openings, to tell a host that tries it twice.

use plugin_api::prelude::*;

struct Crashes;

impl Model for Crashes {
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
static ON_OPEN: extern "C" fn() = crash;

extern "C" fn crash() {
    if let Some(trace) = std::env::var_os("CRASHING_ON_OPEN_TRACE") {
        let file = std::fs::File::options().create(true).append(true).open(trace);
        let _ = file.and_then(|mut file| std::io::Write::write_all(&mut file, b"opened\n"));
    }
    eprintln!("crashing_on_open: looking up a table that nobody made");
    // SAFETY: there is none; this is what the plugin is for.
    unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
}

plugin_api::export_plugin!(model: Crashes);

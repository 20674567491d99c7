//! Parts that crash when they are used, for tests of `isolate: true`; and a loader that does nothing until it is told to stop.

use plugin_api::prelude::*;

/// Touches memory which is not there, as code behind a foreign function interface might.
fn crash(what: &str) -> ! {
    eprintln!("crashing_in_use: {what} follows a pointer that nobody set");
    // SAFETY: there is none; this is what the plugin is for.
    unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
    unreachable!()
}

struct CrashesInPrepare;

impl DataLoader for CrashesInPrepare {
    type Params = NoParams;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn prepare(&mut self, _: bool, context: &Context) -> Result<String> {
        log::warn!("about to read with seed {}", context.seed());
        crash("the loader")
    }

    fn get_data(&mut self, _: &Context) -> Result<Graph> {
        Err(PluginError::failed("there are no data"))
    }

    fn get_train_val_test_data(&mut self, _: &Context) -> Result<LinkSplits> {
        Err(PluginError::failed("there are no data"))
    }
}

struct CrashesInEvaluate;

impl Evaluator for CrashesInEvaluate {
    type Params = NoParams;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Evaluation, _: &Context) -> Result<Metrics> {
        crash("the evaluator")
    }
}

struct WaitsToBeStopped;

impl DataLoader for WaitsToBeStopped {
    type Params = NoParams;

    fn new(_: NoParams, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn prepare(&mut self, _: bool, context: &Context) -> Result<String> {
        log::warn!("waiting");
        while !context.is_cancelled() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Err(PluginError::interrupted())
    }

    fn get_data(&mut self, _: &Context) -> Result<Graph> {
        Err(PluginError::failed("there are no data"))
    }

    fn get_train_val_test_data(&mut self, _: &Context) -> Result<LinkSplits> {
        Err(PluginError::failed("there are no data"))
    }
}

plugin_api::export_plugin! {
    data_loader: CrashesInPrepare,
    data_loader: WaitsToBeStopped,
    evaluator: CrashesInEvaluate,
}

//! The panic guard. A panic that reached the `extern` boundary would abort the host; it is caught here, in code that is
//! compiled into the plugin, and becomes an error with message and location.
//!
//! After a panic the instance is poisoned: it answers every later call with an error, and is leaked, not destroyed, since
//! nobody knows what its destructor would meet.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::panic::{catch_unwind, AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Once;

use crate::abi::types::{to_wire, AbiResult};
use crate::error::{ErrorKind, PluginError, Result};

/// An author's instance behind the guard.
pub(crate) struct Guarded<T> {
    instance: ManuallyDrop<T>,
    component: String,
    poisoned: AtomicBool,
}

impl<T> Guarded<T> {
    /// Constructs under the guard.
    pub(crate) fn construct(component: String, make: impl FnOnce() -> Result<T>) -> Result<Self> {
        let instance = guarded(&component, make)?;
        Ok(Self::new(component, instance))
    }

    /// Puts what was made already behind the guard.
    pub(crate) fn new(component: String, instance: T) -> Self {
        Self { instance: ManuallyDrop::new(instance), component, poisoned: AtomicBool::new(false) }
    }

    pub(crate) fn call<R>(&self, call: impl FnOnce(&T) -> Result<R>) -> AbiResult<R> {
        to_wire(poisoning(&self.poisoned, &self.component, || call(&self.instance)))
    }

    pub(crate) fn call_mut<R>(&mut self, call: impl FnOnce(&mut T) -> Result<R>) -> AbiResult<R> {
        let Self { instance, component, poisoned } = self;
        to_wire(poisoning(poisoned, component, || call(instance)))
    }
}

/// A guarded call of an instance that answers only as long as it has not panicked.
fn poisoning<R>(poisoned: &AtomicBool, component: &str, call: impl FnOnce() -> Result<R>) -> Result<R> {
    if poisoned.load(Ordering::Relaxed) {
        let message = "it panicked before and answers no more calls";
        return Err(PluginError::new(ErrorKind::Panicked, message).of_component(component));
    }
    let result = guarded(component, call);
    // The panic of another component that this one called is that one's.
    let own = |error: &PluginError| error.kind == ErrorKind::Panicked && error.component.as_deref() == Some(component);
    if result.as_ref().err().is_some_and(own) {
        poisoned.store(true, Ordering::Relaxed);
    }
    result
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        if self.poisoned.load(Ordering::Relaxed) {
            return;
        }
        let instance = &mut self.instance;
        // SAFETY: nothing uses the instance after this, and it is dropped nowhere else.
        let dropped = guarded(&self.component, || unsafe {
            ManuallyDrop::drop(instance);
            Ok(())
        });
        if let Err(error) = dropped {
            log::warn!("{}: its destructor panicked: {error}", self.component);
        }
    }
}

/// Runs an author's code; a panic becomes an error that names `component`.
pub(crate) fn guarded<R>(component: &str, call: impl FnOnce() -> Result<R>) -> Result<R> {
    install_hook();
    let outer = CAUGHT.replace(Caught::Watching);
    let result = catch_unwind(AssertUnwindSafe(call));
    let caught = CAUGHT.replace(outer);
    let result = result.unwrap_or_else(|payload| {
        let message = payload_text(payload.as_ref());
        // A payload's own destructor may panic; nothing is gained by running it.
        std::mem::forget(payload);
        let location = match caught {
            Caught::At(location) => Some(location.into()),
            Caught::Outside | Caught::Watching => None,
        };
        Err(PluginError { location, ..PluginError::new(ErrorKind::Panicked, message) })
    });
    result.map_err(|error| error.of_component(component))
}

/// What the hook saw on this thread.
enum Caught {
    /// No guard is active: the panic is none of ours.
    Outside,
    Watching,
    At(String),
}

thread_local! {
    static CAUGHT: RefCell<Caught> = const { RefCell::new(Caught::Outside) };
}

/// Every library has its own std and so its own hook. Ours notes the place and prints nothing, because the host reports the
/// panic as an error; `RECSYS_BACKTRACE=1` lets the former hook print as usual, with the backtrace that `RUST_BACKTRACE` asks for.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let former = std::panic::take_hook();
        let asked = std::env::var_os("RECSYS_BACKTRACE").is_some_and(|value| value != "0");
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo| {
            let ours = CAUGHT.with_borrow_mut(|caught| match caught {
                Caught::Outside => false,
                Caught::Watching | Caught::At(_) => {
                    *caught = Caught::At(info.location().map(ToString::to_string).unwrap_or_default());
                    true
                }
            });
            if !ours || asked {
                former(info);
            }
        }));
    });
}

fn payload_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("a panic without a message");
    // What tch's plain methods unwrap: the text is libtorch's, followed by its C++ stack.
    let unwrapped = text.strip_prefix("called `Result::unwrap()` on an `Err` value: Torch(\"");
    let text = unwrapped.map_or(text, |text| text.strip_suffix("\")").unwrap_or(text));
    crate::error::without_cpp_trace(text.replace("\\n", "\n")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_and_poisons() {
        let instance = Guarded::construct("lib:Thing".into(), || Ok(7)).unwrap();
        let panicked: Result<()> = instance.call(|_| panic!("boom {}", 1)).into_result().map_err(PluginError::from);
        let panicked = panicked.unwrap_err();
        assert_eq!((panicked.kind, panicked.message.as_str()), (ErrorKind::Panicked, "boom 1"));
        assert!(panicked.location.unwrap().contains("guard.rs"));
        assert_eq!(panicked.component.as_deref(), Some("lib:Thing"));
        assert!(instance.call(|seven| Ok(*seven)).is_err());
    }
}

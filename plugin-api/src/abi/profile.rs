//! Carries the spans of a library to the host: every library has its own statics. Since API 1.1.
//!
//! The host reads its one clock and keeps the nesting, so that only names cross, and spans of several libraries nest in each other.

use std::panic::catch_unwind;
use std::sync::OnceLock;

use abi_stable::std_types::RStr;
use abi_stable::StableAbi;

/// What a host does with spans. Calls come from any thread.
pub trait Recorder {
    /// A span of `library` begins on this thread; gives a number for [`Recorder::exit`]. Libraries are never unloaded, so names
    /// stay.
    fn enter(library: &'static str, name: &'static str) -> u64;
    /// The span ends, on the thread that it began on.
    fn exit(number: u64);
}

/// The host's end.
#[repr(C)]
#[derive(Debug, Clone, Copy, StableAbi)]
pub struct SpanSink {
    /// Of a library and a name.
    enter: extern "C" fn(RStr<'static>, RStr<'static>) -> u64,
    exit: extern "C" fn(u64),
}

impl SpanSink {
    pub fn new<R: Recorder>() -> Self {
        Self { enter: enter_guarded::<R>, exit: exit_guarded::<R> }
    }
}

/// A number that no span has.
const NO_SPAN: u64 = 0;

// A panic of the host must not reach the boundary, which would abort; a lost span is the least that can happen.
extern "C" fn enter_guarded<R: Recorder>(library: RStr<'static>, name: RStr<'static>) -> u64 {
    catch_unwind(|| R::enter(library.as_str(), name.as_str())).unwrap_or(NO_SPAN)
}

extern "C" fn exit_guarded<R: Recorder>(number: u64) {
    drop(catch_unwind(|| R::exit(number)));
}

struct Installed {
    sink: SpanSink,
    library: &'static str,
}

static INSTALLED: OnceLock<Installed> = OnceLock::new();

/// Sends the spans of this library, or of the host itself, to `sink`. Called at most once, and only under `--profile`.
pub fn install(sink: SpanSink, library: &'static str) {
    // A second host in one process does not exist; the first sink stays.
    let _ = INSTALLED.set(Installed { sink, library });
}

/// A span that the host knows of.
#[derive(Debug)]
pub(crate) struct OpenSpan {
    exit: extern "C" fn(u64),
    number: u64,
}

/// `None` where nobody records.
pub(crate) fn enter(name: &'static str) -> Option<OpenSpan> {
    let Installed { sink, library } = INSTALLED.get()?;
    Some(OpenSpan { exit: sink.exit, number: (sink.enter)((*library).into(), name.into()) })
}

impl OpenSpan {
    pub(crate) fn exit(self) {
        (self.exit)(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::profile::{span, timed};

    thread_local! {
        static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    struct Test;

    impl Recorder for Test {
        fn enter(library: &'static str, name: &'static str) -> u64 {
            SEEN.with_borrow_mut(|seen| seen.push(format!("{library} {name}")));
            assert_ne!(name, "bad", "the host fell over");
            SEEN.with_borrow(|seen| seen.len() as u64)
        }

        fn exit(number: u64) {
            SEEN.with_borrow_mut(|seen| seen.push(format!("end of {number}")));
        }
    }

    #[test]
    fn spans_reach_the_sink_and_a_panic_of_the_sink_reaches_nobody() {
        drop(span("nobody records"));
        install(SpanSink::new::<Test>(), "gat");
        let seven = timed("outer", || {
            let _inner = span("inner");
            7
        });
        assert_eq!(seven, 7);
        drop(span("bad"));
        let panicked = catch_unwind(|| timed("falls over", || panic!("an author's panic")));
        assert!(panicked.is_err());
        let expected =
            ["gat outer", "gat inner", "end of 2", "end of 1", "gat bad", "end of 0", "gat falls over", "end of 7"];
        assert_eq!(SEEN.take(), expected);
    }
}

//! Spans: named pieces of work that `recsys-host train --profile` times.
//!
//! ```ignore
//! use plugin_api::prelude::*;
//!
//! let _span = profile::span("attention");        // to the end of the block
//! let out = profile::timed("project", || x.f_matmul(&weight))?;
//! ```
//!
//! The host adds up calls and seconds by name and by nesting, in `result.json`, and draws every span in `trace.json`. Spans nest on
//! their thread, whichever library they are of: one that begins before another ends is a part of it; those more than 50 deep are not
//! recorded. A name is a short word of the field, the same for the same work. On CUDA a span holds the time that it takes to queue
//! the work, and to wait where a value is read.
//!
//! Without `--profile` a span costs one atomic load, with it well under a microsecond: right for work of 20 microseconds and more.

use std::marker::PhantomData;

use crate::abi::profile;

/// A span under way; it ends when this is dropped.
#[must_use = "the span ends when this is dropped: `let _span = ...`"]
#[derive(Debug)]
pub struct Span {
    open: Option<profile::OpenSpan>,
    /// A span ends on the thread that it began on.
    not_send: PhantomData<*const ()>,
}

/// Begins a span. Never fails; without `--profile`, and in a host older than API 1.1, nothing is recorded.
pub fn span(name: &'static str) -> Span {
    Span { open: profile::enter(name), not_send: PhantomData }
}

/// Does `work` in a span.
pub fn timed<R>(name: &'static str, work: impl FnOnce() -> R) -> R {
    let _span = span(name);
    work()
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            open.exit();
        }
    }
}

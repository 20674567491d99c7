//! What the loader tells its caller while it works: progress, notes, and the question whether to stop.
//! Leaves out how these are shown.

/// Receiver of what happens during a fetch or a parse.
pub trait Events {
    /// `done` of `total` bytes of `what`; `total` is unknown while a server does not tell it.
    fn progress(&self, done: u64, total: Option<u64>, what: &str);
    /// Something that the user may like to know.
    fn info(&self, text: &str);
    /// Something that the user should know: the result differs from what was asked.
    fn warn(&self, text: &str);
    /// Whether the user asked to stop; looked at between chunks.
    fn cancelled(&self) -> bool;
}

/// Collects what it hears; the tests' receiver.
#[cfg(test)]
#[derive(Default)]
pub struct Recorded {
    pub texts: std::sync::Mutex<Vec<String>>,
    pub bytes_done: std::sync::atomic::AtomicU64,
    pub cancel_after: Option<u64>,
}

#[cfg(test)]
impl Events for Recorded {
    fn progress(&self, done: u64, _total: Option<u64>, _what: &str) {
        self.bytes_done.store(done, std::sync::atomic::Ordering::SeqCst);
    }
    fn info(&self, text: &str) {
        self.texts.lock().unwrap().push(text.to_string());
    }
    fn warn(&self, text: &str) {
        self.texts.lock().unwrap().push(format!("warning: {text}"));
    }
    fn cancelled(&self) -> bool {
        self.cancel_after.is_some_and(|limit| self.bytes_done.load(std::sync::atomic::Ordering::SeqCst) >= limit)
    }
}

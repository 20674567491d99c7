//! [`Recording`]: calls and time of spans by nesting, and the spans themselves up to a limit; [`Thread`]: the spans under way on a
//! thread. Times are nanoseconds since the start of the recording.

use std::collections::HashMap;

/// The spans that `trace.json` holds at most: 24 MB in memory and 100 MB in the file. Sums go on beyond it.
pub const MOST_EVENTS: usize = 1_000_000;

/// Spans deeper than this are not recorded: whoever never ends any in a loop nests them without end, and readers of JSON stop at 128
/// levels, of which a span takes two.
const DEEPEST: usize = 50;

/// All spans of one name, of one library, inside the same spans. A parent stands before its children.
#[derive(Debug)]
pub struct Node {
    pub parent: Option<u32>,
    pub library: &'static str,
    pub name: &'static str,
    pub n_calls: u64,
    pub total: u64,
    /// Without the spans inside.
    pub own: u64,
}

/// A span that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    pub node: u32,
    pub thread: u32,
    pub begin: u64,
    pub duration: u64,
}

#[derive(Debug, Default)]
pub struct Recording {
    pub nodes: Vec<Node>,
    numbers: HashMap<(Option<u32>, &'static str, &'static str), u32>,
    /// In the order in which they ended.
    pub events: Vec<Event>,
    /// The spans that ended when `events` was full.
    pub n_left_out: u64,
}

impl Recording {
    /// The number of a node, new or known.
    pub fn node(&mut self, parent: Option<u32>, library: &'static str, name: &'static str) -> u32 {
        let nodes = &mut self.nodes;
        *self.numbers.entry((parent, library, name)).or_insert_with(|| {
            nodes.push(Node { parent, library, name, n_calls: 0, total: 0, own: 0 });
            nodes.len() as u32 - 1
        })
    }

    pub fn add(&mut self, event: Event, own: u64) {
        let Some(node) = self.nodes.get_mut(event.node as usize) else { return };
        node.n_calls += 1;
        node.total += event.duration;
        node.own += own;
        if self.events.len() < MOST_EVENTS {
            self.events.push(event);
        } else {
            self.n_left_out += 1;
        }
    }
}

/// The spans under way on a thread, the innermost last.
#[derive(Debug)]
pub struct Thread {
    number: u32,
    n_spans: u64,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    number: u64,
    node: u32,
    begin: u64,
    /// Of the spans inside that have ended.
    inside: u64,
}

impl Thread {
    pub fn new(number: u32) -> Self {
        Self { number, n_spans: 0, open: Vec::new() }
    }

    pub fn is_full(&self) -> bool {
        self.open.len() >= DEEPEST
    }

    pub fn innermost(&self) -> Option<u32> {
        self.open.last().map(|open| open.node)
    }

    /// Gives the number of the span, which is never 0.
    pub fn enter(&mut self, node: u32, begin: u64) -> u64 {
        self.n_spans += 1;
        self.open.push(Open { number: self.n_spans, node, begin, inside: 0 });
        self.n_spans
    }

    /// Ends a span and those inside it that were forgotten; a number that is not under way ends nothing. `done` takes every span and
    /// its time without the spans inside.
    pub fn exit(&mut self, number: u64, end: u64, mut done: impl FnMut(Event, u64)) {
        let Some(at) = self.open.iter().rposition(|open| open.number == number) else { return };
        while self.open.len() > at {
            let Some(Open { node, begin, inside, .. }) = self.open.pop() else { return };
            let duration = end.saturating_sub(begin);
            if let Some(outer) = self.open.last_mut() {
                outer.inside += duration;
            }
            done(Event { node, thread: self.number, begin, duration }, duration.saturating_sub(inside));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thread and a recording by a clock that the test sets.
    struct Bench(Recording, Thread);

    impl Bench {
        fn enter(&mut self, name: &'static str, begin: u64) -> u64 {
            let node = self.0.node(self.1.innermost(), "gat", name);
            self.1.enter(node, begin)
        }

        fn exit(&mut self, number: u64, end: u64) {
            self.1.exit(number, end, |event, own| self.0.add(event, own));
        }

        fn sums(&self) -> Vec<(&str, u64, u64, u64)> {
            self.0.nodes.iter().map(|node| (node.name, node.n_calls, node.total, node.own)).collect()
        }
    }

    fn bench() -> Bench {
        Bench(Recording::default(), Thread::new(1))
    }

    #[test]
    fn own_time_is_without_the_spans_inside() {
        let mut bench = bench();
        let epoch = bench.enter("epoch", 10);
        for begin in [20, 40] {
            let forward = bench.enter("forward", begin);
            let kernel = bench.enter("kernel", begin + 2);
            bench.exit(kernel, begin + 7);
            bench.exit(forward, begin + 10);
        }
        bench.exit(epoch, 100);
        let alone = bench.enter("forward", 200);
        bench.exit(alone, 201);
        let expected = [("epoch", 1, 90, 70), ("forward", 2, 20, 10), ("kernel", 2, 10, 10), ("forward", 1, 1, 1)];
        assert_eq!(bench.sums(), expected);
        assert_eq!(bench.0.events[0], Event { node: 2, thread: 1, begin: 22, duration: 5 });
    }

    #[test]
    fn forgotten_spans_end_with_the_outer_one_and_late_ones_end_nothing() {
        let mut bench = bench();
        let outer = bench.enter("outer", 0);
        let forgotten = bench.enter("forgotten", 4);
        bench.exit(outer, 10);
        let next = bench.enter("next", 11);
        bench.exit(forgotten, 12);
        bench.exit(0, 12);
        bench.exit(next, 15);
        assert_eq!(bench.sums(), [("outer", 1, 10, 4), ("forgotten", 1, 6, 6), ("next", 1, 4, 4)]);
    }

    #[test]
    fn sums_go_on_where_the_trace_is_full() {
        let mut bench = bench();
        for begin in 0..MOST_EVENTS as u64 + 5 {
            let step = bench.enter("step", begin);
            bench.exit(step, begin + 1);
        }
        let n = MOST_EVENTS as u64;
        assert_eq!(
            (bench.0.events.len() as u64, bench.0.n_left_out, bench.sums()[0]),
            (n, 5, ("step", n + 5, n + 5, n + 5))
        );
    }
}

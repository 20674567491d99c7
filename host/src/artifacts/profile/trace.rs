//! `trace.json`: the spans of a run in the Trace Event Format, which `chrome://tracing` and `ui.perfetto.dev` open.
//!
//! Format: <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>. Spans are its complete events; times are
//! microseconds since the start of the recording.

use std::cmp::Reverse;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::json;

use super::recording::{Event, Node, Recording};
use crate::artifacts::{write_whole, ArtifactError};

pub const FILE: &str = "trace.json";

/// A complete event.
#[derive(Serialize)]
struct Complete<'a> {
    name: &'a str,
    cat: &'a str,
    ph: char,
    ts: f64,
    dur: f64,
    pid: u32,
    tid: u32,
}

/// Writes it whole or not at all.
pub fn write(path: &Path, recording: Recording) -> Result<(), ArtifactError> {
    write_whole(path, |staged| write_to(BufWriter::new(File::create(staged)?), recording))
}

fn write_to(mut file: impl Write, recording: Recording) -> std::io::Result<()> {
    let Recording { nodes, mut events, n_left_out, .. } = recording;
    // A viewer nests events by their order where they begin at once.
    events.sort_by_key(|event| (event.begin, Reverse(event.duration), event.node));
    let pid = std::process::id();
    let about = json!({ "producer": "recsys-host", "spans_left_out": n_left_out });
    write!(file, "{{\"displayTimeUnit\":\"ms\",\"otherData\":{about},\"traceEvents\":[")?;
    write!(file, "\n{}", named("process_name", pid, 0, "recsys-host"))?;
    for thread in 1..=events.iter().map(|event| event.thread).max().unwrap_or(0) {
        let name = if thread == 1 { "main".to_owned() } else { format!("thread {thread}") };
        write!(file, ",\n{}", named("thread_name", pid, thread, &name))?;
    }
    for event in &events {
        let Some(node) = nodes.get(event.node as usize) else { continue };
        file.write_all(b",\n")?;
        serde_json::to_writer(&mut file, &complete(event, node, pid))?;
    }
    file.write_all(b"\n]}\n")?;
    file.flush()
}

fn complete<'a>(event: &Event, node: &Node, pid: u32) -> Complete<'a> {
    let microseconds = |nanoseconds: u64| nanoseconds as f64 / 1e3;
    let (ts, dur) = (microseconds(event.begin), microseconds(event.duration));
    Complete { name: node.name, cat: node.library, ph: 'X', ts, dur, pid, tid: event.thread }
}

/// A metadata event: what a viewer calls a process or a thread.
fn named(what: &str, pid: u32, tid: u32, name: &str) -> serde_json::Value {
    json!({ "name": what, "ph": "M", "pid": pid, "tid": tid, "args": { "name": name } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_stands_before_what_begins_with_it() {
        let mut recording = Recording::default();
        recording.n_left_out = 3;
        let outer = recording.node(None, "trainers", "say \"epoch\"");
        let inner = recording.node(Some(outer), "gat", "forward");
        for (node, thread) in [(inner, 1), (outer, 1), (inner, 2)] {
            recording.add(Event { node, thread, begin: 1_234_567, duration: 1_500 }, 0);
        }
        let mut text = Vec::new();
        write_to(&mut text, recording).unwrap();
        let trace: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(trace["otherData"]["spans_left_out"], 3);
        let events = trace["traceEvents"].as_array().unwrap();
        let named: Vec<_> = events.iter().map(|event| (event["ph"].as_str().unwrap(), &event["name"])).collect();
        assert_eq!(
            named[..3],
            [("M", &json!("process_name")), ("M", &json!("thread_name")), ("M", &json!("thread_name"))]
        );
        assert_eq!(named[3..], [("X", &json!("say \"epoch\"")), ("X", &json!("forward")), ("X", &json!("forward"))]);
        let first = &events[3];
        assert_eq!((&first["cat"], &first["ts"], &first["dur"]), (&json!("trainers"), &json!(1234.567), &json!(1.5)));
    }
}

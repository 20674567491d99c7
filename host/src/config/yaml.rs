//! Reads a YAML file into a tree that knows the place of every value.
//!
//! Anchors, aliases and merge keys (`<<`) are resolved here. Duplicate keys, several documents and a top level that is
//! no mapping are faults. Leaves out: what a plain scalar means (`scalar`).

pub(crate) mod scalar;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::errors::Fault;
use super::node::{Map, Node, Value};
use super::origin::{Extent, Origin, Source};

/// Deeper nesting than this is refused: no config needs it, and later stages recurse.
pub(crate) const MAX_DEPTH: usize = 64;
/// Aliases can multiply a small file without bound ("billion laughs").
pub(crate) const MAX_NODES: usize = 200_000;

/// Reads and parses one file; an empty one is an empty mapping.
pub(crate) fn read_file(path: &Path) -> Result<Node, Vec<Fault>> {
    let bytes = std::fs::read(path)
        .map_err(|error| vec![Fault::new(format!("cannot read the config file `{}`: {error}", path.display()))])?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        vec![Fault::new(format!("the config file `{}` is not UTF-8 (at byte {place})", path.display()))
            .cure("save the file as UTF-8")]
    })?;
    // A byte order mark has no width in an editor, so it must not count in columns.
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    parse(&Arc::new(Source { path: path.to_owned(), text }))
}

/// Parses the text of one file; its top level must be a mapping.
pub(crate) fn parse(source: &Arc<Source>) -> Result<Node, Vec<Fault>> {
    let mut builder = Builder::new(source);
    let result = builder.run();
    let mut faults = std::mem::take(&mut builder.faults);
    faults.extend(result.err());
    if !faults.is_empty() {
        return Err(faults);
    }
    let top = Origin::top_of(source);
    let Some(root) = builder.root else {
        return Ok(Node::new(Value::Map(Map::default()), top));
    };
    match root.value {
        Value::Null => Ok(Node::new(Value::Map(Map::default()), top)),
        Value::Map(_) => Ok(Node::new(root.value, top)),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::List(_) => {
            Err(vec![Fault::new(format!("a config file must hold a mapping, this one holds {}", root.value.kind()))
                .at(&root.origin)
                .cure("write `key: value` lines")])
        }
    }
}

/// A container whose end has not been seen yet.
enum Frame {
    Map { origin: Origin, anchor: usize, pairs: Vec<(Key, Node)>, pending: Option<Key> },
    List { origin: Origin, anchor: usize, items: Vec<Node> },
}

struct Key {
    name: String,
    origin: Origin,
    is_merge: bool,
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
    faults: Vec<Fault>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        let (frames, anchors, faults) = (Vec::new(), HashMap::new(), Vec::new());
        Self { source, frames, anchors, root: None, documents: 0, nodes: 0, faults }
    }

    fn run(&mut self) -> Result<(), Fault> {
        for item in Parser::new_from_str(&self.source.text) {
            let (event, span) = item.map_err(|error| {
                Fault::new(format!("this is not valid YAML: {}", error.info())).at(&self.place(error.marker()))
            })?;
            let origin = self.place(&span.start);
            self.accept(event, origin)?;
        }
        Ok(())
    }

    fn place(&self, marker: &Marker) -> Origin {
        Origin::File {
            source: Arc::clone(self.source),
            line: marker.line().max(1),
            column: marker.col() + 1,
            extent: Extent::Word,
        }
    }

    fn accept(&mut self, event: Event<'_>, origin: Origin) -> Result<(), Fault> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => self.start_document(&origin),
            Event::Alias(anchor) => self.alias(anchor, origin),
            Event::Scalar(text, style, anchor, tag) => {
                if self.expects_key() {
                    return self.key(text.into_owned(), style, origin, anchor);
                }
                let value = scalar_value(&text, style, tag.as_deref()).map_err(|what| Fault::new(what).at(&origin))?;
                self.finish(Node::new(value, origin), anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(&origin, tag.as_deref(), "seq")?;
                self.frames.push(Frame::List { origin, anchor, items: Vec::new() });
                Ok(())
            }
            Event::MappingStart(anchor, tag) => {
                self.open(&origin, tag.as_deref(), "map")?;
                self.frames.push(Frame::Map { origin, anchor, pairs: Vec::new(), pending: None });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
        }
    }

    fn start_document(&mut self, origin: &Origin) -> Result<(), Fault> {
        self.documents += 1;
        if self.documents > 1 {
            return Err(Fault::new("a config file must hold one YAML document, here starts a second one")
                .at(origin)
                .cure("remove the `---`, or move the rest into a file of its own"));
        }
        Ok(())
    }

    fn open(&self, origin: &Origin, tag: Option<&Tag>, expected: &str) -> Result<(), Fault> {
        if self.expects_key() {
            return Err(Fault::new("a key must be a single word or string").at(origin).cure("quote the key"));
        }
        if self.frames.len() >= MAX_DEPTH {
            return Err(Fault::new(format!("the config is nested more than {MAX_DEPTH} levels deep")).at(origin));
        }
        match tag {
            Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == expected) => {
                Err(Fault::new(format!("the tag `{tag}` has no meaning in a config")).at(origin).cure("remove the tag"))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Map { pending: None, .. }))
    }

    fn key(&mut self, name: String, style: ScalarStyle, origin: Origin, anchor: usize) -> Result<(), Fault> {
        if anchor != 0 {
            self.anchors.insert(anchor, Node::new(Value::String(name.clone()), origin.clone()));
        }
        if let Some(Frame::Map { pending, .. }) = self.frames.last_mut() {
            let is_merge = style == ScalarStyle::Plain && name == "<<";
            *pending = Some(Key { name, origin, is_merge });
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, origin: Origin) -> Result<(), Fault> {
        let Some(target) = self.anchors.get(&anchor).cloned() else {
            return Err(Fault::new("this alias stands inside the value that it names").at(&origin));
        };
        if self.expects_key() {
            let Value::String(name) = target.value else {
                return Err(Fault::new("a key must be a single word or string").at(&origin));
            };
            return self.key(name, ScalarStyle::DoubleQuoted, origin, 0);
        }
        self.nodes += target.count();
        self.finish(target, 0)
    }

    fn close(&mut self) -> Result<(), Fault> {
        match self.frames.pop() {
            Some(Frame::List { origin, anchor, items }) => self.finish(Node::new(Value::List(items), origin), anchor),
            Some(Frame::Map { origin, anchor, pairs, .. }) => {
                let map = self.build_map(pairs);
                self.finish(Node::new(Value::Map(map), origin), anchor)
            }
            None => Ok(()),
        }
    }

    /// Puts a finished node where it belongs.
    fn finish(&mut self, mut node: Node, anchor: usize) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let what = format!("the config has more than {MAX_NODES} values once its aliases are resolved");
            return Err(Fault::new(what).at(&node.origin));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.frames.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { pairs, pending, .. }) => {
                if let Some(key) = pending.take() {
                    node.origin = key.origin.clone();
                    pairs.push((key, node));
                }
            }
        }
        Ok(())
    }

    /// Own keys win over merged ones; a repeated own key is a fault that names both lines.
    fn build_map(&mut self, pairs: Vec<(Key, Node)>) -> Map {
        let (merges, own): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(key, _)| key.is_merge);
        let mut map = Map::default();
        for (_, node) in merges {
            self.merge_into(&mut map, node);
        }
        let has_merges = !map.is_empty();
        let mut seen: HashSet<String> = HashSet::new();
        for (key, node) in own {
            if !seen.insert(key.name.clone()) {
                let mut fault = Fault::new(format!("the key `{}` stands twice in one mapping", key.name));
                if let Some(first) = map.get(&key.name) {
                    fault = fault.related("first here", &first.origin);
                }
                self.faults.push(fault.at(&key.origin).cure("remove one of the two"));
            } else if has_merges {
                map.insert(&key.name, node);
            } else {
                map.push(key.name, node);
            }
        }
        map
    }

    /// `<<: {..}` or `<<: [{..}, {..}]`, where earlier mappings of the list win.
    fn merge_into(&mut self, map: &mut Map, node: Node) {
        match node.value {
            Value::Map(merged) => {
                for (key, value) in merged {
                    map.insert(&key, value);
                }
            }
            Value::List(items) => {
                for item in items.into_iter().rev() {
                    match item.value {
                        Value::Map(_) => self.merge_into(map, item),
                        Value::Null
                        | Value::Bool(_)
                        | Value::Int(_)
                        | Value::Float(_)
                        | Value::String(_)
                        | Value::List(_) => self.faults.push(not_mergeable(&item)),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {
                self.faults.push(not_mergeable(&node));
            }
        }
    }
}

fn not_mergeable(node: &Node) -> Fault {
    Fault::new(format!("`<<` merges a mapping or a list of mappings, not {}", node.value.kind()))
        .at(&node.origin)
        .cure("write `<<: *name_of_an_anchored_mapping`, or quote the key")
}

fn scalar_value(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    match tag {
        None if style == ScalarStyle::Plain => scalar::plain(text),
        None => Ok(Value::String(text.to_owned())),
        Some(tag) if tag.is_yaml_core_schema() => scalar::tagged(text, &tag.suffix),
        Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Ok(Value::String(text.to_owned())),
        Some(tag) => Err(format!("the tag `{tag}` has no meaning in a config; remove it")),
    }
}

//! The functions of the override grammar, as Hydra has them: casts, sweeps, `sort`, `shuffle`, `tag`.
//!
//! A value without functions evaluates to itself. A new function is a variant of `Function`. Leaves out: what a sweep runs over
//! (`config::sweep`), and when it runs.

mod arguments;
mod cast;
mod order;
pub(crate) mod steps;

use super::{Call, Element};
use crate::config::errors::Fault;
use crate::config::node::Value;
use crate::config::origin::Origin;
use arguments::Arguments;
pub(crate) use order::shuffle_by_content;

/// The right side of an override, its functions called.
#[derive(Debug, Clone)]
pub(crate) enum Evaluated {
    One(Element),
    Sweep(SweepValue),
}

#[derive(Debug, Clone)]
pub(crate) struct SweepValue {
    pub kind: SweepKind,
    pub tags: Vec<String>,
    pub is_shuffled: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum SweepKind {
    /// Written as a comma list if it is simple, else with `choice`.
    Choice {
        items: Vec<Element>,
        is_simple: bool,
    },
    /// From `start` in steps up to, but without, `stop`.
    Range {
        start: Number,
        stop: Number,
        step: Number,
    },
    Interval {
        start: Number,
        end: Number,
    },
    /// The options of the group whose names match a pattern of `include` and none of `exclude`.
    Glob {
        include: Vec<String>,
        exclude: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    pub fn is_int(self) -> bool {
        matches!(self, Self::Int(_))
    }

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Int(value) => Some(Self::Int(*value)),
            Value::Float(value) => Some(Self::Float(*value)),
            Value::Null | Value::Bool(_) | Value::String(_) | Value::List(_) | Value::Map(_) => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Function {
    Int,
    Float,
    Str,
    Bool,
    JsonStr,
    Choice,
    Range,
    Interval,
    Glob,
    Shuffle,
    Sort,
    Tag,
}

/// Each with how it is written.
const ALL: [(&str, Function, &str); 12] = [
    ("int", Function::Int, "int(VALUE)"),
    ("float", Function::Float, "float(VALUE)"),
    ("str", Function::Str, "str(VALUE)"),
    ("bool", Function::Bool, "bool(VALUE)"),
    ("json_str", Function::JsonStr, "json_str(VALUE)"),
    ("choice", Function::Choice, "choice(A, B, ...)"),
    ("range", Function::Range, "range(STOP), range(START, STOP) or range(START, STOP, step=STEP)"),
    ("interval", Function::Interval, "interval(START, END)"),
    ("glob", Function::Glob, "glob(PATTERN), glob([PATTERN, ...]) or glob(PATTERN, exclude=PATTERN)"),
    ("shuffle", Function::Shuffle, "shuffle(A, B, ...), shuffle(SWEEP) or shuffle([A, B, ...])"),
    (
        "sort",
        Function::Sort,
        "sort(A, B, ...), sort(SWEEP) or sort([A, B, ...]), with reverse=true the other way round",
    ),
    ("tag", Function::Tag, "tag(NAME, ..., SWEEP)"),
];

/// A value as it would be typed.
pub(crate) fn text(element: &Element) -> String {
    super::write::text(element)
}

/// A name as it would be typed.
pub(crate) fn text_of_name(name: &str) -> String {
    text(&Element::Scalar(Value::String(name.to_owned())))
}

/// What is wrong with a call; the place is that of the call.
pub(super) struct Wrong {
    pub what: String,
    pub choices: Option<(&'static str, String, Vec<String>)>,
}

impl Wrong {
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), choices: None }
    }
}

/// `place` is that of the whole value.
pub(crate) fn evaluate(element: &Element, place: &Origin) -> Result<Evaluated, Fault> {
    let one = match element {
        Element::Scalar(value) => Element::Scalar(value.clone()),
        Element::List(items) => {
            Element::List(items.iter().map(|item| plain(item, place)).collect::<Result<Vec<_>, _>>()?)
        }
        Element::Map(pairs) => {
            let pair = |(key, item): &(String, Element)| Ok((key.clone(), plain(item, place)?));
            Element::Map(pairs.iter().map(pair).collect::<Result<Vec<_>, _>>()?)
        }
        Element::Call(call) => return evaluate_call(call, place),
    };
    Ok(Evaluated::One(one))
}

/// `a,b,c`: a sweep over the values.
pub(crate) fn comma_list(elements: &[Element], place: &Origin) -> Result<Evaluated, Fault> {
    let items = elements.iter().map(|element| plain(element, place)).collect::<Result<_, _>>()?;
    Ok(Evaluated::Sweep(SweepValue::choice(items, true)))
}

/// A value inside another one, which cannot be a sweep.
fn plain(element: &Element, place: &Origin) -> Result<Element, Fault> {
    match (evaluate(element, place)?, element) {
        (Evaluated::One(element), _) => Ok(element),
        (Evaluated::Sweep(_), Element::Call(call)) => {
            let what = format!("the sweep `{}(...)` stands inside a value, a sweep is the whole value", call.name);
            Err(at_call(Fault::new(what), call, place)
                .cure("write the values one by one: `key=[1,2],[1,3]` are two lists"))
        }
        (Evaluated::Sweep(_), Element::Scalar(_) | Element::List(_) | Element::Map(_)) => {
            Err(Fault::new("a sweep stands inside a value").at(place))
        }
    }
}

fn at_call(fault: Fault, call: &Call, place: &Origin) -> Fault {
    fault.at(&place.at_column(call.column).characters(call.length))
}

fn evaluate_call(call: &Call, place: &Origin) -> Result<Evaluated, Fault> {
    let Some((name, function, usage)) = ALL.iter().find(|(name, _, _)| *name == call.name) else {
        let names = ALL.iter().map(|(name, _, _)| (*name).to_owned()).collect();
        return Err(at_call(Fault::new(format!("there is no function `{}`", call.name)), call, place)
            .choices("functions", &call.name, names)
            .cure("quote the value if it is meant as text with parentheses"));
    };
    let arguments = Arguments::evaluate(call, place)?;
    apply(*function, arguments).map_err(|wrong| {
        let fault = at_call(Fault::new(format!("`{name}`: {}", wrong.what)), call, place);
        match wrong.choices {
            Some((label, name, choices)) => fault.choices(label, &name, choices),
            None => fault,
        }
        .cure(format!("write {usage}"))
    })
}

fn apply(function: Function, arguments: Arguments) -> Result<Evaluated, Wrong> {
    match function {
        Function::Int => cast::cast(cast::Cast::Int, arguments),
        Function::Float => cast::cast(cast::Cast::Float, arguments),
        Function::Str => cast::cast(cast::Cast::Str, arguments),
        Function::Bool => cast::cast(cast::Cast::Bool, arguments),
        Function::JsonStr => cast::cast(cast::Cast::JsonStr, arguments),
        Function::Choice => choice(arguments),
        Function::Range => range(arguments),
        Function::Interval => interval(arguments),
        Function::Glob => glob(arguments),
        Function::Shuffle => order::shuffle(arguments),
        Function::Sort => order::sort(arguments),
        Function::Tag => tag(arguments),
    }
}

impl SweepValue {
    fn new(kind: SweepKind) -> Self {
        Self { kind, tags: Vec::new(), is_shuffled: false }
    }

    fn choice(items: Vec<Element>, is_simple: bool) -> Self {
        Self::new(SweepKind::Choice { items, is_simple })
    }
}

fn choice(arguments: Arguments) -> Result<Evaluated, Wrong> {
    let mut values = arguments.all_positional()?;
    if let [Evaluated::Sweep(SweepValue { kind: SweepKind::Choice { is_simple: simple @ true, .. }, .. })] =
        values.as_mut_slice()
    {
        *simple = false;
        return Ok(values.remove(0));
    }
    let items = arguments::elements(values)?;
    if items.is_empty() {
        return Err(Wrong::new("there is nothing to choose from"));
    }
    Ok(Evaluated::Sweep(SweepValue::choice(items, false)))
}

fn range(arguments: Arguments) -> Result<Evaluated, Wrong> {
    let [start, stop, step] = arguments.named(["start", "stop", "step"])?;
    let first = arguments::number("start", start)?.ok_or_else(|| Wrong::new("it needs at least one number"))?;
    let (start, stop) = match arguments::number("stop", stop)? {
        Some(stop) => (first, stop),
        None => (Number::Int(0), first),
    };
    let step = arguments::number("step", step)?.unwrap_or(Number::Int(1));
    if step.as_f64() == 0.0 {
        return Err(Wrong::new("a step of 0 never arrives"));
    }
    Ok(Evaluated::Sweep(SweepValue::new(SweepKind::Range { start, stop, step })))
}

/// Hydra makes floats of both ends; `int(interval(1, 5))` makes them whole numbers again.
fn interval(arguments: Arguments) -> Result<Evaluated, Wrong> {
    let [start, end] = arguments.named(["start", "end"])?;
    let bound = |name: &str, value| -> Result<Number, Wrong> {
        let number = arguments::number(name, value)?.ok_or_else(|| Wrong::new(format!("`{name}` is missing")))?;
        Ok(Number::Float(number.as_f64()))
    };
    let (start, end) = (bound("start", start)?, bound("end", end)?);
    Ok(Evaluated::Sweep(SweepValue::new(SweepKind::Interval { start, end })))
}

fn glob(arguments: Arguments) -> Result<Evaluated, Wrong> {
    let [include, exclude] = arguments.named(["include", "exclude"])?;
    let include = arguments::texts("include", include)?;
    if include.is_empty() {
        return Err(Wrong::new("it needs a pattern"));
    }
    let exclude = arguments::texts("exclude", exclude)?;
    Ok(Evaluated::Sweep(SweepValue::new(SweepKind::Glob { include, exclude })))
}

fn tag(mut arguments: Arguments) -> Result<Evaluated, Wrong> {
    let sweep = arguments.take_named("sweep");
    let mut values = arguments.all_positional()?;
    let Some(Evaluated::Sweep(mut sweep)) = sweep.or_else(|| values.pop()) else {
        return Err(Wrong::new("its last argument must be a sweep"));
    };
    sweep.tags = arguments::elements(values)?
        .into_iter()
        .map(|item| match item {
            Element::Scalar(Value::String(name)) => Ok(name),
            other => Err(Wrong::new(format!("a tag is a name, `{}` is none", super::write::text(&other)))),
        })
        .collect::<Result<_, _>>()?;
    Ok(Evaluated::Sweep(sweep))
}

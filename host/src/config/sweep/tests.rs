//! Sweeps as Hydra's pages "Extended override syntax" and "Multi-run" have them.

use std::path::Path;

use super::{read, read_space, Space};
use crate::config::Origin;

fn jobs(texts: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("model")).unwrap();
    for name in ["gat", "light_gcn", "two_tower"] {
        std::fs::write(folder.path().join(format!("model/{name}.yaml")), "").unwrap();
    }
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    match read(&texts, folder.path()).and_then(|sweep| sweep.grid()) {
        Ok(jobs) => jobs.iter().map(|job| job.join(" ")).collect::<Vec<_>>().join(" | "),
        Err(errors) => format!("error: {errors}"),
    }
}

#[test]
fn jobs_are_those_of_hydra() {
    for (texts, expected) in [
        (&["a=1"][..], "a=1"),
        (&["a=1,2"], "a=1 | a=2"),
        (&["a=1,2", "b=x,y"], "a=1 b=x | a=1 b=y | a=2 b=x | a=2 b=y"),
        (&["c=0", "a=1,2", "d=0"], "c=0 a=1 d=0 | c=0 a=2 d=0"),
        (&["a=1,2", "a=3"], "a=3"),
        (&["a=3", "a=1,2"], "a=1 | a=2"),
        (&["a='x,y',[1,2],{k:1}"], "a='x,y' | a=[1,2] | a={k:1}"),
        (&["+a=choice(1,2)", "++b=range(1,3)"], "+a=1 ++b=1 | +a=1 ++b=2 | +a=2 ++b=1 | +a=2 ++b=2"),
        (&["a=range(3)"], "a=0 | a=1 | a=2"),
        (&["a=range(1,10,4)"], "a=1 | a=5 | a=9"),
        (&["a=range(start=1,stop=3,step=0.5)"], "a=1.0 | a=1.5 | a=2.0 | a=2.5"),
        (&["a=float(range(1,3))"], "a=1.0 | a=2.0"),
        (&["a=int(1.5,2.5)"], "a=1 | a=2"),
        (&["a=str(1,2)"], "a='1' | a='2'"),
        (&["a=sort(3,1,2)"], "a=1 | a=2 | a=3"),
        (&["a=sort(3,1,2,reverse=true)"], "a=3 | a=2 | a=1"),
        (&["a=sort(range(10,1,step=-3))"], "a=4 | a=7 | a=10"),
        (&["a=sort(range(1,10,step=3),reverse=true)"], "a=7 | a=4 | a=1"),
        (&["a=sort(range(1,9,step=3),reverse=true)"], "a=7 | a=4 | a=1"),
        (&["a=sort(choice(b,a))"], "a=a | a=b"),
        (&["a=tag(x,y,choice(1,2))"], "a=1 | a=2"),
        (&["model=glob(*)"], "model=gat | model=light_gcn | model=two_tower"),
        (&["model=glob(*t*,exclude=two*)"], "model=gat | model=light_gcn"),
        (&["model=glob([g*,two*])"], "model=gat | model=two_tower"),
        (&["model=gat,[gat,two_tower]"], "model=gat | model=[gat,two_tower]"),
        (&["a=[int(1.5),str(2)],3"], "a=[1,'2'] | a=3"),
        (&["~a"], "~a"),
    ] {
        assert_eq!(jobs(texts), expected, "{texts:?}");
    }
}

#[test]
fn a_shuffle_is_the_same_each_time() {
    let first = jobs(&["a=shuffle(range(20))"]);
    assert_eq!(first, jobs(&["a=shuffle(range(20))"]));
    assert_ne!(first, jobs(&["a=range(20)"]));
    let sorted = |text: &str| {
        let mut jobs: Vec<String> = text.split(" | ").map(str::to_owned).collect();
        jobs.sort();
        jobs
    };
    assert_eq!(sorted(&first), sorted(&jobs(&["a=range(20)"])));
    assert_eq!(sorted(&jobs(&["a=shuffle(1,2,3)"])), sorted("a=1 | a=2 | a=3"));
}

#[test]
fn spaces_know_their_scale() {
    let space = |text: &str| {
        let origin = Origin::of_override(&"params".into(), 1);
        read_space("a.b", text, origin, Path::new(".")).map(|dimension| dimension.space)
    };
    for (text, expected) in [
        ("interval(0, 0.5)", Space::Interval { start: 0.0, end: 0.5, integer: false, log: false }),
        ("tag(log, interval(1e-5, 1e-1))", Space::Interval { start: 1e-5, end: 0.1, integer: false, log: true }),
        ("int(interval(1, 8))", Space::Interval { start: 1.0, end: 8.0, integer: true, log: false }),
        ("tag(log, int(interval(16, 512)))", Space::Interval { start: 16.0, end: 512.0, integer: true, log: true }),
        ("range(1, 5)", Space::Range { start: 1.0, stop: 5.0, step: 1.0, integer: true }),
        ("range(1, 5, step=0.5)", Space::Range { start: 1.0, stop: 5.0, step: 0.5, integer: false }),
        ("choice(a, 'b c')", Space::Choice { options: vec!["a".into(), "'b c'".into()] }),
        ("16,32", Space::Choice { options: vec!["16".into(), "32".into()] }),
        ("3", Space::Choice { options: vec!["3".into()] }),
    ] {
        assert_eq!(space(text).unwrap(), expected, "{text}");
    }
    assert!(space("tag(log, interval(0, 1))").unwrap_err().to_string().contains("begins above 0"));
    assert!(space("interval(1, 0)").unwrap_err().to_string().contains("smaller to a larger"));
}

#[test]
fn what_is_wrong_with_a_sweep_is_told() {
    for (text, parts) in [
        ("a=interval(0,1)", &["varies over an interval", "recsys-host tune"][..]),
        ("a=rnage(1,2)", &["there is no function `rnage`", "did you mean `range`?", "quote the value"]),
        ("a=range(0,1,0)", &["a step of 0 never arrives"]),
        ("a=range(5,1)", &["this sweep has no values"]),
        ("a=range(1e12)", &["more than 100000 values"]),
        ("a=range(1000) b", &["`b` cannot stand here"]),
        ("a=range(x)", &["`start` must be a number, this is `x`"]),
        ("a=range(1,2,sttep=3)", &["it has no argument `sttep`", "did you mean `step`?", "write range(STOP)"]),
        ("a=choice()", &["there is nothing to choose from"]),
        ("a=choice(range(3),1)", &["a sweep cannot stand among other values"]),
        ("a=[choice(1,2)]", &["the sweep `choice(...)` stands inside a value"]),
        ("a=sort(1,x)", &["`1` and `x` have no order"]),
        ("a=int(x)", &["`int`: `x` is no integer"]),
        ("a=bool(x)", &["`x` is no boolean"]),
        ("a=float(null)", &["`null` is no number"]),
        ("a=tag(x,1)", &["its last argument must be a sweep"]),
        ("a=range(stop=3,1)", &["an argument without a name follows one with a name"]),
        ("a=shuffle(interval(0,1))", &["an interval has no order"]),
        ("modle=glob(*)", &["`modle` is none", "did you mean `model`?"]),
        ("model=glob(x*)", &["no option of the group `model` matches", "options: gat, light_gcn, two_tower"]),
    ] {
        let message = jobs(&[text]);
        for part in parts {
            assert!(message.contains(part), "{text}: `{part}` is not in\n{message}");
        }
    }
    let both = jobs(&["a=range(500)", "b=range(500)"]);
    assert!(both.contains("more than 100000 runs"), "{both}");
}

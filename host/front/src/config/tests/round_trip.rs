//! `config.yaml` of a run composes to the same config again, whatever its values are.

use super::{compose_text, tree};
use crate::config::{compose, Request};

const AWKWARD: &str = r#"
empty: ''
yes_text: 'yes'
number_text: '1e-3'
octal_text: '010'
sixties_text: '1:30'
null_text: 'null'
tilde: '~'
missing_like: '??'
blank_ends: ' x '
colon_end: 'a:'
colon_blank: 'a: b'
hash: 'a #b'
dash: '- x'
question: '? x'
star: '*x'
amp: '&x'
bang: '!x'
percent: '%x'
at: '@x'
tick: '`x'
brace: '{x}'
bracket: '[x]'
quote: "it's"
double: "say \"x\""
lines: "a\nb\n"
tabs: "a\tb"
bell: "a\u0007b"
unicode: "Zoë \u2028 日本"
next_line: "a\u0085b"
escaped: 'x \${a.b} \\\${c}'
backslash: 'c:\x\'
dollar: $x
merge: '<<'
equals: '='
dots: '...'
dashes: '---'
'key: odd': 1
'yes': 2
'': 3
floats: [1.0, 1e-7, 1e16, 1e300, .inf, -.inf, .nan, -0.0]
ints: [0, -1, 18446744073709551615, -9223372036854775808]
nested: {list: [[], {}, [[1], {a: [b]}], {k: {l: []}}], none: null, on: true}
"#;

#[test]
fn a_resolved_config_reads_back_as_itself() {
    let first = compose_text(AWKWARD, &[]).unwrap();
    let text = first.to_yaml();
    let second = compose_text(&text, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(first.root().to_json().to_string(), second.root().to_json().to_string(), "{text}");
    assert_eq!(text, second.to_yaml());
    assert_eq!(first.get("escaped").unwrap().as_str(), Some(r"x ${a.b} \${c}"));
}

#[test]
fn a_run_directory_s_config_takes_overrides_again() {
    let files = [
        ("config.yaml", "defaults:\n  - model: gat\n  - _self_\nseed: 7\nrun_dir: runs/${now:%Y-%m-%d}\n"),
        ("model/gat.yaml", "module: gat:GAT\nparams: {heads: 4}\n"),
    ];
    let folder = tree(files);
    let mut request = super::request(folder.path(), "config", &["seed=8", "model.params.dropout=0.1"]).unwrap();
    let config = compose(&request).unwrap();
    let expected =
        "model:\n  module: gat:GAT\n  params:\n    heads: 4\n    dropout: 0.1\nseed: 8\nrun_dir: runs/2024-03-05\n";
    assert_eq!(config.to_yaml(), expected);
    assert_eq!(config.overrides_to_yaml(), "- seed=8\n- model.params.dropout=0.1\n");

    let run = tree([("config.yaml", config.to_yaml().as_str())]);
    request = Request::from_file(run.path().join("config.yaml"), vec!["model.params.heads=2".to_owned()]);
    let again = compose(&request).unwrap();
    assert_eq!(again.to_yaml(), expected.replace("heads: 4", "heads: 2"));
    assert_eq!(again.origin_of("model.params.heads").to_string(), "override `model.params.heads=2`");
}

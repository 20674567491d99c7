//! No input makes the reader panic: random texts over the signs that matter, and random damage to valid ones.

use super::{compose_text, tree};
use crate::config::experiment::{DataConfig, ExperimentConfig};
use crate::config::{compose, sweep, Request};

/// A small generator of its own (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }

    fn text(&mut self, alphabet: &[&str], length: usize) -> String {
        (0..self.below(length)).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }

    /// Cuts, repeats or replaces characters.
    fn damaged(&mut self, text: &str, alphabet: &[&str]) -> String {
        let mut letters: Vec<String> = text.chars().map(String::from).collect();
        for _ in 0..=self.below(4) {
            let at = self.below(letters.len() + 1);
            match self.below(3) {
                0 => letters.insert(at, alphabet[self.below(alphabet.len())].to_owned()),
                1 if at < letters.len() => drop(letters.remove(at)),
                _ => letters.truncate(at.max(1)),
            }
        }
        letters.concat()
    }
}

const YAML: &[&str] = &[
    "a", "b", ":", ": ", "\n", "\n  ", "- ", "-", "[", "]", "{", "}", ",", "'", "\"", "&x ", "*x", "<<", "!", "!!int ",
    "|", ">", "#", "?", "? ", "%", "@", "`", "\t", "0", "1e3", "${", "}", "${a}", "...", "---", "\u{feff}", "é", "\0",
    "\r", "~", "\\", "1:3",
];
const OVERRIDE: &[&str] = &[
    "a", "b", "=", "+", "~", "@", "/", ".", ",", "[", "]", "{", "}", "(", ")", ":", "'", "\"", "\\", " ", "${", "}",
    "1", "e", "-", "_", "é", "???", "null", "0", "\t", "\n", "$", "model", "seed",
];
const INTERPOLATION: &[&str] = &[
    "${", "}", "a", "b", ".", "[", "]", ":", ",", "'", "\"", "\\", " ", "now", "oc.env", "{", "(", ")", "%Y", "%", "0",
    "$", "é",
];

#[test]
fn no_yaml_makes_it_panic() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let valid = "defaults:\n  - _self_\ndata: &d {module: 'a:b', params: {x: [1, 2.5, null]}}\nmodel:\n  <<: *d\n  k: ${data.params.x}\n";
    for round in 0..6000 {
        let text = if round % 2 == 0 { random.text(YAML, 40) } else { random.damaged(valid, YAML) };
        if let Ok(config) = compose_text(&text, &[]) {
            let again = compose_text(&config.to_yaml(), &[]).unwrap_or_else(|error| panic!("{text:?}\n{error}"));
            assert_eq!(config.root().to_json().to_string(), again.root().to_json().to_string(), "{text:?}");
            drop((ExperimentConfig::from_config(&config), DataConfig::from_config(&config)));
        }
    }
}

#[test]
fn no_override_makes_it_panic() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let folder = tree([
        ("config.yaml", "defaults:\n  - model: gat\n  - _self_\na: 1\nb: {a: [1, {b: 2}], e: null}\n"),
        ("model/gat.yaml", "module: gat:GAT\nparams: {heads: 4}\n"),
    ]);
    for _ in 0..20_000 {
        let texts = (0..=random.below(2)).map(|_| random.text(OVERRIDE, 12)).collect();
        let request = Request::from_file(folder.path().join("config.yaml"), texts);
        if let Err(error) = compose(&request) {
            assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn no_sweep_makes_it_panic() {
    let mut random = Random(0x6a09_e667_f3bc_c909);
    let words = [
        "range",
        "choice",
        "interval",
        "sort",
        "shuffle",
        "tag",
        "int",
        "float",
        "str",
        "bool",
        "json_str",
        "glob",
        "(",
        "(",
        ")",
        ")",
        ",",
        ",",
        "1",
        "2",
        "-3",
        "0.5",
        "1e308",
        "-1e-300",
        "18446744073709551615",
        "a",
        "'b'",
        "[",
        "]",
        "{",
        "}",
        ":",
        "reverse=true",
        "step=",
        "null",
        "true",
        "*",
    ];
    let folder = tree([("config.yaml", "a: 1\n"), ("model/gat.yaml", "")]);
    for _ in 0..20_000 {
        let key = if random.below(4) == 0 { "model" } else { "a" };
        let texts = vec![format!("{key}={}", random.text(&words, 9))];
        if let Err(error) = sweep::read(&texts, folder.path()).and_then(|sweep| sweep.grid()) {
            assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn no_interpolation_makes_it_panic() {
    let mut random = Random(0xda3e_39cb_94b9_5bdb);
    for _ in 0..6000 {
        let quote = |text: String| text.replace('\'', "''");
        let (first, second) = (quote(random.text(INTERPOLATION, 12)), quote(random.text(INTERPOLATION, 12)));
        let text = format!("a: '${{{first}'\nb: {{a: '{second}', b: [1, '${{a}}']}}\n");
        if let Err(error) = compose_text(&text, &[]) {
            assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn bombs_are_refused() {
    let nested = format!("a: {}1{}\n", "[".repeat(5000), "]".repeat(5000));
    assert!(compose_text(&nested, &[]).is_err());
    let nested: String = (0..100).map(|depth| format!("{:depth$}a:\n", "")).collect();
    assert!(compose_text(&nested, &[]).unwrap_err().to_string().contains("levels deep"));
    assert!(compose_text("a: 1\n", &[&format!("a={}", "[".repeat(5000))])
        .unwrap_err()
        .to_string()
        .contains("levels deep"));
    assert!(compose_text(&format!("a: '{}'\n", "${".repeat(5000)), &[]).is_err());

    let level = |name: &str, below: &str| format!("{name}: &{name} [{}]\n", vec![format!("*{below}"); 9].join(", "));
    let names: Vec<String> = (0..9).map(|index| format!("n{index}")).collect();
    let aliases: String = names.windows(2).map(|pair| level(&pair[1], &pair[0])).collect();
    assert!(compose_text(&format!("n0: &n0 [x]\n{aliases}"), &[]).unwrap_err().to_string().contains("aliases"));

    let reference = |name: &str, below: &str| format!("{name}: [{}]\n", vec![format!("'${{{below}}}'"); 9].join(", "));
    let references: String = names.windows(2).map(|pair| reference(&pair[1], &pair[0])).collect();
    assert!(compose_text(&format!("n0: [x]\n{references}"), &[]).unwrap_err().to_string().contains("interpolations"));

    let doubled: String = (1..60).map(|index| format!("t{index}: ${{t{0}}}${{t{0}}}\n", index - 1)).collect();
    assert!(compose_text(&format!("t0: xxxxxxxx\n{doubled}"), &[]).unwrap_err().to_string().contains("interpolations"));

    let chain: String = (0..3000).map(|index| format!("c{index}: ${{c{}}}\n", index + 1)).collect();
    assert!(compose_text(&format!("{chain}c3000: 1\n"), &[]).unwrap_err().to_string().contains("more than"));
}

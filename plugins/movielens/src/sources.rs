//! Where a release can come from, as written in a config, and the error for when no source had it.
//! Leaves out the fetching itself (`download`, `pip`, `fetch`).

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::release::Env;

/// One entry of `params.sources`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Source {
    /// `raw`: the folder `data/raw/`, with `NAME.zip` or a folder `NAME/`.
    Raw,
    /// `https://…/NAME.zip` (plain `http` too, for mirrors inside a house).
    Web { url: String },
    /// `pip:PACKAGE==VERSION!PATH`: the folder PATH inside a wheel.
    Pip(PipFolder),
}

/// A folder inside a wheel of a Python package index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipFolder {
    pub package: String,
    pub version: String,
    /// Path inside the wheel, with `/`, without `..` and without a slash at either end.
    pub path: String,
}

/// Why an entry of `sources` is no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "source {text:?} {problem}; a source is `raw` (the folder data/raw/), an address `https://HOST/…/NAME.zip`, \
     or `pip:PACKAGE==VERSION!PATH` (a folder inside a wheel)"
)]
pub struct BadSource {
    text: String,
    problem: &'static str,
}

impl Source {
    /// The sources of a release when the config names none: the raw folder, GroupLens, and a wheel where one holds it.
    pub fn defaults(env: Env) -> Vec<Source> {
        let release = env.release();
        let fallback = release.fallback.and_then(|text| text.parse().ok());
        [Source::Raw, Source::Web { url: release.url.to_string() }].into_iter().chain(fallback).collect()
    }

    /// Whether the source needs a network.
    pub fn is_mirror(&self) -> bool {
        match self {
            Source::Raw => false,
            Source::Web { .. } | Source::Pip(_) => true,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Raw => formatter.write_str("raw"),
            Source::Web { url } => formatter.write_str(url),
            Source::Pip(PipFolder { package, version, path }) => write!(formatter, "pip:{package}=={version}!{path}"),
        }
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl TryFrom<String> for Source {
    type Error = BadSource;

    fn try_from(text: String) -> Result<Self, BadSource> {
        text.parse()
    }
}

impl FromStr for Source {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        let bad = |problem| BadSource { text: text.to_string(), problem };
        let text = text.trim();
        if text == "raw" {
            return Ok(Source::Raw);
        }
        if let Some(folder) = text.strip_prefix("pip:") {
            return PipFolder::parse(folder).map(Source::Pip).map_err(bad);
        }
        match reqwest::Url::parse(text) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                Err(bad("is neither `raw`, `pip:…` nor a web address"))
            }
            Ok(url) if url.host_str().is_none_or(str::is_empty) => Err(bad("names no host")),
            Ok(_) => Ok(Source::Web { url: text.to_string() }),
            Err(_) => Err(bad("is neither `raw`, `pip:…` nor a web address")),
        }
    }
}

impl PipFolder {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (package, rest) = text.split_once("==").ok_or("pins no version with `==`")?;
        let (version, path) = rest.split_once('!').ok_or("names no folder after `!`")?;
        let path = path.trim_matches('/');
        // These become words of a command line: nothing that pip could take for an option or for a list.
        let is_word = |word: &str, others: &str| {
            word.starts_with(|first: char| first.is_ascii_alphanumeric())
                && word.chars().all(|letter| letter.is_ascii_alphanumeric() || others.contains(letter))
        };
        if !is_word(package, "._-") {
            return Err("has a package name that is none");
        }
        if !is_word(version, ".+-_") {
            return Err("has a version that is none");
        }
        let is_part = |part: &str| !part.is_empty() && part != ".." && part != "." && !part.contains('\\');
        if !path.split('/').all(is_part) {
            return Err("has a path that is no folder inside a wheel");
        }
        Ok(Self { package: package.into(), version: version.into(), path: path.into() })
    }
}

/// A source that was tried and why it did not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub source: Source,
    pub reason: String,
}

/// No source had the release: lists each with its reason, and how to supply the files by hand.
#[derive(Debug)]
pub struct NothingToLoad {
    pub env: Env,
    /// `data/raw` as the user would write it.
    pub raw_folder: String,
    pub attempts: Vec<Attempt>,
}

impl std::error::Error for NothingToLoad {}

impl fmt::Display for NothingToLoad {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (release, raw) = (self.env.release(), &self.raw_folder);
        writeln!(formatter, "no source has MovieLens `{}` ({}); tried in this order:", self.env, release.name)?;
        for (index, attempt) in self.attempts.iter().enumerate() {
            writeln!(formatter, "  {}. {}: {}", index + 1, attempt.source, attempt.reason)?;
        }
        if self.attempts.is_empty() {
            writeln!(formatter, "  (`sources` is an empty list; leave it out for the default sources)")?;
        }
        write!(
            formatter,
            "To supply it yourself, put {zip} as published at {url} into {raw}/, \
             or put one of the files {files} into a folder {raw}/{name}/.",
            zip = release.zip_name(),
            url = release.url,
            files = release.ratings_files(),
            name = release.name,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_survive_a_round_trip() {
        for text in
            ["raw", "https://a.b/c/ml-1m.zip", "http://127.0.0.1:8000/x.zip", "pip:recbole==1.2.1!recbole/x/ml-100k"]
        {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
        let source: Source = serde_json::from_str("\"pip:a==1!b/c/\"").unwrap();
        let folder = PipFolder { package: "a".into(), version: "1".into(), path: "b/c".into() };
        assert_eq!(source, Source::Pip(folder));
    }

    #[test]
    fn bad_sources_say_what_a_source_is() {
        let bad = [
            "",
            "Raw",
            "data/raw",
            "ftp://a/b.zip",
            "https://",
            "pip:recbole!x",
            "pip:recbole==1.2.1",
            "pip:--index-url==1!x",
            "pip:a==1!../x",
            "pip:a==1!",
            "pip:a==-r!x",
            "pip:a b==1!x",
            "C:\\data",
        ];
        for text in bad {
            let message = text.parse::<Source>().unwrap_err().to_string();
            assert!(message.contains("a source is `raw`"), "{text}: {message}");
        }
    }

    #[test]
    fn defaults_parse() {
        assert_eq!(Source::defaults(Env::Dev).len(), 3);
        let url = "https://files.grouplens.org/datasets/movielens/ml-32m.zip".to_string();
        assert_eq!(Source::defaults(Env::Prod), [Source::Raw, Source::Web { url }]);
    }

    #[test]
    fn nothing_to_load_lists_reasons_and_the_cure() {
        let attempts = vec![Attempt { source: Source::Raw, reason: "is empty".into() }];
        let message = NothingToLoad { env: Env::Dev, raw_folder: "data/raw".into(), attempts }.to_string();
        assert!(message.contains("  1. raw: is empty\n"), "{message}");
        assert!(message.contains("put ml-100k.zip as published at https://files.grouplens.org"), "{message}");
        assert!(message.contains("u.data, ratings.dat, ratings.csv, ml-100k.inter into a folder data/raw/ml-100k/"));
    }
}

//! The MovieLens releases: names, files, address, size and published checksum. Leaves out how they are fetched and read.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which MovieLens release to load (`params.env`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Env {
    /// MovieLens 100K: 943 users, 1682 movies, 100 thousand ratings.
    #[serde(rename = "dev")]
    Dev,
    /// ml-latest-small: 610 users, 9724 rated movies, 101 thousand ratings; GroupLens may change it.
    #[serde(rename = "small")]
    Small,
    /// MovieLens 1M.
    #[serde(rename = "1m")]
    OneM,
    /// MovieLens 10M.
    #[serde(rename = "10m")]
    TenM,
    /// MovieLens 20M.
    #[serde(rename = "20m")]
    TwentyM,
    /// MovieLens 25M.
    #[serde(rename = "25m")]
    TwentyFiveM,
    /// MovieLens 32M.
    #[serde(rename = "32m")]
    ThirtyTwoM,
    /// The largest release, today MovieLens 32M.
    #[serde(rename = "prod")]
    Prod,
}

impl Env {
    const ALL: [Self; 8] = [
        Self::Dev,
        Self::Small,
        Self::OneM,
        Self::TenM,
        Self::TwentyM,
        Self::TwentyFiveM,
        Self::ThirtyTwoM,
        Self::Prod,
    ];

    /// The name used in configs.
    pub fn name(self) -> &'static str {
        match self {
            Env::Dev => "dev",
            Env::Small => "small",
            Env::OneM => "1m",
            Env::TenM => "10m",
            Env::TwentyM => "20m",
            Env::TwentyFiveM => "25m",
            Env::ThirtyTwoM => "32m",
            Env::Prod => "prod",
        }
    }

    /// The release that this name stands for.
    pub fn release(self) -> &'static Release {
        match self {
            Env::Dev => &ML_100K,
            Env::Small => &ML_LATEST_SMALL,
            Env::OneM => &ML_1M,
            Env::TenM => &ML_10M,
            Env::TwentyM => &ML_20M,
            Env::TwentyFiveM => &ML_25M,
            Env::ThirtyTwoM | Env::Prod => &ML_32M,
        }
    }
}

/// The nodes and edges of every release under its name in configs, for whoever wants to know before anything is fetched.
pub fn sizes() -> serde_json::Value {
    let env = |env: &Env| {
        let [users, movies, ratings] = env.release().shape;
        (env.name().to_owned(), serde_json::json!({"user": users, "movie": movies, "user__rates__movie": ratings}))
    };
    Env::ALL.iter().map(env).collect::<serde_json::Map<_, _>>().into()
}

impl fmt::Display for Env {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// How a release writes ratings and titles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `u.data` (tabs) and `u.item` (bars, Latin-1), no header.
    UData,
    /// `ratings.dat` and `movies.dat`, fields separated by `::`, no header.
    Dat,
    /// `ratings.csv` and `movies.csv` with a header.
    Csv,
    /// RecBole's atomic files `NAME.inter` and `NAME.item`: tabs and a typed header.
    Atomic,
}

impl Format {
    /// File name of the ratings of the release `name`.
    pub fn ratings_file(self, name: &str) -> String {
        match self {
            Format::UData => "u.data".to_string(),
            Format::Dat => "ratings.dat".to_string(),
            Format::Csv => "ratings.csv".to_string(),
            Format::Atomic => format!("{name}.inter"),
        }
    }

    /// File name of the titles that belong to ratings of this format.
    pub fn titles_file(self, name: &str) -> String {
        match self {
            Format::UData => "u.item".to_string(),
            Format::Dat => "movies.dat".to_string(),
            Format::Csv => "movies.csv".to_string(),
            Format::Atomic => format!("{name}.item"),
        }
    }
}

/// A release as GroupLens publishes it.
///
/// Sizes: `url_checksums/movielens.txt` of TensorFlow Datasets (100k, small, 1m, 20m, 25m); published copies of the
/// GroupLens directory for 10m and 32m. MD5: the `ZIP.md5` files that GroupLens puts beside each zip, as quoted by
/// several independent public projects.
#[derive(Debug, PartialEq, Eq)]
pub struct Release {
    /// Name of the zip without `.zip`, and of the folder in `data/raw/`.
    pub name: &'static str,
    /// Top folder inside the zip.
    pub zip_folder: &'static str,
    /// Format of the files in the zip.
    pub format: Format,
    /// Where GroupLens publishes the zip.
    pub url: &'static str,
    /// Size of the zip in bytes; `None` where GroupLens may replace the file.
    pub size: Option<u64>,
    /// MD5 of the zip, lower-case hex; `None` where GroupLens may replace the file: then `url` + `.md5` tells.
    pub md5: Option<&'static str>,
    /// Mirror for when GroupLens cannot be reached, as written in a config.
    pub fallback: Option<&'static str>,
    /// Users, rated movies, ratings; GroupLens may have changed those of a release without a checksum.
    pub shape: [u64; 3],
}

impl Release {
    /// Formats to look for: the release's own first, then the others, for users with a converted copy.
    pub fn formats(&self) -> impl Iterator<Item = Format> {
        let own = self.format;
        let others = [Format::UData, Format::Dat, Format::Csv, Format::Atomic];
        std::iter::once(own).chain(others.into_iter().filter(move |format| *format != own))
    }

    /// File names that may hold the ratings, for messages.
    pub fn ratings_files(&self) -> String {
        let names: Vec<String> = self.formats().map(|format| format.ratings_file(self.name)).collect();
        names.join(", ")
    }

    /// `NAME.zip`.
    pub fn zip_name(&self) -> String {
        format!("{}.zip", self.name)
    }
}

static ML_100K: Release = Release {
    name: "ml-100k",
    zip_folder: "ml-100k",
    format: Format::UData,
    url: "https://files.grouplens.org/datasets/movielens/ml-100k.zip",
    size: Some(4_924_029),
    md5: Some("0e33842e24a9c977be4e0107933c0723"),
    fallback: Some("pip:recbole==1.2.1!recbole/dataset_example/ml-100k"),
    shape: [943, 1682, 100_000],
};

static ML_LATEST_SMALL: Release = Release {
    name: "ml-latest-small",
    zip_folder: "ml-latest-small",
    format: Format::Csv,
    url: "https://files.grouplens.org/datasets/movielens/ml-latest-small.zip",
    size: None,
    md5: None,
    fallback: None,
    shape: [610, 9724, 100_836],
};

static ML_1M: Release = Release {
    name: "ml-1m",
    zip_folder: "ml-1m",
    format: Format::Dat,
    url: "https://files.grouplens.org/datasets/movielens/ml-1m.zip",
    size: Some(5_917_549),
    md5: Some("c4d9eecfca2ab87c1945afe126590906"),
    fallback: None,
    shape: [6040, 3706, 1_000_209],
};

static ML_10M: Release = Release {
    name: "ml-10m",
    zip_folder: "ml-10M100K",
    format: Format::Dat,
    url: "https://files.grouplens.org/datasets/movielens/ml-10m.zip",
    size: Some(65_566_137),
    md5: Some("ce571fd55effeba0271552578f2648bd"),
    fallback: None,
    shape: [69_878, 10_677, 10_000_054],
};

static ML_20M: Release = Release {
    name: "ml-20m",
    zip_folder: "ml-20m",
    format: Format::Csv,
    url: "https://files.grouplens.org/datasets/movielens/ml-20m.zip",
    size: Some(198_702_078),
    md5: Some("cd245b17a1ae2cc31bb14903e1204af3"),
    fallback: None,
    shape: [138_493, 26_744, 20_000_263],
};

static ML_25M: Release = Release {
    name: "ml-25m",
    zip_folder: "ml-25m",
    format: Format::Csv,
    url: "https://files.grouplens.org/datasets/movielens/ml-25m.zip",
    size: Some(261_978_986),
    md5: Some("6b51fb2759a8657d3bfcbfc42b592ada"),
    fallback: None,
    shape: [162_541, 59_047, 25_000_095],
};

static ML_32M: Release = Release {
    name: "ml-32m",
    zip_folder: "ml-32m",
    format: Format::Csv,
    url: "https://files.grouplens.org/datasets/movielens/ml-32m.zip",
    size: Some(238_950_008),
    md5: Some("d472be332d4daa821edc399621853b57"),
    fallback: None,
    shape: [200_948, 84_432, 32_000_204],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_is_consistent() {
        for release in [&ML_100K, &ML_LATEST_SMALL, &ML_1M, &ML_10M, &ML_20M, &ML_25M, &ML_32M] {
            assert!(release.url.ends_with(&release.zip_name()));
            assert_eq!(release.size.is_some(), release.md5.is_some());
            assert!(release.md5.is_none_or(|md5| md5.len() == 32));
            assert_eq!(release.formats().count(), 4);
            assert_eq!(release.formats().next(), Some(release.format));
        }
        assert_eq!(Env::Prod.release(), Env::ThirtyTwoM.release());
        assert_eq!(ML_100K.ratings_files(), "u.data, ratings.dat, ratings.csv, ml-100k.inter");
    }
}

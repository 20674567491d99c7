//! Data that are wrong, damaged, unsafe or not to be had.

use std::io::Write;

use zip::write::SimpleFileOptions;

use super::{fails, Said, Sandbox, RAW_ONLY};

const TRAIN: &[&str] = &["train", "configs/config.yaml", RAW_ONLY, "trainer.params.num_epochs=1"];
const RATINGS: &str = "data/raw/ml-100k/u.data";

/// A good file of ratings but for its row 7.
fn with_bad_row() -> Sandbox {
    let sandbox = Sandbox::new().with_ratings(40, 30);
    let ratings = sandbox.read(RATINGS);
    let spoilt = ratings.lines().enumerate().map(|(index, line)| match index {
        6 => "100\t1000\tfive\t880000000\n".to_owned(),
        _ => format!("{line}\n"),
    });
    sandbox.write(RATINGS, spoilt.collect::<String>());
    sandbox
}

/// `data/raw/ml-100k.zip` with these files.
fn zipped(files: &[(&str, String)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn some_ratings() -> String {
    (0..5000).map(|row| format!("{}\t{}\t3\t{}\n", row % 90, row % 77, row * row)).collect()
}

#[test]
fn a_bad_row_is_told_with_file_and_line() {
    let sandbox = with_bad_row();
    let parts = [
        "movielens:MovielensDataLoader",
        "data/raw/ml-100k/u.data:7: the rating \"five\" is no number",
        "expected: 4 fields: user, movie, rating, timestamp",
        "on_bad_row: skip",
        "key path: data.module",
    ];
    fails(&sandbox, TRAIN, 1, &parts);
    assert!(!sandbox.path("data/processed").exists());
}

#[test]
fn bad_rows_are_skipped_and_counted_if_asked() {
    let sandbox = with_bad_row();
    let n_ratings = sandbox.read(RATINGS).lines().count() - 1;
    // The second time from the cache.
    for _ in 0..2 {
        let said = sandbox.host(&["load", "configs/config.yaml", RAW_ONLY, "data.params.on_bad_row=skip"]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert!(said.stdout.contains(&format!("{n_ratings} ratings, 1 bad rows skipped")), "{}", said.stdout);
    }
    // What was made by skipping does not answer for the strict reading.
    fails(&sandbox, TRAIN, 1, &["u.data:7:"]);
}

#[test]
fn empty_ratings() {
    let sandbox = Sandbox::new();
    sandbox.write(RATINGS, "");
    fails(&sandbox, TRAIN, 1, &["data/raw/ml-100k/u.data holds no ratings; a graph needs at least one"]);
    assert!(!sandbox.path("data/processed").exists());
}

#[test]
fn nothing_but_bad_rows() {
    let sandbox = Sandbox::new();
    sandbox.write(RATINGS, "no\nratings\n");
    let parts = ["u.data holds no ratings (bad rows skipped: 2)"];
    fails(&sandbox, &["load", "configs/config.yaml", RAW_ONLY, "data.params.on_bad_row=skip"], 1, &parts);
}

#[test]
fn a_truncated_zip_is_refused_and_nothing_else_is_fetched() {
    let whole = zipped(&[("ml-100k/u.data", some_ratings())]);
    for (length, reason) in
        [(whole.len() / 2, "is cut short"), (whole.len() - 30, "is cut short"), (0, "is no zip file")]
    {
        let sandbox = Sandbox::new();
        sandbox.write("data/raw/ml-100k.zip", &whole[..length]);
        let said = fails(&sandbox, TRAIN, 1, &["data/raw/ml-100k.zip", reason, "delete it"]);
        assert!(!said.stderr.contains("fetching"), "{}", said.stderr);
        assert_eq!(std::fs::read(sandbox.path("data/raw/ml-100k.zip")).unwrap().len(), length);
    }
}

#[test]
fn a_damaged_member_of_a_zip_is_found() {
    let mut bytes = zipped(&[("ml-100k/u.data", some_ratings())]);
    let middle = bytes.len() / 2;
    bytes[middle..middle + 200].fill(0xAA);
    let sandbox = Sandbox::new();
    sandbox.write("data/raw/ml-100k.zip", bytes);
    fails(&sandbox, TRAIN, 1, &["data/raw/ml-100k.zip/ml-100k/u.data"]);
    assert!(!sandbox.path("data/processed").exists());
}

#[test]
fn a_zip_that_leads_out_of_its_folder_is_refused() {
    for name in ["../evil", "ml-100k/../../evil", "/tmp/evil"] {
        let sandbox = Sandbox::new();
        sandbox.write("data/raw/ml-100k.zip", zipped(&[("ml-100k/u.data", some_ratings()), (name, "evil".to_owned())]));
        let member = format!("ml-100k.zip is refused: its member {name:?}");
        let said = fails(&sandbox, TRAIN, 1, &[&member, "fetch it from a source you trust"]);
        assert!(!said.stderr.contains("fetching"), "{}", said.stderr);
        assert!(!sandbox.path("data/evil").exists() && !sandbox.path("evil").exists());
    }
}

#[test]
fn nothing_to_be_had_lists_every_source_and_how_to_supply_it() {
    let sandbox = Sandbox::new();
    // A port that was free a moment ago: nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mirror = format!("http://127.0.0.1:{port}/ml-100k.zip");
    let pip = "pip:recbole==1.2.1!recbole/dataset_example/ml-100k";
    let sources = format!("data.params.sources=[raw,'{mirror}','{pip}']");
    let mut host = sandbox.command();
    host.env("RUST_BACKTRACE", "1").env("NO_PROXY", "127.0.0.1").env("PIP_NO_INDEX", "1").env_remove("PIP_FIND_LINKS");
    let said = Said::from(host.args(["train", "configs/config.yaml", &sources]).output().unwrap());
    said.is_error(1, &["no source has MovieLens `dev` (ml-100k); tried in this order:", "1. raw: "]);
    said.is_error(1, &["has neither ml-100k.zip nor a folder ml-100k"]);
    said.is_error(1, &[&format!("2. {mirror}: cannot be reached"), &format!("3. {pip}: ")]);
    said.is_error(1, &["To supply it yourself, put ml-100k.zip as published at https://files.grouplens.org/"]);
    said.is_plain();
    sandbox.holds_nothing_half_written();
}

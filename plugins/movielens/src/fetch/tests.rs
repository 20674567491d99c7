//! Whole fetches in a fresh folder: order of sources, fallbacks, force, second runs, damage.

use std::fs;
use std::time::Duration;

use super::*;
use crate::archive::tests::zip_bytes;
use crate::download::test_server::{Reply, TestServer};
use crate::events::Recorded;
use crate::pip::tests::stub_python;

const U_DATA: &[u8] = b"196\t242\t3\t881250949\n186\t302\t3.5\t891717742\n196\t302\t1\t4\n196\t302\t5\t9\n";
const U_ITEM: &[u8] = b"242|Kolya (1996)|x\n302|L.A. Confidential (1997)|y\n7|Unrated|z\n";
const INTER: &[u8] = b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n\
                       196\t302\t5\t9\n186\t302\t3.5\t891717742\n196\t242\t3\t881250949\n";
const ITEM: &[u8] = b"item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n\
                      242\tKolya\t1996\tComedy\n302\tL.A. Confidential\t1997\tCrime\n";

/// [`obtain`], then [`parse`].
fn fetch_and_parse(request: &Request, events: &dyn Events) -> Result<(Interactions, Provenance), Error> {
    let located = obtain(request, events)?;
    parse(&located, request.on_bad_row, events)
}

fn ml_100k_zip() -> Vec<u8> {
    zip_bytes(&[("ml-100k/u.data", U_DATA), ("ml-100k/u.item", U_ITEM), ("ml-100k/README", b"")])
}

/// A data folder with the given files under `raw/`.
fn data(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join("raw").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn request(data: &Path, sources: &[&str]) -> Request {
    let timeouts = Timeouts {
        connect: Duration::from_secs(20),
        read: Duration::from_secs(20),
        attempts: 2,
        backoff: Duration::from_millis(1),
    };
    let sources = sources.iter().map(|source| source.parse().unwrap()).collect();
    Request { sources, timeouts, ..Request::new(Env::Dev, data) }
}

fn load(request: &Request) -> (Interactions, Provenance) {
    fetch_and_parse(request, &Recorded::default()).unwrap()
}

fn failure(request: &Request) -> String {
    fetch_and_parse(request, &Recorded::default()).map(|_| ()).unwrap_err().to_string()
}

fn serving(file: Vec<u8>) -> TestServer {
    TestServer::start(move |_, request| match request.path.ends_with(".md5") {
        true => Reply::new("404 Not Found", b""),
        false => Reply::ranged(request, &file, "\"1\""),
    })
}

/// An address where nobody listens.
fn dead_url() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/ml-100k.zip", listener.local_addr().unwrap())
}

#[test]
fn zip_folder_and_wheel_give_the_same_graph() {
    let (zip, folder) =
        (data(&[("ml-100k.zip", &ml_100k_zip())]), data(&[("ml-100k/u.data", U_DATA), ("ml-100k/u.item", U_ITEM)]));
    let (edges, provenance) = load(&request(zip.path(), &["raw"]));
    assert_eq!((edges.user.as_slice(), edges.movie.as_slice()), ([0, 1, 1].as_slice(), [1, 0, 1].as_slice()));
    assert_eq!(edges.rating, [3.5, 3.0, 5.0]);
    assert_eq!(edges.titles, ["Kolya (1996)", "L.A. Confidential (1997)"]);
    assert_eq!((provenance.rows, provenance.skipped, provenance.duplicates), (4, 0, 1));
    assert_eq!((provenance.ratings_sha256.len(), provenance.fingerprint.len()), (64, 64));
    assert_eq!(load(&request(folder.path(), &["raw"])).0, edges);

    let wheel = zip_bytes(&[("r/ml-100k/ml-100k.inter", INTER), ("r/ml-100k/ml-100k.item", ITEM), ("r/x.py", b"")]);
    let empty = data(&[]);
    let python = stub_python(empty.path(), Some(&wheel));
    let request = Request { python, ..request(empty.path(), &["raw", &dead_url(), "pip:r==1!r/ml-100k"]) };
    assert_eq!(load(&request).0, edges);
    assert!(empty.path().join("raw/ml-100k/ml-100k.inter").exists());
    let (_, again) = load(&request);
    assert_eq!((again.source, again.mirror), (Source::Raw, Some(request.sources[2].clone())));
}

#[test]
fn a_second_run_needs_no_network_and_the_same_key() {
    let (server, folder) = (serving(ml_100k_zip()), data(&[]));
    let web = [server.url("ml-100k.zip")];
    for sources in [vec!["raw", &web[0]], vec![&web[0]], vec![&web[0], "raw"]] {
        let request = request(folder.path(), &sources);
        let first = obtain(&request, &Recorded::default()).unwrap();
        let n_requests = server.requests().len();
        let second = obtain(&request, &Recorded::default()).unwrap();
        assert_eq!(server.requests().len(), n_requests, "{sources:?}");
        let key = |located: &Located| located.cache_key("1", OnBadRow::Error);
        assert_eq!(key(&first), key(&second));
    }
    assert_eq!(server.requests().len(), 2, "one for the checksum, one for the file");
    let names = fs::read_dir(folder.path().join("raw")).unwrap().count();
    assert_eq!(names, 2, "the zip and the note of its origin");
}

#[test]
fn sources_are_tried_in_the_order_listed() {
    let (server, folder) = (serving(ml_100k_zip()), data(&[("ml-100k/u.data", b"1\t1\t1\t1\n")]));
    let url = server.url("ml-100k.zip");
    assert_eq!(load(&request(folder.path(), &["raw", &url])).1.rows, 1);
    assert_eq!(load(&request(folder.path(), &[&url, "raw"])).1.rows, 4);
    let other = data(&[("ml-100k/u.data", b"1\t1\t1\t1\n")]);
    assert_eq!(load(&request(other.path(), &[&dead_url(), "raw"])).1.rows, 1);
}

#[test]
fn force_fetches_anew_and_keeps_what_the_user_put_there() {
    let (server, folder) = (serving(ml_100k_zip()), data(&[]));
    let own = zip_bytes(&[("u.data", b"1\t1\t1\t1\n")]);
    fs::create_dir_all(folder.path().join("raw")).unwrap();
    fs::write(folder.path().join("raw/ml-100k.zip"), &own).unwrap();
    let request = Request { force: true, ..request(folder.path(), &["raw", &server.url("ml-100k.zip")]) };
    assert_eq!(load(&request).1.rows, 4);
    assert_eq!(fs::read(folder.path().join("raw/ml-100k.zip.bak")).unwrap(), own);
    let n_requests = server.requests().len();
    assert_eq!(load(&request).1.rows, 4);
    assert!(server.requests().len() > n_requests);
}

#[test]
fn force_falls_back_to_raw_with_a_warning() {
    let folder = data(&[("ml-100k.zip", &ml_100k_zip())]);
    let request = Request { force: true, ..request(folder.path(), &["raw", &dead_url()]) };
    let events = Recorded::default();
    assert_eq!(fetch_and_parse(&request, &events).unwrap().1.rows, 4);
    let texts = events.texts.into_inner().unwrap();
    assert!(texts.iter().any(|text| text.starts_with("warning: no mirror could be had; using ")), "{texts:?}");
}

#[test]
fn what_a_mirror_sends_is_looked_at_before_it_is_kept() {
    let cases: [(Vec<u8>, &str); 4] = [
        (b"<html>please log in</html>".to_vec(), "no zip file"),
        (ml_100k_zip()[..120].to_vec(), "cut short"),
        (zip_bytes(&[("README", b"x")]), "holds none of u.data"),
        (zip_bytes(&[("ml-100k/u.data", U_DATA), ("../evil", b"x")]), "is refused"),
    ];
    for (file, expected) in cases {
        let (server, folder) = (serving(file), data(&[]));
        let message = failure(&request(folder.path(), &[&server.url("ml-100k.zip")]));
        assert!(message.contains(expected), "{message}");
        assert_eq!(fs::read_dir(folder.path().join("raw")).unwrap().count(), 0, "{message}");
    }
}

#[test]
fn the_published_md5_is_checked() {
    let zip = ml_100k_zip();
    let server = TestServer::start(move |_, request| match request.path.ends_with(".md5") {
        true => Reply::new("200 OK", b"0e33842e24a9c977be4e0107933c0723  ml-100k.zip\n"),
        false => Reply::ranged(request, &zip, "\"1\""),
    });
    let folder = data(&[]);
    let message = failure(&request(folder.path(), &[&server.url("ml-100k.zip")]));
    assert!(message.contains("wrong md5: expected 0e33842e24a9c977be4e0107933c0723, got "), "{message}");
}

#[test]
fn nothing_to_load_lists_every_reason() {
    let folder = data(&[]);
    let python = stub_python(folder.path(), None);
    let server = TestServer::start(|_, _| Reply::new("404 Not Found", b""));
    let (dead, missing) = (dead_url(), server.url("ml-100k.zip"));
    let request = Request { python, ..request(folder.path(), &["raw", &dead, &missing, "pip:r==1!x"]) };
    let message = failure(&request);
    for part in [
        "1. raw: ",
        "has neither ml-100k.zip nor a folder ml-100k",
        "2. http://127.0.0.1:",
        "cannot be reached",
        "3. http://127.0.0.1:",
        "404 Not Found",
        "4. pip:r==1!x: ",
        "No matching distribution",
        "To supply it yourself",
    ] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    assert_eq!(fs::read_dir(folder.path().join("raw")).unwrap().count(), 0);
    assert!(failure(&self::request(folder.path(), &[])).contains("`sources` is an empty list"));
}

#[test]
fn damaged_material_is_an_error_although_a_mirror_could_help() {
    let server = serving(ml_100k_zip());
    let url = server.url("ml-100k.zip");
    let cut = data(&[("ml-100k.zip", &ml_100k_zip()[..100])]);
    assert!(failure(&request(cut.path(), &["raw", &url])).contains("is cut short"));
    let evil = data(&[("ml-100k.zip", &zip_bytes(&[("u.data", U_DATA), ("../u.item", b"")]))]);
    assert!(failure(&request(evil.path(), &["raw", &url])).contains("leads out of the folder"));
    assert!(server.requests().is_empty());
}

#[test]
fn bad_rows_and_emptiness_name_the_file() {
    let folder = data(&[("ml-100k/u.data", b"1\t1\t1\t1\nbad\n1\t2\t2\t2\n")]);
    let strict = request(folder.path(), &["raw"]);
    assert!(failure(&strict).contains("ml-100k/u.data:2: 1 fields instead of 4"), "{}", failure(&strict));
    let lenient = Request { on_bad_row: OnBadRow::Skip, ..strict.clone() };
    assert_eq!(load(&lenient).1.skipped, 1);
    let located = obtain(&strict, &Recorded::default()).unwrap();
    assert_ne!(located.cache_key("1", OnBadRow::Error), located.cache_key("1", OnBadRow::Skip));
    let empty = data(&[("ml-100k/u.data", b"\n")]);
    assert!(failure(&request(empty.path(), &["raw"])).contains("holds no ratings"));
}

#[test]
fn an_unusable_data_folder_is_a_reason_not_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("raw"), b"a file").unwrap();
    let message = failure(&request(folder.path(), &["raw", &dead_url()]));
    assert!(message.contains("cannot create the folder"), "{message}");
}

#[test]
fn the_users_stop_ends_the_search() {
    let folder = data(&[("ml-100k.zip", &ml_100k_zip())]);
    let events = Recorded { cancel_after: Some(0), ..Recorded::default() };
    let error = fetch_and_parse(&request(folder.path(), &["raw", &dead_url()]), &events).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
}

#[test]
fn a_zip_without_ratings_does_not_hide_the_folder() {
    let zip = zip_bytes(&[("README", b"")]);
    let folder = data(&[("ml-100k.zip", &zip), ("ml-100k/u.data", U_DATA)]);
    assert_eq!(load(&request(folder.path(), &["raw"])).1.path, folder.path().join("raw/ml-100k"));
}

#[test]
fn exchanged_material_is_fetched_again() {
    let (server, folder) = (serving(ml_100k_zip()), data(&[]));
    let request = request(folder.path(), &[&server.url("ml-100k.zip")]);
    load(&request);
    fs::write(folder.path().join("raw/ml-100k.zip"), zip_bytes(&[("u.data", b"1\t1\t1\t1\n")])).unwrap();
    assert_eq!(load(&request).1.rows, 4);
}

//! What is done with a finished run: `evaluate` and `recommend`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::Sandbox;

const N_MOVIES: usize = 30;
/// A user who has rated every movie.
const FULL: &str = "99999";

/// A sandbox with a short run of GAT.
fn trained() -> (Sandbox, String) {
    let sandbox = Sandbox::new().with_ratings(40, N_MOVIES);
    let mut ratings = sandbox.read("data/raw/ml-100k/u.data");
    for movie in 0..N_MOVIES {
        ratings += &format!("{FULL}\t{}\t3\t880000000\n", 1000 + 7 * movie);
    }
    sandbox.write("data/raw/ml-100k/u.data", ratings);
    let run = sandbox.train(&[
        "configs/config_gat.yaml",
        "model.params.hidden_dim=8",
        "trainer.params.num_epochs=20",
        "trainer.params.learning_rate=0.01",
    ]);
    (sandbox, run)
}

#[test]
fn data_without_raw_ids_go_by_dense_ones() {
    let sandbox = Sandbox::new();
    let path = format!("data.params.path={}", crate::support::golden_dir().join("graph.safetensors").display());
    let run = sandbox.train(&["configs/config.yaml", "data=graph_file", &path, "trainer.params.num_epochs=1"]);
    assert_eq!(recommend(&sandbox, &run, "3", "5").len(), 5);
    assert!(sandbox.json(&format!("{run}/run.json"))["data_fingerprint"].is_string());
    sandbox.host(&["recommend", &run, "--user", "120"]).is_error(2, &["no user `120`", "0 to 119"]);
}

/// The movies that a user has rated, by the file.
fn rated(sandbox: &Sandbox, user: &str) -> BTreeSet<String> {
    let ratings = sandbox.read("data/raw/ml-100k/u.data");
    let rows = ratings.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| row[0] == user).map(|row| row[1].to_owned()).collect()
}

/// Titles by id, by the file.
fn titles(sandbox: &Sandbox) -> BTreeMap<String, String> {
    let items = sandbox.read("data/raw/ml-100k/u.item");
    let rows = items.lines().map(|line| line.split('|').collect::<Vec<_>>());
    rows.map(|row| (row[0].to_owned(), row[1].to_owned())).collect()
}

fn recommend(sandbox: &Sandbox, run: &str, user: &str, k: &str) -> Vec<Value> {
    let said = sandbox.host(&["recommend", run, "--user", user, "-k", k, "--json"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap()
}

fn evaluate(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let said = sandbox.host(&[&["evaluate"], arguments].concat());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap()
}

#[test]
fn evaluate_gives_the_metrics_of_the_run() {
    let (sandbox, run) = trained();
    let expected = &sandbox.json(&format!("{run}/result.json"))["metrics"];
    assert_eq!(evaluate(&sandbox, &[&run]), *expected);

    let at_3 = evaluate(&sandbox, &[&run, "evaluator.params.k=[3]"]);
    for name in ["test.auc", "test.ap"] {
        assert_eq!(at_3[name], expected[name]);
    }
    let cutoffs: BTreeSet<_> =
        at_3.as_object().unwrap().keys().filter_map(|name| name.split_once('@')).map(|(_, k)| k).collect();
    assert_eq!(cutoffs, BTreeSet::from(["3"]));

    let day = sandbox.path(&run).parent().unwrap().to_owned();
    assert_eq!(std::fs::read_dir(day).unwrap().count(), 1, "evaluate left a run directory");
}

#[test]
fn evaluate_of_what_is_no_run() {
    let sandbox = Sandbox::new();
    sandbox.host(&["evaluate", "runs/none"]).is_error(2, &["runs/none", "no run directory"]);
    sandbox.write("runs/half/config.yaml", "seed: 1\n");
    sandbox.host(&["recommend", "runs/half", "--user", "1"]).is_error(2, &["runs/half/config.yaml"]);
}

#[test]
fn recommend_ranks_the_movies_that_the_user_has_not_rated() {
    let (sandbox, run) = trained();
    let titles = titles(&sandbox);
    for user in ["100", "103"] {
        let recommended = recommend(&sandbox, &run, user, "5");
        assert_eq!(recommended.len(), 5);
        let rated = rated(&sandbox, user);
        let mut last = f64::INFINITY;
        for (index, movie) in recommended.iter().enumerate() {
            assert_eq!(movie["rank"], index + 1);
            let id = movie["id"].as_str().unwrap();
            assert_eq!(movie["title"], titles[id]);
            assert!(!rated.contains(id), "user {user} has rated {id}");
            let score = movie["score"].as_f64().unwrap();
            assert!(score <= last, "{recommended:?}");
            last = score;
        }
    }
    assert_ne!(recommend(&sandbox, &run, "100", "5"), recommend(&sandbox, &run, "103", "5"));
}

#[test]
fn several_users_get_the_lists_that_each_gets_alone() {
    let (sandbox, run) = trained();
    let users = ["--user", "103", "--user", FULL, "--user", "100"];
    let said = sandbox.host(&[&["recommend", &run, "-k", "4", "--json"][..], &users].concat());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let expected = ["103", FULL, "100"]
        .map(|user| serde_json::json!({"user": user, "items": recommend(&sandbox, &run, user, "4")}));
    assert_eq!(serde_json::from_str::<Vec<Value>>(&said.stdout).unwrap(), expected);

    let table = sandbox.host(&[&["recommend", &run, "-k", "4"][..], &users].concat()).stdout;
    let places = ["103\n", "99999\n", "100\n"].map(|user| table.find(user).unwrap_or_else(|| panic!("{table}")));
    assert!(places.is_sorted(), "{table}");
    assert_eq!(table.matches("Movie ").count(), 8, "{table}");
    sandbox.host(&["recommend", &run, "--user", "103", "--user", "1000"]).is_error(2, &["no user `1000`"]);
    sandbox.host(&["recommend", &run]).is_error(2, &["--user"]);
}

#[test]
fn more_than_there_are_gives_all_that_are_unrated() {
    let (sandbox, run) = trained();
    let recommended = recommend(&sandbox, &run, "100", "1000");
    let ids: BTreeSet<_> = recommended.iter().map(|movie| movie["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), recommended.len());
    let rated = rated(&sandbox, "100");
    let unrated: BTreeSet<_> = titles(&sandbox).into_keys().filter(|id| !rated.contains(id)).collect();
    assert_eq!(ids, unrated);
    assert_eq!(recommend(&sandbox, &run, FULL, "10"), Vec::<Value>::new());
}

#[test]
fn a_table_for_people_and_an_error_for_an_unknown_user() {
    let (sandbox, run) = trained();
    let said = sandbox.host(&["recommend", &run, "--user", "100", "-k", "3"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    for part in ["title", "score", "(1995)"] {
        assert!(said.stdout.contains(part), "{}", said.stdout);
    }
    assert_eq!(said.stdout.matches("Movie ").count(), 3, "{}", said.stdout);

    let said = sandbox.host(&["recommend", &run, "--user", "1000"]);
    said.is_error(2, &["no user `1000`", "from 100 to 99999", "nearest id is 100"]);
    sandbox.host(&["recommend", &run, "--user", "100", "-k", "0"]).is_error(2, &["-k"]);
}

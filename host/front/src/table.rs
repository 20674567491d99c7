//! Tables for people, on standard error.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

/// One line below the header and no others: a terminal is small.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// An empty table in the one style of the program.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().copied());
    table
}

/// Metrics named `ndcg@10` as a grid of metric and k, others (`auc`) as lines below.
pub fn metrics(metrics: &BTreeMap<String, f64>) -> String {
    let split = |name: &str| name.split_once('@').and_then(|(metric, k)| Some((metric.to_owned(), k.parse().ok()?)));
    let ks: BTreeSet<usize> = metrics.keys().filter_map(|name| split(name)).map(|(_, k)| k).collect();
    let names: BTreeSet<String> = metrics.keys().filter_map(|name| split(name)).map(|(metric, _)| metric).collect();
    let header: Vec<String> = std::iter::once("test".to_owned()).chain(ks.iter().map(|k| format!("@{k}"))).collect();
    let mut grid = table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names {
        let cells = ks
            .iter()
            .map(|k| metrics.get(&format!("{name}@{k}")).map_or(String::from("-"), |value| format!("{value:.4}")));
        grid.add_row(std::iter::once(name.clone()).chain(cells));
    }
    for (name, value) in metrics.iter().filter(|(name, _)| split(name).is_none()) {
        grid.add_row([name.clone(), format!("{value:.4}")]);
    }
    for column in grid.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    grid.to_string()
}

//! Writes the report of the benchmark in Markdown, for docs/benchmarks.md.

use std::{fmt::Write, path::Path};

use anyhow::Result;
use tokio::process::Command;

use crate::{
    cases::Case,
    database::{Databases, Plan},
    figures::{Results, Summary},
    load::IN_FLIGHT,
    machine, pgbench,
};

const SETTINGS: [&str; 7] = [
    "fsync",
    "synchronous_commit",
    "wal_sync_method",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
    "max_connections",
];

/// The heading of the report: date, versions, machine, settings and the size of the run.
pub async fn heading(plan: &Plan, databases: &Databases, milepost: &Path, redis: bool) -> Result<String> {
    let mut settings = Vec::new();
    for name in SETTINGS {
        let value: String = databases.query_one(&format!("SELECT current_setting('{name}')")).await?;
        settings.push(format!("{name}={value}"));
    }
    let version: String = databases.query_one("SELECT current_setting('server_version')").await?;
    let date: String =
        databases.query_one("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI \"UTC\"')").await?;
    let mut text = String::new();
    writeln!(text, "- {date}, commit {}, {}", commit().await, version_of(milepost).await)?;
    writeln!(text, "- {}", machine::describe())?;
    writeln!(text, "- PostgreSQL {version}: {}", settings.join(", "))?;
    writeln!(text, "- {}", if redis { "queue and feed in Redis" } else { "queue and feed in the process" })?;
    writeln!(
        text,
        "- {} orders; {} rounds of {} s a case; pgbench with {} clients, Milepost with {IN_FLIGHT} requests in flight\n",
        plan.orders(),
        plan.rounds,
        plan.time.as_secs(),
        pgbench::CLIENTS
    )?;
    Ok(text)
}

async fn commit() -> String {
    let output = Command::new("git").args(["describe", "--always", "--dirty"]).output().await;
    let text =
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    if text.is_empty() { "unknown".to_owned() } else { text }
}

async fn version_of(milepost: &Path) -> String {
    let output = Command::new(milepost).arg("--version").output().await;
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// The two tables of the report: the speed of each case, and its processor time.
pub fn tables(results: &Results) -> String {
    let measured: Vec<(Case, Summary)> =
        Case::ALL.into_iter().filter_map(|case| Some((case, results.of(case)?))).collect();
    let mut lines = vec![
        "| case | per second | slowest to fastest round | p50 ms | p99 ms | ratio | goal |".to_owned(),
        "|---|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    for (case, of) in &measured {
        lines.push(speed(*case, of, results));
        if let Some((p50, p99)) = of.effect {
            lines.push(format!("| – until the order has changed | | | {p50:.1} | {p99:.1} | | |"));
        }
    }
    lines.push(String::new());
    lines.push(
        "| case | PostgreSQL | Milepost | client | rest | busy cores | stolen | afterwards |".to_owned(),
    );
    lines.push("|---|--:|--:|--:|--:|--:|--:|--:|".to_owned());
    lines.extend(measured.iter().map(|(case, of)| costs(*case, of)));
    lines.push(String::new());
    lines.join("\n")
}

fn speed(case: Case, of: &Summary, results: &Results) -> String {
    let (mut ratio, mut goal) = (String::new(), String::new());
    if let Some((other, wanted)) = case.compared_with()
        && let Some(other) = results.of(other)
    {
        let reached = of.rate / other.rate;
        ratio = format!("{reached:.2}");
        goal = wanted.map_or_else(String::new, |wanted| {
            format!("≥ {wanted} {}", if reached >= wanted { "reached" } else { "missed" })
        });
    }
    format!(
        "| {} | {:.0} | {:.0} to {:.0} | {:.1} | {:.1} | {ratio} | {goal} |",
        case.name(),
        of.rate,
        of.range.0,
        of.range.1,
        of.p50,
        of.p99
    )
}

/// One row of the second table, with the processor time of one operation in microseconds.
fn costs(case: Case, of: &Summary) -> String {
    let each = |seconds: f64| format!("{:.0} µs", seconds / of.count * 1e6);
    format!(
        "| {} | {} | {} | {} | {} | {:.2} | {:.0} % | {:.1} s |",
        case.name(),
        each(of.usage.postgres),
        each(of.usage.milepost),
        each(of.usage.client),
        each(of.usage.rest()),
        of.usage.machine / of.seconds,
        of.usage.stolen / of.seconds * 100.0,
        of.afterwork
    )
}

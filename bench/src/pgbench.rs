//! Measures bare PostgreSQL: pgbench runs a script from `sql/`.

use std::{ffi::OsStr, fs, ops::RangeInclusive, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::{figures::Measured, usage::Meter};

/// The number of concurrent clients. On two cores, more clients do not increase the rate, only the latency.
pub const CLIENTS: u32 = 8;

/// Runs a script for `time` on these orders.
pub async fn run(
    script: &str,
    url: &str,
    orders: &RangeInclusive<u64>,
    time: Duration,
    meter: &Meter,
    folder: &Path,
) -> Result<Measured> {
    let file = folder.join("script.pgbench");
    fs::write(&file, script)?;
    let log = folder.join("transactions");
    let before = meter.read();
    let output = Command::new("pgbench")
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--log"])
        .arg(format!("--client={CLIENTS}"))
        .arg(format!("--time={}", time.as_secs()))
        .arg(format!("--define=first={}", orders.start()))
        .arg(format!("--define=last={}", orders.end()))
        .arg(format!("--log-prefix={}", log.display()))
        .arg("--file")
        .arg(&file)
        .arg(url)
        .kill_on_drop(true)
        .output()
        .await
        .context("pgbench does not start; it comes with PostgreSQL's server")?;
    let usage = meter.read() - before;
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || errors.contains("aborted") {
        bail!("pgbench failed: {errors}");
    }
    let latencies = latencies(folder, &log)?;
    let rate = rate(&String::from_utf8_lossy(&output.stdout)).context("pgbench says no `tps =`")?;
    let count = latencies.len() as u64;
    // The rate that pgbench reports does not include the time to connect.
    let time = Duration::from_secs_f64(count as f64 / rate);
    Ok(Measured { count, time, latencies, effects: None, usage })
}

fn rate(output: &str) -> Option<f64> {
    let line = output.lines().find(|line| line.starts_with("tps = "))?;
    line.split(' ').nth(2)?.parse().ok()
}

/// Reads the latencies in microseconds: the third column of the logs. pgbench writes one log for each thread.
fn latencies(folder: &Path, prefix: &Path) -> Result<Vec<u32>> {
    let prefix = prefix.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let mut latencies = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(prefix)) {
            for line in fs::read_to_string(&path)?.lines() {
                let micros = line.split(' ').nth(2).context("a line of pgbench's log without a time")?;
                latencies.push(micros.parse()?);
            }
            fs::remove_file(path)?;
        }
    }
    Ok(latencies)
}

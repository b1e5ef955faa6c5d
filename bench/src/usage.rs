//! Measures the processor time of PostgreSQL, Milepost, the client, and the rest of the machine.
//!
//! The times come from `/proc`, in ticks of 10 ms. When PostgreSQL runs on another machine, its time is unknown.

use std::{fs, ops::Sub};

/// Processor time, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// All processes of PostgreSQL.
    pub postgres: f64,
    /// The process `milepost serve`.
    pub milepost: f64,
    /// This process and its ended children, such as pgbench.
    pub client: f64,
    /// The whole machine, the other three included.
    pub machine: f64,
    /// The time in which the host gave the processors to other virtual machines.
    pub stolen: f64,
}

impl Usage {
    /// The time of everything else: Redis, the kernel and all other processes.
    pub fn rest(&self) -> f64 {
        (self.machine - self.postgres - self.milepost - self.client).max(0.0)
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            postgres: self.postgres - before.postgres,
            milepost: self.milepost - before.milepost,
            client: self.client - before.client,
            machine: self.machine - before.machine,
            stolen: self.stolen - before.stolen,
        }
    }
}

/// Reads the processor times of Milepost, PostgreSQL, this client and the machine.
pub struct Meter {
    milepost: u32,
    postmaster: Option<u32>,
}

impl Meter {
    /// Makes a meter for the process of Milepost and the parent process of PostgreSQL.
    pub fn new(milepost: u32, postmaster: Option<u32>) -> Self {
        Self { milepost, postmaster }
    }

    /// The processor time that was used until now. Subtract two of them.
    pub fn read(&self) -> Usage {
        let (machine, stolen) = machine();
        Usage {
            postgres: self.postmaster.map_or(0.0, |pid| {
                // The kernel adds the time of ended processes to their parent.
                let living: f64 = children(pid).into_iter().filter_map(own).sum();
                living + with_ended_children(pid).unwrap_or(0.0)
            }),
            milepost: own(self.milepost).unwrap_or(0.0),
            client: with_ended_children(std::process::id()).unwrap_or(0.0),
            machine,
            stolen,
        }
    }
}

/// The parent process of a PostgreSQL backend. `None`: the backend does not run on this machine.
pub fn parent_of_postgres(backend: i32) -> Option<u32> {
    let backend = u32::try_from(backend).ok()?;
    let name = fs::read_to_string(format!("/proc/{backend}/comm")).ok()?;
    (name.trim() == "postgres").then_some(())?;
    stat(backend)?.get(1)?.parse().ok()
}

/// The fields of `/proc/…/stat` after the name of the program. The first one is the state.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split_ascii_whitespace().map(str::to_owned).collect())
}

const TICKS_PER_SECOND: f64 = 100.0;

fn seconds(fields: &[String]) -> f64 {
    fields.iter().filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// The processor time of a process without its children, in seconds.
pub fn own(pid: u32) -> Option<f64> {
    Some(seconds(stat(pid)?.get(11..13)?))
}

fn with_ended_children(pid: u32) -> Option<f64> {
    Some(seconds(stat(pid)?.get(11..15)?))
}

fn children(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_ascii_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// The processor time of the machine in seconds: first user, nice, system and interrupts together, then steal.
fn machine() -> (f64, f64) {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first: Vec<String> =
        text.lines().next().unwrap_or_default().split_ascii_whitespace().skip(1).map(str::to_owned).collect();
    let part = |range: std::ops::Range<usize>| first.get(range).map_or(0.0, seconds);
    (part(0..3) + part(5..7), part(7..8))
}

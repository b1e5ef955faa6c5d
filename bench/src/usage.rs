//! Who used the processors: PostgreSQL, Milepost, the client, and the rest of the machine.
//!
//! Read from `/proc`, in ticks of a hundredth of a second. Where PostgreSQL runs elsewhere its share is unknown and
//! counts as the rest.

use std::{fs, ops::Sub};

/// Seconds of processor time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// PostgreSQL with all its processes.
    pub postgres: f64,
    /// `milepost serve`.
    pub milepost: f64,
    /// This process, or pgbench on its behalf.
    pub client: f64,
    /// Everything on the machine, these three included.
    pub machine: f64,
    /// Time in which the machine was not given its processors.
    pub stolen: f64,
}

impl Usage {
    /// Redis, the kernel's own work, and whatever else ran.
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

/// Reads the meters.
pub struct Meter {
    milepost: u32,
    postmaster: Option<u32>,
}

impl Meter {
    /// For these processes.
    pub fn new(milepost: u32, postmaster: Option<u32>) -> Self {
        Self { milepost, postmaster }
    }

    /// What has been used so far.
    pub fn read(&self) -> Usage {
        let (machine, stolen) = machine();
        Usage {
            postgres: self.postmaster.map_or(0.0, |pid| {
                // Whoever has ended is counted in the parent.
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

/// The parent of one of PostgreSQL's processes, if that is a process of this machine.
pub fn parent_of_postgres(backend: i32) -> Option<u32> {
    let backend = u32::try_from(backend).ok()?;
    let name = fs::read_to_string(format!("/proc/{backend}/comm")).ok()?;
    (name.trim() == "postgres").then_some(())?;
    stat(backend)?.get(1)?.parse().ok()
}

/// The fields of `/proc/…/stat` behind the name of the program; the first is the state.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split_ascii_whitespace().map(str::to_owned).collect())
}

const TICKS_PER_SECOND: f64 = 100.0;

fn seconds(fields: &[String]) -> f64 {
    fields.iter().filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// Seconds of processor time that a process has used by itself.
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

/// User, nice, system, interrupts; and steal.
fn machine() -> (f64, f64) {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first: Vec<String> =
        text.lines().next().unwrap_or_default().split_ascii_whitespace().skip(1).map(str::to_owned).collect();
    let part = |range: std::ops::Range<usize>| first.get(range).map_or(0.0, seconds);
    (part(0..3) + part(5..7), part(7..8))
}

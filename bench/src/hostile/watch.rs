//! Watches the server during an attack: its memory, the time of `/livez`, and the time of a normal query.
//!
//! The watch has its own thread, so that the work of the attack does not delay its measurements. It uses another
//! address than the attacks, and a new connection for each request, as a health probe or a new customer does.

use std::{
    fs,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::json;
use tokio::{sync::watch, time::sleep};

use super::{
    client::{Outgoing, Reply, exchange, graphql, request},
    target::Target,
};
use crate::cases::ORDER_PAGE;

/// The most memory that the server may use during an attack, in bytes.
pub const MAX_MEMORY: u64 = 300 * MIB;
/// The longest time that `/livez` may take during an attack.
pub const MAX_LIVEZ: Duration = Duration::from_millis(200);
/// The longest time that the page of one order may take during an attack.
pub const MAX_QUERY: Duration = Duration::from_millis(500);

/// 1024 × 1024 bytes.
pub const MIB: u64 = 1024 * 1024;
/// When the server uses this much memory, it is killed, so that the machine does not run out of memory.
const GUARD: u64 = 1536 * MIB;
const PATIENCE: Duration = Duration::from_secs(5);
const WATCHER: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// The measurements of a watch.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The most memory that the server used, in bytes.
    pub memory: u64,
    /// The slowest reply of `/livez`.
    pub livez: Duration,
    /// The slowest reply to the query for one order.
    pub query: Duration,
    /// The longest delay of the watch itself. It shows how busy the machine was.
    pub lag: Duration,
    /// The number of requests that were answered correctly.
    pub answered: u32,
    /// The first request that was not answered correctly.
    pub failed: Option<String>,
}

impl Seen {
    /// The limits that were exceeded, and the first failed request.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.memory >= MAX_MEMORY {
            faults.push(format!("memory {} MiB", self.memory / MIB));
        }
        if self.livez >= MAX_LIVEZ {
            faults.push(format!("/livez {} ms", self.livez.as_millis()));
        }
        if self.query >= MAX_QUERY {
            faults.push(format!("query {} ms", self.query.as_millis()));
        }
        faults.extend(self.failed.clone());
        faults
    }
}

/// A running watch. Dropping it ends it.
pub struct Watch {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    guard: watch::Receiver<bool>,
    thread: Option<thread::JoinHandle<()>>,
    pid: u32,
}

impl Watch {
    /// Starts a watch.
    pub fn start(target: &Target) -> Result<Self> {
        // Make the kernel measure the peak of the memory from now on.
        fs::write(format!("/proc/{}/clear_refs", target.pid), "5").context("the peak is not reset")?;
        let (seen, stop) = (Arc::new(Mutex::new(Seen::default())), Arc::new(AtomicBool::new(false)));
        let (trip, guard) = watch::channel(false);
        let questions = Questions {
            port: target.port,
            pid: target.pid,
            authorization: target.tokens.system.clone(),
            orders: target.shop.small.clone(),
            seen: seen.clone(),
            stop: stop.clone(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new().name("watch".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::join!(questions.ask_livez(), questions.ask_page(), questions.measure(trip));
            });
        })?;
        Ok(Self { seen, stop, guard, thread: Some(thread), pid: target.pid })
    }

    /// Waits until the server uses more memory than [`GUARD`].
    pub async fn tripped(&self) {
        let mut guard = self.guard.clone();
        if guard.wait_for(|tripped| *tripped).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Ends the watch and returns its measurements.
    pub fn finish(mut self) -> Result<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().map_err(|_| anyhow::anyhow!("the watch broke off"))?;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seen.memory = seen.memory.max(peak(self.pid).unwrap_or(0));
        Ok(seen)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Questions {
    port: u16,
    pid: u32,
    authorization: String,
    orders: Vec<String>,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
}

impl Questions {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }

    async fn ask_livez(&self) {
        while !self.stopped() {
            let livez = request("GET", "/livez", &[], "");
            self.ask(livez, "/livez", |reply| reply.status() == Some(200), |seen| &mut seen.livez).await;
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn ask_page(&self) {
        for order in self.orders.iter().cycle() {
            if self.stopped() {
                return;
            }
            let page = graphql(&self.authorization, ORDER_PAGE, &json!({"id": order}));
            let good = |reply: &Reply| {
                reply.answer().is_some_and(|answer| answer.json()["data"]["order"]["id"] == **order)
            };
            self.ask(page, "query", good, |seen| &mut seen.query).await;
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn ask(
        &self,
        request: Result<Outgoing>,
        name: &str,
        good: impl Fn(&Reply) -> bool,
        slowest: impl Fn(&mut Seen) -> &mut Duration,
    ) {
        let reply = match request {
            Ok(request) => exchange(self.port, WATCHER, request, PATIENCE).await,
            Err(error) => {
                self.note(|seen| seen.failed = Some(format!("{name}: {error:#}")));
                return;
            }
        };
        self.note(|seen| {
            let slowest = slowest(seen);
            *slowest = (*slowest).max(reply.after());
            if good(&reply) {
                seen.answered += 1;
            } else if seen.failed.is_none() {
                seen.failed = Some(format!("{name}: {reply}"));
            }
        });
    }

    async fn measure(&self, trip: watch::Sender<bool>) {
        const EVERY: Duration = Duration::from_millis(20);
        while !self.stopped() {
            let memory = resident(self.pid).unwrap_or(0);
            let before = Instant::now();
            sleep(EVERY).await;
            let lag = before.elapsed().saturating_sub(EVERY);
            self.note(|seen| {
                seen.memory = seen.memory.max(memory);
                seen.lag = seen.lag.max(lag);
            });
            if memory > GUARD {
                trip.send_replace(true);
            }
        }
    }
}

/// The resident memory of a process, in bytes.
pub fn resident(pid: u32) -> Option<u64> {
    status_field(pid, "VmRSS:")
}

/// The peak of the resident memory since the peak was reset, in bytes.
fn peak(pid: u32) -> Option<u64> {
    status_field(pid, "VmHWM:")
}

fn status_field(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

//! Generates load: 64 connections, each of which sends its next request when its last one is answered.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Instant,
};

use anyhow::{Result, bail};
use tokio::task::LocalSet;

use crate::http::{Connection, find};

/// The number of connections, and so of requests in flight.
pub const IN_FLIGHT: usize = 64;

/// The measurements of a load.
pub struct Done {
    /// The latency of each request, in microseconds.
    pub latencies: Vec<u32>,
    /// The time before the first request was sent.
    pub start: Instant,
    /// The time after the last response was received.
    pub end: Instant,
}

/// Open connections that have not been used for the measurement yet.
pub struct Load {
    connections: Vec<Connection>,
}

impl Load {
    /// Opens the connections, and sends one request on each, so that opening them is not measured.
    pub async fn open(port: u16) -> Result<Self> {
        let mut connections = Vec::with_capacity(IN_FLIGHT);
        for _ in 0..IN_FLIGHT {
            connections.push(Connection::open(port).await?);
        }
        for connection in &mut connections {
            connection.send(b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await?;
        }
        Ok(Self { connections })
    }

    /// Sends the requests of `next` until it returns `None`. A connection sends its next request when its last one is
    /// answered. Fails when a response does not have status 200 or does not contain the text `expected`.
    pub async fn run(
        self,
        next: impl FnMut() -> Option<Vec<u8>> + 'static,
        expected: Option<&'static str>,
    ) -> Result<Done> {
        let next = Rc::new(RefCell::new(next));
        let latencies = Rc::new(RefCell::new(Vec::with_capacity(100_000)));
        let failed = Rc::new(Cell::new(false));
        let start = Instant::now();
        let local = LocalSet::new();
        let tasks: Vec<_> = self
            .connections
            .into_iter()
            .map(|mut connection| {
                let (next, latencies, failed) = (next.clone(), latencies.clone(), failed.clone());
                local.spawn_local(async move {
                    while !failed.get() {
                        let Some(request) = (next.borrow_mut())() else { break };
                        let sent = Instant::now();
                        let answer = connection.send(&request).await?;
                        let took = sent.elapsed().as_micros();
                        let good = expected.is_none_or(|text| find(answer.body, text.as_bytes()).is_some());
                        if answer.status != 200 || !good {
                            failed.set(true);
                            bail!("{}: {}", answer.status, String::from_utf8_lossy(answer.body));
                        }
                        latencies.borrow_mut().push(u32::try_from(took)?);
                    }
                    Ok(())
                })
            })
            .collect();
        local
            .run_until(async {
                for task in tasks {
                    task.await??;
                }
                anyhow::Ok(())
            })
            .await?;
        Ok(Done { latencies: latencies.take(), start, end: Instant::now() })
    }
}

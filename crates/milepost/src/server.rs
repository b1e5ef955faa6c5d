//! Runs a server: all parts of its role at the same time, until it is told to stop.
//!
//! `milepost serve` creates it from the settings, `milepost demo` with fixed values. Both call [`Server::run`]:
//!
//! 1. `start_parts` starts a task for each part: the live feed, the worker, the HTTP server. It does not wait for them.
//! 2. `run` waits for `stop`, or for a part that ends by itself. Such an end is the error of `run`
//!    (`describe_early_end`).
//! 3. All parts are stopped, and the database is closed: at most 30 seconds.
//!
//! `build_queue_checks` returns a function for `/readyz`: its list has a line for each queue that does not work.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use api::{
    Checks,
    auth::Tokens,
    graphql::limits::Limits,
    listener::{self, HttpLimits},
};
use app::{App, Clock, Policy, feed::Feed};
use futures::FutureExt;
use persistence::Store;
use tokio::{
    net::TcpListener,
    task::{JoinError, JoinSet},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use worker::{Activator, Queues, mail::Mailer};

use crate::role::Role;

/// How long running work may take to finish after the server was told to stop.
const FINISH: Duration = Duration::from_secs(30);

pub struct Server {
    pub role: Role,
    /// The socket of the HTTP server. A worker answers only health checks there.
    pub listener: TcpListener,
    pub http: HttpLimits,
    pub store: Store,
    pub feed: Feed,
    pub policy: Policy,
    pub tokens: Tokens,
    /// Whether `GET /graphql` serves the GraphiQL page to browsers.
    pub graphiql: bool,
    /// The limits of GraphQL operations.
    pub limits: Limits,
    /// Whether `/mailbox` shows the stored mails. The address must be a loopback address then.
    pub mailbox: bool,
    /// The queues of the worker's jobs.
    pub queues: Queues,
    pub mailer: Arc<Mailer>,
    /// Activates the subscriptions of senders that ask for a callback.
    pub activator: Activator,
}

impl Server {
    /// Runs until `stop` is cancelled, then waits until running work has finished, at most [`FINISH`].
    ///
    /// If a part ends by itself, the whole server stops and returns an error: it is better to restart the process than
    /// to continue with some parts missing.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let store = self.store.clone();
        let sockets = TaskTracker::new();
        let mut parts = self.start_parts(&sockets, &stop);
        let ended_early = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            Some(end) = parts.join_next() => Some(describe_early_end(end)),
        };
        stop.cancel();
        let finish = async {
            while let Some(end) = parts.join_next().await {
                if end.is_err() {
                    let error = describe_early_end(end);
                    tracing::error!(
                        error = format!("{error:#}"),
                        "a part of the server failed while it stopped"
                    );
                }
            }
            sockets.close();
            sockets.wait().await;
            store.close().await
        };
        match timeout(FINISH, finish).await {
            Ok(closed) => closed.context("the database could not be closed")?,
            Err(_) => tracing::warn!(
                "not everything finished within {FINISH:?}; what is left is taken up again later"
            ),
        }
        ended_early.map_or(Ok(()), Err)
    }

    fn start_parts(self, sockets: &TaskTracker, stop: &CancellationToken) -> JoinSet<&'static str> {
        let mut parts = JoinSet::new();
        let (store, feed) = (self.store, self.feed);
        let app = App::new(store.clone(), Clock::System, feed.clone(), self.policy);
        let (messages, feed_stop) = (feed.clone(), stop.clone());
        parts.spawn(async move { messages.run(feed_stop).await }.map(|()| "the live feed"));
        let works = match self.role {
            Role::All | Role::Worker => true,
            Role::Api => false,
        };
        let checks = if works { build_queue_checks(self.queues.clone()) } else { Arc::new(Vec::new) };
        if works {
            let worker = worker::run(app.clone(), self.queues, self.mailer, self.activator, stop.clone());
            parts.spawn(worker.map(|()| "the worker"));
        }
        let router = match self.role {
            Role::All | Role::Api => {
                let options = api::Options {
                    store,
                    clock: Clock::System,
                    feed,
                    tokens: self.tokens,
                    graphiql: self.graphiql,
                    limits: self.limits,
                    mailbox: self.mailbox,
                    checks,
                    stop: stop.clone(),
                    sockets: sockets.clone(),
                    max_sockets: self.http.sockets,
                };
                api::router(app, options)
            }
            Role::Worker => api::worker_router(store, feed, checks),
        };
        let served = listener::serve(self.listener, router, self.http, stop.clone());
        parts.spawn(served.map(|()| "the HTTP server"));
        parts
    }
}

/// Returns the health checks of the queues, which `/readyz` reports.
fn build_queue_checks(queues: Queues) -> Checks {
    Arc::new(move || {
        let wrong =
            queues.health().into_iter().filter_map(|(name, health)| match (health.alive, health.stalled) {
                (false, _) => Some(format!("the worker of the queue {name} is not at work")),
                (true, true) => Some(format!("the worker of the queue {name} stands still")),
                (true, false) => None,
            });
        wrong.collect()
    })
}

/// Returns the error for a part that ended although it should run.
fn describe_early_end(end: Result<&str, JoinError>) -> anyhow::Error {
    match end {
        Ok(part) => anyhow!("{part} ended by itself"),
        Err(error) => anyhow::Error::new(error).context("a part of the server broke off"),
    }
}

#[cfg(test)]
mod tests;

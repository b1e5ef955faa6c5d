//! A running server: the parts of its role side by side, until it is told to stop.
//!
//! `milepost serve` puts one together from the settings.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use api::{
    Checks,
    auth::Tokens,
    graphql::limits::Limits,
    listener::{self, HttpLimits},
};
use app::App;
use tokio::{
    net::TcpListener,
    task::{JoinError, JoinSet},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use worker::{Dhl, Queues, mail::Mailer};

use crate::role::Role;

/// What runs when the server is told to stop gets this long to finish.
const FINISH: Duration = Duration::from_secs(30);

/// What a server is made of.
pub struct Server {
    /// What this process does.
    pub role: Role,
    /// Where it is reached; a worker answers health questions there.
    pub listener: TcpListener,
    /// The bounds of its HTTP connections.
    pub http: HttpLimits,
    /// The use cases.
    pub app: App,
    /// Checks the callers' tokens.
    pub tokens: Tokens,
    /// Whether a browser gets GraphiQL.
    pub graphiql: bool,
    /// The bounds of GraphQL operations.
    pub limits: Limits,
    /// Whether kept mails are shown at `/mailbox`, to this machine only.
    pub mailbox: bool,
    /// Where the worker's jobs wait.
    pub queues: Queues,
    /// How the worker's mails leave.
    pub mailer: Arc<Mailer>,
    /// Where the worker activates subscriptions.
    pub dhl: Dhl,
}

/// How a part of the server ended.
type End = (&'static str, anyhow::Result<()>);

impl Server {
    /// Runs until `stop` is cancelled and what ran then has finished, or its time is over. A part that ends by
    /// itself ends the whole: another process takes over better than half of one goes on.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let store = self.app.store.clone();
        let sockets = TaskTracker::new();
        let mut parts = self.start(&sockets, &stop);
        let ended_early = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            Some(end) = parts.join_next() => Some(failure(end)),
        };
        stop.cancel();
        let finish = async {
            while let Some(end) = parts.join_next().await {
                if !matches!(end, Ok((_, Ok(())))) {
                    let error = failure(end);
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

    fn start(self, sockets: &TaskTracker, stop: &CancellationToken) -> JoinSet<End> {
        let mut parts = JoinSet::new();
        let (feed, feed_stop) = (self.app.feed.clone(), stop.clone());
        parts.spawn(async move {
            feed.run(feed_stop).await;
            ("the live feed", Ok(()))
        });
        let works = match self.role {
            Role::All | Role::Worker => true,
            Role::Api => false,
        };
        let checks = if works { checks(self.queues.clone()) } else { Arc::new(Vec::new) };
        if works {
            let worker = worker::run(self.app.clone(), self.queues, self.mailer, self.dhl, stop.clone());
            parts.spawn(async move {
                worker.await;
                ("the worker", Ok(()))
            });
        }
        let router = match self.role {
            Role::All | Role::Api => {
                let options = api::Options {
                    tokens: self.tokens,
                    graphiql: self.graphiql,
                    limits: self.limits,
                    mailbox: self.mailbox,
                    checks,
                    stop: stop.clone(),
                    sockets: sockets.clone(),
                    max_sockets: self.http.sockets,
                };
                api::router(self.app, options)
            }
            Role::Worker => api::worker_router(self.app, checks),
        };
        let served = listener::serve(self.listener, router, self.http, stop.clone());
        parts.spawn(async move {
            served.await;
            ("the HTTP server", Ok(()))
        });
        parts
    }
}

/// What readiness says about the queues' workers.
fn checks(queues: Queues) -> Checks {
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

/// Why a part ended that should not have.
fn failure(end: Result<End, JoinError>) -> anyhow::Error {
    match end {
        Ok((part, Ok(()))) => anyhow!("{part} ended by itself"),
        Ok((part, Err(error))) => error.context(format!("{part} failed")),
        Err(error) => anyhow::Error::new(error).context("a part of the server broke off"),
    }
}

#[cfg(test)]
mod tests;

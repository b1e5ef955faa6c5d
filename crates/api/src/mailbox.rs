//! The mailbox, `GET /mailbox`: shows the mails that were stored, and not sent, because no mail server is configured.
//!
//! It shows customers' mails without a login, so only the machine itself may see it. All of these conditions must hold:
//! 1. No mail server is configured.
//! 2. The server listens on a loopback address.
//! 3. The request has `localhost` or a loopback address as `Host`.
//! 4. The request came through no proxy.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use persistence::{
    Store,
    mailbox::{self, CaughtMail},
};
use uuid::Uuid;

use crate::page;

/// The most mails in the list.
const SHOWN: u64 = 100;

/// The routes of the mailbox.
pub(crate) fn routes(store: Store) -> Router {
    Router::new()
        .route("/mailbox", get(show_list))
        .route("/mailbox/{id}", get(show_mail))
        .route("/mailbox/{id}/html", get(show_html))
        .layer(middleware::from_fn(local_only))
        .with_state(store)
}

/// Refuses requests that do not come from this machine:
/// 1. A request with another `Host`. Another site can let its own name point to this machine, and so make a browser on
///    it send requests here (DNS rebinding).
/// 2. A request through a proxy, because the proxy sends it for another machine.
async fn local_only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let proxied = headers.contains_key(header::FORWARDED) || headers.contains_key("x-forwarded-for");
    if proxied || !["localhost", "127.0.0.1", "[::1]"].contains(&name) {
        return (StatusCode::NOT_FOUND, "the mailbox is shown to this machine only\n").into_response();
    }
    next.run(request).await
}

#[derive(Template)]
#[template(path = "mailbox.html")]
struct List {
    mails: Vec<CaughtMail>,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Show {
    mail: CaughtMail,
}

async fn show_list(State(store): State<Store>) -> Response {
    match mailbox::list_latest(&store, SHOWN).await {
        Ok(mails) => page::html(StatusCode::OK, &List { mails }),
        Err(error) => respond_to_failure(&error),
    }
}

async fn show_mail(State(store): State<Store>, Path(id): Path<Uuid>) -> Response {
    match mailbox::find_mail(&store, id).await {
        Ok(Some(mail)) => page::html(StatusCode::OK, &Show { mail }),
        Ok(None) => (StatusCode::NOT_FOUND, "no such mail\n").into_response(),
        Err(error) => respond_to_failure(&error),
    }
}

async fn show_html(State(store): State<Store>, Path(id): Path<Uuid>) -> Response {
    match mailbox::find_mail(&store, id).await {
        Ok(Some(mail)) => (page::headers(), mail.html).into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "no such mail\n").into_response(),
        Err(error) => respond_to_failure(&error),
    }
}

fn respond_to_failure(error: &persistence::Error) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "the mailbox was not read");
    (StatusCode::SERVICE_UNAVAILABLE, "the mailbox cannot be read now\n").into_response()
}

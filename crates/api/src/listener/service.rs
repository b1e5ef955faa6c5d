//! Serves each request of a connection: puts the limits around its body, calls the router, and reserves memory for the
//! response. It responds 503 and closes the connection if the connection has a reserved slot and the request is no
//! health check, or if there is no memory for the response.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    http::{
        HeaderValue, Request, Response,
        header::{CONNECTION, UPGRADE},
    },
};
use hyper::body::Incoming;
use tokio::time::Instant;
use tower::ServiceExt;

use super::{
    body::{Held, RequestBody, ResponseBody},
    connection::Connection,
    handle::Handle,
    limits::FREE_RESPONSE,
    slots::ConnectionSlots,
};
use crate::body::{RESPONSES_WAIT, respond_busy};

/// The paths that are answered on a reserved slot too.
const HEALTH: [&str; 2] = ["/livez", "/readyz"];

/// A marker in the extensions of a response: its body is static data of the program, so it needs no memory of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Static;

/// The hyper service of one connection.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) router: Router,
    pub(super) slots: Arc<ConnectionSlots>,
    pub(super) connection: Arc<Connection>,
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let has_body = !request.body().is_end_stream();
        self.connection.begin_request(has_body);
        let mut held = Held { connection: self.connection.clone(), _body: None, response: None };
        if !self.may_request(request.uri().path()) {
            let refused = refuse_and_close("every connection is taken");
            return Box::pin(async move {
                Ok(refused.map(|body| ResponseBody { body, rest: Bytes::new(), _held: held }))
            });
        }
        let mut request = request.map(|incoming| {
            if !has_body {
                return Body::empty();
            }
            let reservation = Arc::new(self.slots.bodies.open_reservation());
            held._body = Some(reservation.clone());
            let deadline = Instant::now() + self.slots.limits.body_timeout;
            let (connection, slots) = (self.connection.clone(), self.slots.clone());
            Body::new(RequestBody::new(incoming, deadline, reservation, connection, slots))
        });
        if request.headers().contains_key(UPGRADE) {
            let (connection, results) = (self.connection.clone(), self.slots.results.clone());
            request.extensions_mut().insert(Handle { connection, results });
        }
        let (router, slots) = (self.router.clone(), self.slots.clone());
        Box::pin(async move {
            let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            let size = response.size_hint().exact().unwrap_or_default();
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let is_free = size <= FREE_RESPONSE || response.extensions().get::<Static>().is_some();
            let response = if is_free || held.reserve_response(size, &slots).await {
                response
            } else {
                refuse_and_close(RESPONSES_WAIT)
            };
            Ok(response.map(|body| ResponseBody { body, rest: Bytes::new(), _held: held }))
        })
    }
}

/// The response 503 that closes the connection, because other clients need its slot or memory.
fn refuse_and_close(why: &'static str) -> Response<Body> {
    let mut refused = respond_busy(why);
    refused.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    refused
}

impl Service {
    /// Whether the connection may request this path. On a reserved slot only health checks are answered, unless an
    /// ordinary slot has become free.
    fn may_request(&self, path: &str) -> bool {
        !self.connection.reserved.load(Ordering::Relaxed)
            || HEALTH.contains(&path)
            || self.slots.move_to_ordinary_slot(&self.connection)
    }
}

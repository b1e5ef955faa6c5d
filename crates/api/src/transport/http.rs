//! GraphQL over HTTP: POST for queries and mutations, GET for queries only. Subscriptions need a WebSocket.
//!
//! Source: <https://graphql.github.io/graphql-over-http/draft/>. The extractor of async-graphql-axum parses the body,
//! after this module has refused the bodies that the extractor should not accept: other content types, bodies that are
//! too large, and bodies with too many values.

use std::sync::Arc;

use async_graphql::{Executor, Request, parser::types::OperationType};
use async_graphql_axum::GraphQLRequest;
use axum::{
    body::Body,
    extract::{
        Extension, FromRequest, Query, State, ws::WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection,
    },
    http::{
        HeaderMap, StatusCode, Uri,
        header::{CONTENT_TYPE, UPGRADE},
    },
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    Endpoint, MAX_BODY_BYTES, RequestContext, RequestId,
    accept::{MediaType, prefers_html},
    refusal::Refusal,
    response::{
        catch_panics, complete_errors, find_error_code, is_request_error, json_body, write_then_return_permit,
    },
    websocket,
};
use crate::{
    auth::authorization_header,
    body::read_body,
    graphiql,
    graphql::limits::{PermitSlot, check_json_values},
    listener::Handle,
};

/// `POST /graphql`.
pub(super) async fn post<E: Executor>(
    State(endpoint): State<Arc<Endpoint<E>>>,
    request_id: RequestId,
    request: axum::extract::Request,
) -> Response {
    let media = MediaType::negotiate(request.headers());
    let outcome = async {
        let context = endpoint.authenticate_caller(request.headers(), request_id)?;
        let operation = read_json_request(request).await?;
        endpoint.execute_and_respond(operation, context, media, Method::Post).await
    };
    outcome.await.unwrap_or_else(|refusal: Refusal| refusal.into_response(media))
}

/// `GET /graphql`: a WebSocket, the GraphiQL page for a browser, or a query.
pub(super) async fn get<E: Executor>(
    state: State<Arc<Endpoint<E>>>,
    request_id: RequestId,
    uri: Uri,
    headers: HeaderMap,
    handle: Option<Extension<Handle>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if headers.contains_key(UPGRADE) {
        return websocket::upgrade(state, request_id, headers, handle, upgrade).await;
    }
    let State(endpoint) = state;
    if endpoint.options.graphiql && prefers_html(&headers) {
        return graphiql::build_page();
    }
    let media = MediaType::negotiate(&headers);
    let outcome = async {
        let context = endpoint.authenticate_caller(&headers, request_id)?;
        let operation = read_query_parameters(&uri)?;
        endpoint.execute_and_respond(operation, context, media, Method::Get).await
    };
    outcome.await.unwrap_or_else(|refusal: Refusal| refusal.into_response(media))
}

enum Method {
    Get,
    Post,
}

impl<E: Executor> Endpoint<E> {
    /// Authenticates the caller by the `Authorization` header.
    fn authenticate_caller(
        &self,
        headers: &HeaderMap,
        request_id: RequestId,
    ) -> Result<RequestContext, Refusal> {
        let authorization = authorization_header(headers);
        let bearer = self.options.tokens.authenticate(authorization.as_deref(), self.options.clock.now())?;
        Ok(RequestContext { actor: bearer.actor, email: bearer.email, request_id })
    }

    /// Runs one query or mutation and writes the response.
    async fn execute_and_respond(
        self: &Arc<Self>,
        request: Request,
        context: RequestContext,
        media: MediaType,
        method: Method,
    ) -> Result<Response, Refusal> {
        if request.query.trim().is_empty() {
            return Err(Refusal::NoQuery);
        }
        let request_id = context.request_id.clone();
        let answer = move |status: StatusCode, response| {
            let response = complete_errors(response, &request_id);
            let refused = is_request_error(&response) && media == MediaType::GraphqlResponse;
            let status =
                if refused && status == StatusCode::OK { status_of_request_error(&response) } else { status };
            (status, json_body(media, &response)).into_response()
        };
        let prepared = match self.options.documents.prepare_off_thread_if_long(request).await {
            Ok(prepared) => prepared,
            Err(errors) => {
                let refused = async_graphql::Response::from_errors(errors);
                return Ok(answer(StatusCode::OK, refused));
            }
        };
        match (prepared.operation_type, method) {
            (OperationType::Mutation, Method::Get) => return Err(Refusal::MutationByGet),
            (OperationType::Subscription, _) => return Err(Refusal::Subscription),
            (OperationType::Query | OperationType::Mutation, _) => {}
        }
        let operation_type = prepared.operation_type;
        let (request, completion) = prepared.split();
        let permit = PermitSlot::default();
        let request = (self.options.data)(request, &context).data(permit.clone());
        let execution = async {
            match operation_type {
                OperationType::Mutation => self.carry_out_mutation(request, &context.request_id).await,
                OperationType::Query | OperationType::Subscription => {
                    catch_panics(self.executor.execute(request), &context.request_id).await
                }
            }
        };
        Ok(match execution.await {
            Ok(response) => {
                let write = move || answer(StatusCode::OK, completion.complete_response(response));
                write_then_return_permit(permit.take_permit(), write).await
            }
            Err(panicked) => answer(StatusCode::INTERNAL_SERVER_ERROR, panicked),
        })
    }
}

/// The HTTP status of a response with a request error, for clients that accept `application/graphql-response+json`.
fn status_of_request_error(response: &async_graphql::Response) -> StatusCode {
    let timed_out = response.errors.iter().any(|error| find_error_code(error) == Some("QUERY_TIMEOUT"));
    if timed_out { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_REQUEST }
}

/// Reads a GraphQL request from a JSON body.
async fn read_json_request(request: axum::extract::Request) -> Result<Request, Refusal> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::NotJson);
    }
    let bytes = read_body(request.into_body(), MAX_BODY_BYTES).await?;
    check_json_values(&bytes)?;
    let mut whole = axum::extract::Request::new(Body::from(bytes));
    *whole.method_mut() = axum::http::Method::POST;
    Ok(GraphQLRequest::<Refusal>::from_request(whole, &()).await?.into_inner())
}

/// The query parameters of a GET. `variables` and `extensions` contain JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    #[serde(default)]
    query: String,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// Reads a GraphQL request from the query string. The extractor of async-graphql-axum cannot be used, because it does
/// not read `operationName`.
fn read_query_parameters(uri: &Uri) -> Result<Request, Refusal> {
    let Query(sent) = Query::<Parameters>::try_from_uri(uri).map_err(|_| Refusal::BadParameter("query"))?;
    let mut request = Request::new(sent.query);
    request.operation_name = sent.operation_name.filter(|name| !name.is_empty());
    if let Some(text) = sent.variables.filter(|text| !text.is_empty()) {
        request.variables = serde_json::from_str(&text).map_err(|_| Refusal::BadParameter("variables"))?;
    }
    if let Some(text) = sent.extensions.filter(|text| !text.is_empty()) {
        request.extensions = serde_json::from_str(&text).map_err(|_| Refusal::BadParameter("extensions"))?;
    }
    Ok(request)
}

#[cfg(test)]
mod tests;

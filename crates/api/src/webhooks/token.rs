//! Issues tokens to senders that authenticate their webhooks with OAuth tokens: `POST /webhooks/{carrier}/token`.
//!
//! This is the client credentials grant of RFC 6749, section 4.4. "Section" below means a section of this RFC. The
//! client sends its credentials by HTTP Basic or in the form. `app` decides whether it gets a token.
//!
//! `parse_basic_credentials` is `None` for a malformed header.

use app::{
    Clock,
    webhooks::{Credentials, Inbox, NotIssued, TokenRequest},
};
use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, PRAGMA, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode;
use serde_json::json;
use url::form_urlencoded;

use super::respond_to_unread_body;
use crate::body;

/// The maximum length of the body of a token request, in bytes.
const MAX_FORM: usize = 64 * 1024;
/// The headers that forbid every cache to store a response (section 5.1).
const NOT_KEPT: [(axum::http::HeaderName, &str); 2] = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];

pub(super) async fn issue_token(
    State((inbox, _)): State<(Inbox, Clock)>,
    Path(carrier): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let basic =
        headers.get(AUTHORIZATION).map(|value| parse_basic_credentials(value.as_bytes()).unwrap_or_default());
    if let Err(error) = inbox.admit_token_request(&carrier, basic.as_deref()) {
        return not_issued(&carrier, &error);
    }
    let form = match body::read_body(body, MAX_FORM).await {
        Ok(form) => form,
        Err(error) => return respond_to_unread_body(&carrier, error),
    };
    match inbox.issue_token(&carrier, &parse_token_request(basic, &form)) {
        Ok(token) => {
            tracing::info!(carrier, "a token was issued");
            let token = json!({
                "access_token": token.text, "token_type": "Bearer", "expires_in": token.lifetime.num_seconds(),
            });
            (NOT_KEPT, Json(token)).into_response()
        }
        Err(error) => not_issued(&carrier, &error),
    }
}

fn not_issued(carrier: &str, error: &NotIssued) -> Response {
    tracing::warn!(carrier, error = error as &dyn std::error::Error, "no token was issued");
    (NOT_KEPT, respond_to_refusal(error)).into_response()
}

/// Reads the credentials and the grant type. A mistake becomes the `problem` of the request.
fn parse_token_request(basic: Option<Vec<Credentials>>, body: &[u8]) -> TokenRequest {
    let (mut request, mut id, mut secret) = (TokenRequest::default(), None, None);
    for (name, value) in form_urlencoded::parse(body) {
        let field = match &*name {
            "grant_type" => &mut request.grant_type,
            "client_id" => &mut id,
            "client_secret" => &mut secret,
            // Unknown parameters must be ignored (section 3.2).
            _ => continue,
        };
        if field.replace(value.into_owned()).is_some() {
            request.problem = Some("a parameter is repeated");
        }
    }
    match (basic, secret) {
        (Some(_), Some(_)) => request.problem = Some("the client says in two ways who it is"),
        (Some(basic), None) => request.credentials = basic,
        (None, Some(secret)) => {
            request.credentials = vec![Credentials { id: id.unwrap_or_default(), secret }];
        }
        (None, None) => {}
    }
    request
}

/// Reads the credentials in an HTTP Basic header. `None`: the header is malformed.
///
/// Clients should encode id and secret as in a form (section 2.3.1), and many do not. So the result has two candidates:
/// the decoded text and the plain text.
fn parse_basic_credentials(header: &[u8]) -> Option<Vec<Credentials>> {
    let (scheme, rest) = str::from_utf8(header).ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = Credentials { id: id.to_owned(), secret: secret.to_owned() };
    let decoded =
        Credentials { id: decode_form_text(id.as_bytes()), secret: decode_form_text(secret.as_bytes()) };
    Some(vec![decoded, plain])
}

/// Decodes one name or value of a form: `+` is a space, and `%XX` is a byte.
fn decode_form_text(text: &[u8]) -> String {
    let text: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&text).decode_utf8_lossy().into_owned()
}

/// The response to a refused token request, as section 5.2 defines it. A sender that uses no tokens gets 404.
fn respond_to_refusal(error: &NotIssued) -> Response {
    let (status, code) = match error {
        NotIssued::UnknownSender(_) => return (StatusCode::NOT_FOUND, format!("{error}\n")).into_response(),
        NotIssued::InvalidRequest(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
        NotIssued::UnsupportedGrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        NotIssued::InvalidClient => (StatusCode::UNAUTHORIZED, "invalid_client"),
    };
    let answer = Json(json!({ "error": code, "error_description": error.to_string() }));
    match status {
        StatusCode::UNAUTHORIZED => {
            (status, [(WWW_AUTHENTICATE, "Basic realm=\"milepost\"")], answer).into_response()
        }
        _ => (status, answer).into_response(),
    }
}

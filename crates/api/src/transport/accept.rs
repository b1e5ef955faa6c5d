//! Content negotiation: chooses the media type of a response by the `Accept` header.
//!
//! The rules are those of GraphQL over HTTP (<https://graphql.github.io/graphql-over-http/draft/>), with its legacy
//! rule: clients that name no type get `application/json`.
//!
//! `parse_media_range` is `None` for an element of the header that is no media range.

use axum::http::{HeaderMap, HeaderValue, header::ACCEPT};

/// The two media types of a GraphQL response. They differ in the HTTP status of a request error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/graphql-response+json`: a request error has a 4xx status.
    GraphqlResponse,
    /// `application/json`: every well-formed request gets status 200, also after a request error.
    Json,
}

impl MediaType {
    /// The media type that the client prefers; `application/json` when it has no preference or accepts neither.
    pub(super) fn negotiate(headers: &HeaderMap) -> Self {
        let accept = Accept::parse(headers);
        let modern = accept.weight_of_exact_name("application", "graphql-response+json");
        if modern > 0 && modern >= accept.weight_of_best_match("application", "json") {
            Self::GraphqlResponse
        } else {
            Self::Json
        }
    }

    /// The value of `Content-Type`.
    pub(super) const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }
}

/// Whether the client is a browser that wants a page: it names HTML, and prefers it to JSON.
pub(super) fn prefers_html(headers: &HeaderMap) -> bool {
    let accept = Accept::parse(headers);
    let html = accept.weight_of_exact_name("text", "html");
    html > accept.weight_of_best_match("application", "json")
        && html > accept.weight_of_best_match("application", "graphql-response+json")
}

/// The media ranges of an `Accept` header: type, subtype, and weight in thousandths.
struct Accept(Vec<(String, String, u16)>);

impl Accept {
    fn parse(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        Self(values.flat_map(|value| value.split(',')).filter_map(parse_media_range).collect())
    }

    /// The weight of a type that the header names exactly, without a wildcard; 0 if it does not.
    fn weight_of_exact_name(&self, kind: &str, subtype: &str) -> u16 {
        let mut named = self.0.iter().filter(|(k, s, _)| k == kind && s == subtype);
        named.next().map_or(0, |(.., weight)| *weight)
    }

    /// The weight of the most specific range that matches a type; 0 if none does.
    fn weight_of_best_match(&self, kind: &str, subtype: &str) -> u16 {
        let exact = |(k, s, _): &&(String, String, u16)| k == kind && s == subtype;
        let family = |(k, s, _): &&(String, String, u16)| k == kind && s == "*";
        let any = |(k, s, _): &&(String, String, u16)| k == "*" && s == "*";
        let found = self.0.iter().find(exact).or_else(|| self.0.iter().find(family));
        found.or_else(|| self.0.iter().find(any)).map_or(0, |(.., weight)| *weight)
    }
}

/// Reads one element of the header. `None`: it is no media range.
fn parse_media_range(text: &str) -> Option<(String, String, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let weight = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(Some(1.0), |(_, value)| value.trim().parse::<f32>().ok())?;
    let thousandths = (weight.clamp(0.0, 1.0) * 1000.0).round() as u16;
    Some((kind.to_ascii_lowercase(), subtype.to_ascii_lowercase(), thousandths))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn the_media_type_follows_names_and_weights() {
        let cases = [
            ("application/graphql-response+json", MediaType::GraphqlResponse),
            ("Application/GraphQL-Response+JSON; charset=utf-8", MediaType::GraphqlResponse),
            ("application/json", MediaType::Json),
            ("application/graphql-response+json, application/json;q=0.9", MediaType::GraphqlResponse),
            ("application/json, application/graphql-response+json", MediaType::GraphqlResponse),
            ("application/graphql-response+json;q=0.5, application/json", MediaType::Json),
            ("application/graphql-response+json;q=0, */*", MediaType::Json),
            ("application/graphql-response+json;q=0.2, */*;q=0.8", MediaType::Json),
            ("*/*", MediaType::Json),
            ("application/*", MediaType::Json),
            ("image/png", MediaType::Json),
            ("nonsense;;q=x,", MediaType::Json),
        ];
        for (header, expected) in cases {
            assert_eq!(MediaType::negotiate(&accept(header)), expected, "{header}");
        }
        assert_eq!(MediaType::negotiate(&HeaderMap::new()), MediaType::Json);
    }

    #[test]
    fn only_a_browser_wants_html() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        assert!(prefers_html(&accept(browser)));
        assert!(!prefers_html(&accept("*/*")));
        assert!(!prefers_html(&accept("application/json, text/html;q=0.9")));
        assert!(!prefers_html(&HeaderMap::new()));
    }
}

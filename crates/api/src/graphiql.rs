//! Serves the GraphiQL page and its files from the binary, so that the browser loads nothing from other hosts.
//!
//! `GET /graphql` responds to a browser with [`build_page`]. [`build_asset_routes`] serves the script and the styles of
//! the page. They are built by `scripts/vendor-graphiql`, and only their gzip form is stored, because every browser
//! accepts gzip.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

use axum::{
    Extension, Router,
    extract::Path,
    http::{
        HeaderMap, StatusCode,
        header::{
            ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
            IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{Html, IntoResponse, Response},
    routing::get,
};

use crate::listener::Static;

/// The Content-Security-Policy: scripts and connections of this server only. Inline styles are permitted, because the
/// editor sets styles on its elements, and `data:` fonts, because the fonts are inside the style sheet.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The GraphiQL page. Its script reads `?query=` and `#token=` from the address.
pub fn build_page() -> Response {
    static PAGE: LazyLock<String> = LazyLock::new(|| {
        let template = include_str!("../assets/graphiql/page.html");
        ASSETS.iter().fold(template.to_owned(), |page, asset| {
            page.replace(asset.name, &format!("/graphql/assets/{}?v={}", asset.name, asset.version()))
        })
    });
    let headers = [
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
        (VARY, "accept"),
    ];
    (headers, Html(PAGE.as_str())).into_response()
}

/// The routes of the files that the page loads.
pub fn build_asset_routes() -> Router {
    Router::new().route("/graphql/assets/{name}", get(serve_asset))
}

struct Asset {
    name: &'static str,
    content_type: &'static str,
    gzip: &'static [u8],
}

static ASSETS: [Asset; 3] = [
    asset(
        "graphiql.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/graphiql/graphiql.js.gz"),
    ),
    asset("graphiql.css", "text/css; charset=utf-8", include_bytes!("../assets/graphiql/graphiql.css.gz")),
    asset("licenses.txt", "text/plain; charset=utf-8", include_bytes!("../assets/graphiql/licenses.txt.gz")),
];

const fn asset(name: &'static str, content_type: &'static str, gzip: &'static [u8]) -> Asset {
    Asset { name, content_type, gzip }
}

impl Asset {
    /// A hash of the content. It is the entity tag, and it is part of the address, so that browsers can cache the file
    /// for ever.
    fn version(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.gzip.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

async fn serve_asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let names = |header, text: &str| {
        let value = headers.get(&header).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.contains(text))
    };
    let tag = format!("\"{}\"", asset.version());
    let caching = [
        (ETAG, tag.clone()),
        (CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
        (VARY, "accept-encoding".to_owned()),
    ];
    if names(IF_NONE_MATCH, &tag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    if !names(ACCEPT_ENCODING, "gzip") {
        return (StatusCode::NOT_ACCEPTABLE, "this file is kept packed only: accept gzip\n").into_response();
    }
    let content =
        [(CONTENT_TYPE, asset.content_type), (CONTENT_ENCODING, "gzip"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    // The file is part of the program, so the response needs no memory, even if the client reads slowly.
    (Extension(Static), caching, content, asset.gzip).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::Request};
    use tower::ServiceExt;

    use super::*;

    async fn fetch(name: &str, header: Option<(&str, &str)>) -> Response {
        let mut request = Request::builder().uri(format!("/graphql/assets/{name}"));
        if let Some((header, value)) = header {
            request = request.header(header, value);
        }
        build_asset_routes().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn the_page_names_only_files_of_this_server() {
        let page = build_page();
        assert!(page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
        let bytes = axum::body::to_bytes(page.into_body(), 100_000).await.unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(!text.contains("//"), "no address of another host");
        for asset in &ASSETS {
            let address = format!("/graphql/assets/{}?v={}", asset.name, asset.version());
            assert!(text.contains(&address), "{address}");
        }
    }

    #[tokio::test]
    async fn files_are_sent_packed_and_kept_for_ever() {
        for asset in &ASSETS {
            let response = fetch(asset.name, Some(("accept-encoding", "br, gzip"))).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
            assert_eq!(response.headers()[CONTENT_TYPE], asset.content_type);
            assert!(response.headers()[CACHE_CONTROL].to_str().unwrap().contains("immutable"));
            let tag = response.headers()[ETAG].to_str().unwrap().to_owned();
            let again = fetch(asset.name, Some(("if-none-match", tag.as_str()))).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        }
    }

    #[tokio::test]
    async fn a_client_without_gzip_and_an_unknown_name_are_told_so() {
        assert_eq!(fetch("graphiql.js", None).await.status(), StatusCode::NOT_ACCEPTABLE);
        assert_eq!(
            fetch("other.js", Some(("accept-encoding", "gzip"))).await.status(),
            StatusCode::NOT_FOUND
        );
    }
}

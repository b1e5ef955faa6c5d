//! Parses long queries on a thread for blocking work, at most two at once in the process. Short queries are parsed on
//! the thread of the request. `limits::operation` calls `check_and_parse`, which checks the length of every query, and
//! parses only if no transport has done so.

use async_graphql::{Request, ServerError, ServerResult, parser::types::ExecutableDocument};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::super::{error::with_code, limits::check_query_text};

/// Queries up to this length, in bytes, are parsed on the thread of the request: that is faster than to change the
/// thread.
const SHORT_BYTES: usize = 4 * 1024;

/// Limits how many long queries are parsed at once in this process.
static LONG_QUERIES: Semaphore = Semaphore::const_new(2);

/// Runs `parse` for a query of this length in bytes: for a short query here, for a long one on a thread for blocking
/// work, only a few at a time. The threads that serve requests stay free.
pub async fn run_off_thread_if_long<T: Send + 'static>(
    length: usize,
    parse: impl FnOnce() -> T + Send + 'static,
) -> T {
    if length <= SHORT_BYTES {
        return parse();
    }
    let _permit = LONG_QUERIES.acquire().await;
    match spawn_blocking(parse).await {
        Ok(parsed) => parsed,
        // Nobody aborts the task while the runtime lives. So the error is a panic, and it continues here.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The document of a request that no transport has prepared. The transports hand over parsed requests; only callers
/// that execute the schema directly, such as tests, do not.
///
/// # Errors
/// `QUERY_TOO_LARGE` for a query that is too long, `GRAPHQL_PARSE_FAILED` for a text that is not GraphQL.
pub fn check_and_parse(request: &mut Request) -> ServerResult<&ExecutableDocument> {
    check_query_text(&request.query)?;
    request.parsed_query().map_err(syntax_error)
}

/// The error of a text that is not GraphQL. The parser's message contains the line of the query that it could not read;
/// only the part that says what the parser expected is kept.
fn syntax_error(mut error: ServerError) -> ServerError {
    let expected = error.message.lines().last().unwrap_or_default().trim_start_matches([' ', '=']);
    error.message = format!("syntax error: {}", expected.chars().take(200).collect::<String>());
    with_code(error, "GRAPHQL_PARSE_FAILED")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_query_is_read_on_another_thread() {
        let here = std::thread::current().id();
        let thread_for = async |length| run_off_thread_if_long(length, || std::thread::current().id()).await;
        assert_eq!(thread_for(SHORT_BYTES).await, here);
        assert_ne!(thread_for(SHORT_BYTES + 1).await, here);
    }
}

//! Tests the behaviour of lettre's pooled transport that `mail/smtp.rs` of the worker replaces. A test that fails shows
//! that the library has changed: docs/decisions/lettre.md says what can then be removed.

use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::time::timeout;

use super::*;

const CHANGED: &str = "the library does this now: see docs/decisions/lettre.md";

fn transport(server: &SmtpServer) -> AsyncSmtpTransport<Tokio1Executor> {
    AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(server.address().port())
        .timeout(Some(Duration::from_millis(50)))
        .build()
}

fn message() -> Message {
    Message::builder().from(FROM.parse().unwrap()).to(TO.parse().unwrap()).body("Hello".to_owned()).unwrap()
}

#[tokio::test]
async fn a_send_has_no_timeout_and_its_answer_goes_to_the_next_mail_of_the_pool() {
    let server = SmtpServer::start(Behaviour::Hang).await.unwrap();
    let transport = transport(&server);
    let sent = timeout(Duration::from_millis(500), transport.send(message())).await;
    assert!(sent.is_err(), "the timeout was 50 ms: {CHANGED}");
    server.wait_for(1).await;
    // The pool takes the connection back in a task of its own.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    server.behave(Behaviour::RefuseContent(554, "no"));
    let sent = within_patience(transport.send(message())).await;
    assert_eq!(server.connections(), 1, "{CHANGED}");
    assert!(sent.is_ok(), "the server refused the second mail: {CHANGED}");
}

#[tokio::test]
async fn an_error_does_not_tell_whether_the_content_was_sent() {
    let server = SmtpServer::start(Behaviour::Closed).await.unwrap();
    let before = within_patience(transport(&server).send(message())).await.unwrap_err();
    server.behave(Behaviour::DropAfterData);
    let after = within_patience(transport(&server).send(message())).await.unwrap_err();
    assert_eq!(server.mails().len(), 1);
    assert_eq!(format!("{before:?}"), format!("{after:?}"), "{CHANGED}");
}

async fn within_patience<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(30), future).await.expect("took too long")
}

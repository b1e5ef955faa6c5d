//! Tests of the rules of the protocol.

use chrono::DateTime;
use domain::Actor;
use serde_json::json;

use super::*;

const INIT: &str = r#"{"type":"connection_init"}"#;

fn bearer() -> Bearer {
    Bearer { actor: Actor::SYSTEM, email: None, expires_at: DateTime::UNIX_EPOCH }
}

fn receive(session: &mut Session<()>, text: &str) -> Step {
    session.receive(text, |_| Ok(bearer()))
}

fn ready() -> Session<()> {
    let mut session = Session::new(2, 10);
    assert!(matches!(receive(&mut session, INIT), Step::Send(ServerMessage::ConnectionAck)));
    session
}

fn close_code(step: Step) -> Option<u16> {
    match step {
        Step::Close(close) => Some(close.code()),
        Step::Continue | Step::Send(_) | Step::Start { .. } => None,
    }
}

fn subscribe(id: &str) -> String {
    json!({"type": "subscribe", "id": id, "payload": {"query": "{ a }"}}).to_string()
}

#[test]
fn what_is_no_message_closes_with_4400() {
    let long = format!(r#"{{"type":"{}"}}"#, "x".repeat(1000));
    let texts = [
        "nonsense",
        "[]",
        r#"{"type":"start"}"#,
        r#"{"type":"subscribe","id":"1"}"#,
        r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":7}}"#,
        r#"{"type":"ping","payload":"text"}"#,
        r#"{"type":"complete"}"#,
        long.as_str(),
    ];
    for text in texts {
        assert_eq!(close_code(receive(&mut ready(), text)), Some(4400), "{text}");
    }
    assert_eq!(close_code(receive(&mut ready(), &subscribe(""))), Some(4400));
}

#[test]
fn the_order_of_the_opening_is_enforced() {
    assert_eq!(close_code(receive(&mut Session::new(2, 10), &subscribe("1"))), Some(4401));
    assert_eq!(close_code(receive(&mut ready(), INIT)), Some(4429));
    let refused = Session::<()>::new(2, 10).receive(INIT, |_| Err(AuthError::Missing));
    assert_eq!(close_code(refused), Some(4403));
}

#[test]
fn the_payload_carries_the_token() {
    for name in ["authorization", "Authorization"] {
        let init = json!({"type": "connection_init", "payload": {name: "Bearer x"}}).to_string();
        let mut seen = None;
        Session::<()>::new(2, 10).receive(&init, |token| {
            seen = token.map(str::to_owned);
            Ok(bearer())
        });
        assert_eq!(seen.as_deref(), Some("Bearer x"));
    }
}

#[test]
fn an_id_is_in_use_until_its_operation_ends() {
    let mut session = ready();
    assert!(matches!(receive(&mut session, &subscribe("1")), Step::Start { .. }));
    session.operations.insert("1".to_owned(), ());
    assert_eq!(close_code(receive(&mut session, &subscribe("1"))), Some(4409));
    assert!(matches!(receive(&mut session, r#"{"type":"complete","id":"1"}"#), Step::Continue));
    assert!(matches!(receive(&mut session, &subscribe("1")), Step::Start { .. }));
    assert!(matches!(receive(&mut session, r#"{"type":"complete","id":"9"}"#), Step::Continue));
}

#[test]
fn one_operation_too_many_is_refused_alone() {
    let mut session = ready();
    session.operations.extend([("1".to_owned(), ()), ("2".to_owned(), ())]);
    let Step::Send(message) = receive(&mut session, &subscribe("3")) else { panic!("no answer") };
    let sent = serde_json::to_value(message).unwrap();
    assert_eq!(sent["type"], "error");
    assert_eq!(sent["payload"][0]["extensions"]["code"], "TOO_MANY_OPERATIONS");
}

#[test]
fn ping_is_answered_with_its_payload_at_any_time() {
    let mut session = Session::new(2, 10);
    let Step::Send(pong) = receive(&mut session, r#"{"type":"ping","payload":{"a":1}}"#) else { panic!() };
    assert_eq!(serde_json::to_value(pong).unwrap(), json!({"type": "pong", "payload": {"a": 1}}));
    let Step::Send(pong) = receive(&mut session, r#"{"type":"ping"}"#) else { panic!() };
    assert_eq!(serde_json::to_value(pong).unwrap(), json!({"type": "pong"}));
    assert!(matches!(receive(&mut session, r#"{"type":"pong"}"#), Step::Continue));
}

#[test]
fn few_messages_may_come_before_the_opening() {
    let mut session = Session::new(2, 3);
    for _ in 0..3 {
        assert!(matches!(receive(&mut session, r#"{"type":"ping"}"#), Step::Send(_)));
    }
    assert_eq!(close_code(receive(&mut session, r#"{"type":"ping"}"#)), Some(4400));
    let mut session = Session::new(2, 0);
    assert!(matches!(receive(&mut session, INIT), Step::Send(ServerMessage::ConnectionAck)));
    assert!(matches!(receive(&mut session, r#"{"type":"ping"}"#), Step::Send(_)), "no bound after it");
}

#[test]
fn a_reason_fits_into_its_frame() {
    let reason = Close::InvalidMessage("é".repeat(200)).frame().reason;
    assert!(reason.len() <= Close::MAX_REASON_BYTES && reason.ends_with('é'));
}

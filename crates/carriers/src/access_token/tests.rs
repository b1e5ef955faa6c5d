//! Tokens that UPS requests from us, and pushes that carry them.

use super::*;
use crate::{Request, Secrets, protocol::Protocol, ups::Ups};

fn now() -> DateTime<Utc> {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

fn client(id: &str, secrets: &[&str]) -> Client {
    Client::new(id.to_owned(), secrets.iter().map(|secret| (*secret).to_owned())).unwrap()
}

/// The result of verifying a push with these headers at the time `at`.
fn push(secrets: &Secrets, headers: &[(&str, &str)], at: DateTime<Utc>) -> Result<(), Refused> {
    let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    Ups.verify(secrets, &Request { at, query: "", headers: &headers, body: b"{}" })
}

fn bearer(client: &Client, secret: &str) -> String {
    format!("Bearer {}", client.issue_token(&client.id, secret, now()).unwrap().text)
}

#[test]
fn a_token_is_for_who_knows_the_id_and_a_secret() {
    let client = client("ups", &["new", "old"]);
    assert!(
        client.issue_token("ups", "new", now()).is_some()
            && client.issue_token("ups", "old", now()).is_some()
    );
    for (id, secret) in [("ups", "neW"), ("ups", ""), ("UPS", "new"), ("", "new"), ("new", "ups")] {
        assert_eq!(client.issue_token(id, secret, now()), None, "{id} {secret}");
    }
}

#[test]
fn a_token_is_good_for_an_hour() {
    let client = client("ups", &["secret"]);
    let token = bearer(&client, "secret");
    let secrets = Secrets::from_client(client);
    let check = |after: TimeDelta| push(&secrets, &[("Authorization", &token)], now() + after);
    assert_eq!(check(TimeDelta::zero()), Ok(()));
    assert_eq!(check(LIFETIME - TimeDelta::seconds(1)), Ok(()));
    assert_eq!(check(LIFETIME), Err(Refused::Ended(now() + LIFETIME)));
}

#[test]
fn a_token_with_any_character_changed_is_not_ours() {
    let client = client("ups", &["secret"]);
    let token = bearer(&client, "secret");
    let secrets = Secrets::from_client(client);
    for at in 0..token.len() {
        let mut forged = token.clone().into_bytes();
        forged[at] = if forged[at] == b'1' { b'2' } else { b'1' };
        let forged = String::from_utf8(forged).unwrap();
        assert!(push(&secrets, &[("authorization", &forged)], now()).is_err(), "{forged}");
        assert!(push(&secrets, &[("authorization", &token[..at])], now()).is_err(), "{at}");
    }
    for odd in
        ["Bearer", "Bearer x", "Bearer .", "Bearer 1.", "Basic dXBzOnNlY3JldA==", "Bearer 99999999999.AA"]
    {
        assert!(push(&secrets, &[("authorization", odd)], now()).is_err(), "{odd}");
    }
    assert_eq!(push(&secrets, &[], now()), Err(Refused::MissingHeader("authorization".to_owned())));
}

#[test]
fn tokens_belong_to_one_client_and_one_secret() {
    let (ours, other) = (client("ups", &["new", "old"]), client("ups2", &["new"]));
    let (under_old, of_other) = (bearer(&ours, "old"), bearer(&other, "new"));
    let secrets = Secrets::from_client(ours);
    assert_eq!(push(&secrets, &[("authorization", &under_old)], now()), Ok(()));
    assert_eq!(push(&secrets, &[("authorization", &of_other)], now()), Err(Refused::Mismatch));
    let without_old = Secrets::from_client(client("ups", &["new"]));
    assert_eq!(push(&without_old, &[("authorization", &under_old)], now()), Err(Refused::Mismatch));
}

#[test]
fn the_client_id_beside_a_token_does_not_matter() {
    let client = client("ups", &["secret"]);
    let token = bearer(&client, "secret");
    let secrets = Secrets::from_client(client);
    let check = |id: &str| push(&secrets, &[("authorization", &token), ("X-Api-Key", id)], now());
    assert_eq!([check("ups"), check(""), check("ups2")], [Ok(()), Ok(()), Ok(())]);
    let id_alone = push(&secrets, &[("X-Api-Key", "ups")], now());
    assert_eq!(id_alone, Err(Refused::MissingHeader("authorization".to_owned())));
}

#[test]
fn both_versions_are_taken_where_both_are_set() {
    let client = client("ups", &["secret"]);
    let token = bearer(&client, "secret");
    let both = Secrets::new(["credential".to_owned()]).unwrap().with_client(client);
    assert_eq!(push(&both, &[("authorization", &token)], now()), Ok(()));
    assert_eq!(push(&both, &[("credential", "credential")], now()), Ok(()));
    assert_eq!(push(&both, &[("credential", "credential"), ("authorization", "Basic x")], now()), Ok(()));
    assert_eq!(push(&both, &[("credential", "secret")], now()), Err(Refused::Mismatch));
    let old = push(&both, &[("authorization", &token)], now() + LIFETIME);
    assert_eq!(old, Err(Refused::Ended(now() + LIFETIME)));
    assert_eq!(push(&both, &[], now()), Err(Refused::MissingHeader("authorization".to_owned())));
}

#[test]
fn what_is_not_set_is_not_taken() {
    let client = client("ups", &["secret"]);
    let token = bearer(&client, "secret");
    let first = Secrets::new(["credential".to_owned()]).unwrap();
    assert!(push(&first, &[("authorization", &token)], now()).is_err());
    let second = Secrets::from_client(client);
    for credential in ["", "secret", "ups"] {
        assert!(push(&second, &[("credential", credential)], now()).is_err());
    }
}

#[test]
fn an_imitation_is_taken() {
    let secrets = Secrets::from_client(client("ups", &["secret"]));
    let headers = Ups.sign(&secrets, b"{}", now());
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(push(&secrets, &headers, now()), Ok(()));
}

#[test]
fn a_client_needs_an_id_and_a_secret_and_prints_neither_secret_nor_token() {
    for (id, secrets) in [(" ", vec!["x"]), ("ups", vec![]), ("ups", vec!["x", " "])] {
        assert!(Client::new(id.to_owned(), secrets.into_iter().map(str::to_owned)).is_err());
    }
    let client = client("ups", &["hush"]);
    let token = client.issue_token("ups", "hush", now()).unwrap();
    assert_eq!(format!("{client:?}"), "Client(ups and 1 hidden)");
    assert!(!format!("{token:?}").contains(&token.text));
}

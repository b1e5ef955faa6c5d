//! Verification of USPS pushes: which signatures are accepted.

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn secrets<const N: usize>(secrets: [&str; N]) -> Secrets {
    Secrets::new(secrets.map(str::to_owned)).unwrap()
}

fn hmac(message: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(hmac_sha256(SECRET, message.as_bytes()))
}

/// The result of verifying a body with these headers at the time `at`.
fn check(secrets: &Secrets, at: DateTime<Utc>, headers: &[(&str, &str)], body: &[u8]) -> Result<(), Refused> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    Usps.verify(secrets, &Request { at, query: "", headers: &headers, body })
}

/// A simulated body, the time when it was sent, and its signature.
fn simulated() -> (Vec<u8>, DateTime<Utc>, String) {
    let scans = [LabelCreated, OutForDelivery].map(Meaning::Status);
    let scans: Vec<_> = scans.into_iter().zip(0..).map(|(meaning, hour)| scanned(meaning, hour)).collect();
    let history = history(Sender::Usps, &scans);
    let body = Usps.simulate(&history).remove(0);
    let mut headers = Usps.sign(&secrets([SECRET]), &body, history.sent_at);
    assert_eq!(headers.len(), 1, "the time is in the body");
    (body, history.sent_at, headers.remove(0).1)
}

#[test]
fn a_signature_covers_two_texts_of_the_envelope_after_unescaping() {
    let (now, expected) = (at("2026-01-15T14:33:00Z"), "xCozjBINE40i1OxTmdTlrwPuGuPoC6u2qYwJGKJzSYE=");
    let payload = r#"{"trackingNumber":"TEST1","status":"Delivered"}"#;
    let body = json!({"timestamp": "2026-01-15T14:30:00Z", "payload": payload}).to_string();
    assert_eq!(
        Usps.sign(&secrets([SECRET]), body.as_bytes(), now),
        [("x-hmac".to_owned(), expected.to_owned())]
    );
    // The same texts with other JSON escaping and with further fields.
    let escaped = payload.replace('"', "\\u0022");
    let escaped =
        format!("{{ \"links\": [],\n\"payload\": \"{escaped}\", \"timestamp\": \"2026-01-15T14:30:00Z\"}}");
    for body in [&body, &escaped] {
        for header in ["X-HMAC", "hmac-header"] {
            assert_eq!(
                check(&secrets([SECRET]), now, &[(header, expected)], body.as_bytes()),
                Ok(()),
                "{body}"
            );
        }
    }
}

#[test]
fn one_byte_of_the_signed_texts_or_of_the_signature_refuses_the_push() {
    let (body, now, signature) = simulated();
    let ours = secrets([SECRET]);
    assert_eq!(check(&ours, now, &[("X-HMAC", &signature)], &body), Ok(()));
    let signed = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).ok()?;
        Some((body.get("timestamp")?.clone(), body.get("payload")?.clone()))
    };
    let (original, mut refused) = (signed(&body), 0);
    for index in 0..body.len() {
        let mut changed = body.clone();
        changed[index] ^= 1;
        if signed(&changed) != original {
            assert_eq!(
                check(&ours, now, &[("X-HMAC", &signature)], &changed),
                Err(Refused::Mismatch),
                "{index}"
            );
            refused += 1;
        }
    }
    assert!(refused > 500, "{refused} of {}", body.len());
    for index in 0..signature.len() {
        let mut changed = signature.clone().into_bytes();
        changed[index] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        assert!(check(&ours, now, &[("X-HMAC", &changed)], &body).is_err(), "{index}");
    }
}

#[test]
fn a_missing_foreign_or_old_signature_is_refused() {
    let (body, now, signature) = simulated();
    let check = |secrets: &Secrets, at, signature: &str| check(secrets, at, &[("x-hmac", signature)], &body);
    assert_eq!(check(&secrets(["another", SECRET]), now, &signature), Ok(()), "the second of two secrets");
    assert_eq!(check(&secrets([SECRET, "another"]), now, &signature), Ok(()));
    assert_eq!(check(&secrets(["another"]), now, &signature), Err(Refused::Mismatch));
    assert_eq!(check(&secrets([SECRET]), now, "AAAA"), Err(Refused::MalformedHeader("x-hmac")));
    assert_eq!(check(&secrets([SECRET]), now, "not base64!"), Err(Refused::MalformedHeader("x-hmac")));
    assert_eq!(check(&secrets([SECRET]), now, ""), Err(Refused::MissingHeader("x-hmac".to_owned())));
    for (minutes, expected) in [
        (5, Ok(())),
        (-5, Ok(())),
        (6, Err(Refused::Stale(now))),
        (-6, Err(Refused::Stale(now))),
        (60 * 24 * 30, Err(Refused::Stale(now))),
    ] {
        let arrival = now + TimeDelta::minutes(minutes);
        assert_eq!(check(&secrets([SECRET]), arrival, &signature), expected, "{minutes}");
        assert_eq!(check(&secrets(["another"]), arrival, &signature), Err(Refused::Mismatch));
    }
}

#[test]
fn what_an_envelope_does_not_sign_proves_nothing() {
    let now = at("2026-01-15T14:33:00Z");
    let check = |message: &str, body: Value| {
        check(&secrets([SECRET]), now, &[("x-hmac", &hmac(message))], body.to_string().as_bytes())
    };
    let (time, events) = ("2026-01-15T14:30:00Z", json!([{"eventCode": "01"}]));
    // The signature covers the time alone, so it proves nothing about the events beside it.
    for payload in [Value::Null, json!({"trackingEvents": events}), json!(7)] {
        let body =
            json!({"timestamp": time, "payload": payload, "trackingNumber": "1", "trackingEvents": events});
        assert_eq!(check(time, body), Err(Refused::Mismatch));
    }
    assert_eq!(check("", json!({"trackingNumber": "1", "trackingEvents": events})), Err(Refused::Mismatch));
    assert_eq!(check("{}", json!({"payload": "{}"})), Err(Refused::Mismatch));
    assert_eq!(check("soon{}", json!({"timestamp": "soon", "payload": "{}"})), Err(Refused::Undated));
    let local = "2026-01-15T14:30:00";
    assert_eq!(
        check(&format!("{local}{{}}"), json!({"timestamp": local, "payload": "{}"})),
        Err(Refused::Undated)
    );
    // Fields beside a signed payload are not read.
    let body = json!({"timestamp": time, "payload": "", "trackingNumber": "1", "trackingEvents": events});
    assert_eq!(check(time, body.clone()), Ok(()));
    assert!(reason(&body.to_string()).starts_with("in `payload`: not JSON"));
}

#[test]
fn a_push_without_envelope_is_proved_by_a_time_in_a_header_and_the_whole_body() {
    let now = at("2026-01-15T14:30:00Z");
    let headers = Usps.sign(&secrets([SECRET]), FLAT.as_bytes(), now);
    let [(_, time), (_, signature)] = &headers[..] else { panic!("{headers:?}") };
    assert_eq!((time.as_str(), signature), ("2026-01-15T14:30:00Z", &hmac(&format!("{time}{FLAT}"))));
    let check = |at, time: &str, signature: &str, body: &str| {
        let headers = [("X-Timestamp", time), ("X-HMAC", signature)];
        check(&secrets(["another", SECRET]), at, &headers, body.as_bytes())
    };
    assert_eq!(check(now, time, signature, FLAT), Ok(()));
    assert_eq!(check(now, time, signature, &FLAT.replace("HERNANDO", "HERNANDA")), Err(Refused::Mismatch));
    assert_eq!(check(now, "2026-01-15T14:30:01Z", signature, FLAT), Err(Refused::Mismatch));
    assert_eq!(check(now + TimeDelta::minutes(6), time, signature, FLAT), Err(Refused::Stale(now)));
    assert_eq!(check(now, "today", &hmac(&format!("today{FLAT}")), FLAT), Err(Refused::Undated));
    assert_eq!(check(now, "", &hmac(FLAT), FLAT), Err(Refused::Mismatch), "no time at all");
    // The other header name, also beside a first header with a wrong time.
    for headers in [
        &[("Timestamp", &**time), ("X-HMAC", signature)][..],
        &[("x-timestamp", "1"), ("timestamp", time), ("x-hmac", signature)],
    ] {
        assert_eq!(self::check(&secrets([SECRET]), now, headers, FLAT.as_bytes()), Ok(()));
    }
}

#[test]
fn a_challenge_is_repeated_and_may_be_signed_in_either_way() {
    let now = at("2026-01-15T14:33:00Z");
    let check = |message: &str, body: &str| {
        check(&secrets([SECRET]), now, &[("x-hmac", &hmac(message))], body.as_bytes())
    };
    assert_eq!(Usps.challenge(CHALLENGE.as_bytes()).as_deref(), Some("c2F5IGl0IGFnYWlu"));
    assert_eq!(check(CHALLENGE, CHALLENGE), Ok(()), "the body");
    assert_eq!(check("", CHALLENGE), Ok(()), "its texts, of which there are none");
    assert_eq!(check("x", CHALLENGE), Err(Refused::Mismatch));
    let dated = r#"{"challenge": "a  b", "timestamp": "2026-01-15T14:30:00Z", "payload": ""}"#;
    assert_eq!(Usps.challenge(dated.as_bytes()).as_deref(), Some("a  b"));
    assert_eq!(check("2026-01-15T14:30:00Z", dated), Ok(()));
    assert_eq!(check(dated, dated), Ok(()));
    assert_eq!(check("", dated), Err(Refused::Mismatch));
    let old = dated.replace("14:30", "13:30");
    assert_eq!(check(&old, &old), Err(Refused::Stale(at("2026-01-15T13:30:00Z"))));

    // Both forms are for a challenge alone: a signature of the body alone or of nothing never proves a push.
    for body in [FLAT, HISTORY, "{}", r#"{"challenge": ""}"#, r#"{"challenge": null}"#, "hello"] {
        assert_eq!(Usps.challenge(body.as_bytes()), None, "{body}");
        assert_eq!(check(body, body), Err(Refused::Mismatch), "{body}");
        assert_eq!(check("", body), Err(Refused::Mismatch), "{body}");
    }
    // If only a time is signed, it must be fresh.
    let timed = r#"{"challenge": "a", "timestamp": "2026-01-15T14:30:00Z"}"#;
    assert_eq!(check("2026-01-15T14:30:00Z", timed), Ok(()));
    assert_eq!(check("soon", &timed.replace("2026-01-15T14:30:00Z", "soon")), Err(Refused::Undated));

    // A challenge reports no scans, whatever else is in its body.
    let mut claims: Value = serde_json::from_str(UNWRAPPED).unwrap();
    claims["challenge"] = json!(7);
    let push = Usps.parse(claims.to_string().as_bytes(), &CodeMap::default());
    assert_eq!(push, Ok(Push::Remark("USPS asks whether somebody listens here".into())));
    assert_eq!(Usps.challenge(claims.to_string().as_bytes()).as_deref(), Some("7"));
}

#[test]
fn a_signature_that_was_seen_proves_no_challenge() {
    let (body, now, signature) = simulated();
    let push: Value = serde_json::from_slice(&body).unwrap();
    let (time, payload) = (push["timestamp"].as_str().unwrap(), push["payload"].as_str().unwrap());
    let later = now + TimeDelta::days(1);
    let check = |signature: &str, forged: &Value| {
        check(&secrets([SECRET]), later, &[("x-hmac", signature)], forged.to_string().as_bytes())
    };
    let signed = format!("{time}{payload}");
    for forged in [
        json!({"challenge": "1", "filler": "x", "payload": signed}),
        json!({"challenge": "1", "filler": "x", "payload": signed, "timestamp": null}),
        json!({"challenge": "1", "filler": "x", "payload": signed, "timestamp": 7}),
        json!({"challenge": signed}),
    ] {
        assert_eq!(check(&signature, &forged), Err(Refused::Mismatch), "{forged}");
    }
    for forged in [
        json!({"challenge": "1", "filler": "x", "payload": signed, "timestamp": ""}),
        json!({"challenge": "1", "payload": "", "timestamp": signed}),
        json!({"challenge": "1", "payload": payload.get(1..), "timestamp": format!("{time}{}", &payload[..1])}),
    ] {
        assert_eq!(check(&signature, &forged), Err(Refused::Undated), "{forged}");
    }
    let whole = json!({"challenge": "1", "payload": payload, "timestamp": time});
    assert_eq!(check(&signature, &whole), Err(Refused::Stale(now)));
}

#[test]
fn the_signature_of_nothing_is_good_for_a_short_challenge_alone_which_is_kept_once() {
    let now = at("2026-01-15T14:33:00Z");
    let check = |body: &str| check(&secrets([SECRET]), now, &[("x-hmac", &hmac(""))], body.as_bytes());
    let id = |body: &str| Usps.push_id(body.as_bytes());
    for asked in [CHALLENGE, r#"{"challenge": "another"}"#, r#"{"challenge": 7}"#] {
        assert_eq!((check(asked), id(asked).as_deref()), (Ok(()), Some("challenge")), "{asked}");
    }
    let long = format!(r#"{{"challenge": "{}"}}"#, "x".repeat(1024));
    for other in
        [&long, r#"{"challenge": "1", "filler": "x"}"#, r#"{"challenge": "1", "payload": ""}"#, HISTORY, FLAT]
    {
        assert_eq!((check(other), id(other)), (Err(Refused::Mismatch), None), "{other}");
    }
}

//! Tests of issuing and checking tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::ActorKind;
use jsonwebtoken::errors::ErrorKind;
use serde_json::json;

use super::*;

const NOW: i64 = 1_700_000_000;
const USER: &str = "018f4e9e-5d5c-7b6e-9a51-0d6f1f2c3b4a";

fn tokens() -> Tokens {
    Tokens::new(&[7; 32]).unwrap()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn claims(role: &str, sub: Option<&str>, supplier: Option<&str>) -> Claims {
    let own = |text: Option<&str>| text.map(str::to_owned);
    Claims { sub: own(sub), role: role.to_owned(), supplier: own(supplier), email: None, exp: NOW + 60 }
}

/// Signs any claims, also invalid ones, with the right secret.
fn signed(claims: &Value) -> String {
    let token = jsonwebtoken::encode(&Header::default(), claims, &tokens().signing).unwrap();
    format!("Bearer {token}")
}

fn refusal(header: &str) -> AuthError {
    tokens().authenticate(Some(header), at(NOW)).unwrap_err()
}

#[test]
fn every_role_comes_back_as_the_actor_it_was_issued_for() {
    let cases = [
        (claims("customer", Some(USER), None), Actor::new(ActorKind::Customer, USER)),
        (claims("support", Some("ada"), None), Actor::new(ActorKind::Support, "ada")),
        (claims("support", None, None), Actor { kind: ActorKind::Support, id: None }),
        (claims("system", None, None), Actor::SYSTEM),
        (claims("supplier", Some("bob"), Some("ACME")), Actor::new(ActorKind::Supplier, "ACME")),
    ];
    for (claims, actor) in cases {
        let header = format!("bearer {}", tokens().issue(&claims).unwrap());
        let bearer = tokens().authenticate(Some(&header), at(NOW)).unwrap();
        assert_eq!(bearer, Bearer { actor, email: None, expires_at: at(NOW + 60) });
    }
}

#[test]
fn a_token_is_over_at_its_expiry() {
    let header = format!("Bearer {}", tokens().issue(&claims("system", None, None)).unwrap());
    assert!(tokens().authenticate(Some(&header), at(NOW + 59)).is_ok());
    let error = tokens().authenticate(Some(&header), at(NOW + 60)).unwrap_err();
    assert_eq!(error.to_string(), "the token expired at 2023-11-14 22:14:20 UTC");
}

#[test]
fn each_defect_has_its_own_error() {
    assert_eq!(tokens().authenticate(None, at(NOW)), Err(AuthError::Missing));
    assert_eq!(refusal("  "), AuthError::Missing);
    assert_eq!(refusal("Basic YTpi"), AuthError::NotBearer);
    assert!(matches!(refusal("Bearer abc"), AuthError::Malformed(_)));
    assert!(matches!(refusal(&signed(&json!({"role": 7, "exp": NOW + 60}))), AuthError::Malformed(_)));
    assert_eq!(refusal(&signed(&json!({"role": "system"}))), AuthError::NoExpiry);
    assert_eq!(refusal(&signed(&json!({"role": "system", "exp": i64::MAX}))), AuthError::NoExpiry);
    assert_eq!(refusal(&signed(&json!({"role": "root", "exp": NOW + 60}))), AuthError::UnknownRole);
    assert_eq!(refusal(&signed(&json!({"role": "carrier", "exp": NOW + 60}))), AuthError::UnknownRole);
    assert_eq!(
        refusal(&signed(&json!({"role": "customer", "sub": "me", "exp": NOW + 60}))),
        AuthError::NoCustomerId
    );
    assert_eq!(
        refusal(&signed(&json!({"role": "supplier", "supplier": " ", "exp": NOW + 60}))),
        AuthError::NoSupplierCode
    );
}

/// The example of RFC 7515, appendix A.1.
#[test]
fn the_signature_of_the_standards_example_is_right() {
    let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let message = concat!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    );
    let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let tokens = Tokens::new(&URL_SAFE_NO_PAD.decode(key).unwrap()).unwrap();
    let sign = |algorithm| jsonwebtoken::crypto::sign(message.as_bytes(), &tokens.signing, algorithm);
    let verify = |signature, algorithm| {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &tokens.checking, algorithm)
    };
    assert_eq!(sign(Algorithm::HS256).unwrap(), signature);
    assert_eq!(verify(signature, Algorithm::HS256), Ok(true));
    for wrong in ["", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXg", &signature[..42]] {
        assert_ne!(verify(wrong, Algorithm::HS256), Ok(true), "{wrong}");
    }
    for other in [Algorithm::HS384, Algorithm::HS512, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        assert_eq!(sign(other).unwrap_err().kind(), &ErrorKind::InvalidAlgorithm);
        assert_eq!(verify(signature, other).unwrap_err().kind(), &ErrorKind::InvalidAlgorithm);
    }
}

#[test]
fn another_secret_a_changed_payload_and_no_signature_are_refused() {
    let issued = tokens().issue(&claims("customer", Some(USER), None)).unwrap();
    let stranger = Tokens::new(&[8; 32]).unwrap();
    assert_eq!(
        stranger.authenticate(Some(&format!("Bearer {issued}")), at(NOW)),
        Err(AuthError::BadSignature)
    );

    let mut parts: Vec<_> = issued.split('.').map(str::to_owned).collect();
    parts[1] = URL_SAFE_NO_PAD.encode(json!({"role": "system", "exp": NOW + 60}).to_string());
    assert_eq!(refusal(&format!("Bearer {}", parts.join("."))), AuthError::BadSignature);

    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"none"}"#);
    assert_eq!(refusal(&format!("Bearer {unsigned}.{}.", parts[1])), AuthError::WrongAlgorithm);
}

#[test]
fn nothing_is_issued_that_would_be_refused() {
    assert_eq!(tokens().issue(&claims("customer", None, None)), Err(AuthError::NoCustomerId));
    assert_eq!(tokens().issue(&claims("supplier", None, None)), Err(AuthError::NoSupplierCode));
    assert_eq!(tokens().issue(&claims("carrier", None, None)), Err(AuthError::UnknownRole));
}

#[test]
fn a_short_secret_is_refused() {
    assert_eq!(Tokens::new(b"secret").unwrap_err(), SecretTooShort);
}

/// The claims of a system token, with these changes.
fn system(changes: Value) -> Value {
    let mut claims = json!({"role": "system", "exp": NOW + 60});
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

/// Signs this header and these claims, byte for byte, with the right secret.
fn signed_text(header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let algorithm = Algorithm::HS256;
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &tokens().signing, algorithm).unwrap();
    format!("Bearer {message}.{signature}")
}

#[test]
fn a_token_counts_from_its_beginning() {
    let header = signed(&system(json!({"nbf": NOW})));
    assert!(tokens().authenticate(Some(&header), at(NOW)).is_ok());
    let early = tokens().authenticate(Some(&header), at(NOW - 1));
    assert_eq!(early, Err(AuthError::NotYetValid(at(NOW))));
    assert_eq!(refusal(&signed(&system(json!({"nbf": NOW + 1})))), AuthError::NotYetValid(at(NOW + 1)));
    for wrong in [json!(null), json!("1"), json!([1]), json!(1e300), json!(u64::MAX), json!(i64::MAX)] {
        let error = refusal(&signed(&system(json!({ "nbf": wrong }))));
        assert!(matches!(error, AuthError::Malformed(_)), "{wrong}: {error}");
    }
}

#[test]
fn times_may_have_fractions() {
    let half = DateTime::from_timestamp_millis(NOW * 1000 + 500).unwrap();
    let header = signed(&system(json!({"nbf": NOW as f64 - 0.5, "exp": NOW as f64 + 0.5})));
    let bearer = tokens().authenticate(Some(&header), at(NOW)).unwrap();
    assert_eq!(bearer.expires_at, half);
    assert_eq!(tokens().authenticate(Some(&header), half), Err(AuthError::Expired(half)));
    let header = signed(&system(json!({"nbf": NOW as f64 + 0.5})));
    assert_eq!(tokens().authenticate(Some(&header), at(NOW)), Err(AuthError::NotYetValid(half)));
    assert!(tokens().authenticate(Some(&header), at(NOW + 1)).is_ok());
    let text = format!(r#"{{"role":"system","exp":{}e0}}"#, NOW + 60);
    assert!(tokens().authenticate(Some(&signed_text(r#"{"alg":"HS256"}"#, &text)), at(NOW)).is_ok());
    for wrong in [json!(null), json!("9999999999"), json!(1e300), json!(-1e300), json!([]), json!(true)] {
        assert_eq!(refusal(&signed(&system(json!({ "exp": wrong })))), AuthError::NoExpiry, "{wrong}");
    }
}

#[test]
fn a_token_is_for_us_or_for_nobody_in_particular() {
    let strict = tokens().with_audience(Some("milepost".to_owned()));
    let accepts = |tokens: &Tokens, claims| tokens.authenticate(Some(&signed(&claims)), at(NOW)).map(|_| ());
    for (aud, with_audience) in [
        (json!("milepost"), true),
        (json!(["else", "milepost"]), true),
        (json!("Milepost"), false),
        (json!("else"), false),
        (json!(["else"]), false),
        (json!([]), false),
        (json!(""), false),
        (json!(null), false),
        (json!(7), false),
        (json!([["milepost"]]), false),
    ] {
        let expected = if with_audience { Ok(()) } else { Err(AuthError::WrongAudience) };
        assert_eq!(accepts(&strict, system(json!({ "aud": aud }))), expected, "{aud}");
        assert_eq!(accepts(&tokens(), system(json!({ "aud": aud }))), Err(AuthError::WrongAudience), "{aud}");
    }
    assert_eq!(accepts(&strict, system(json!({}))), Err(AuthError::WrongAudience));
    let issued = format!("Bearer {}", strict.issue(&claims("system", None, None)).unwrap());
    assert!(strict.authenticate(Some(&issued), at(NOW)).is_ok());
    assert_eq!(tokens().authenticate(Some(&issued), at(NOW)), Err(AuthError::WrongAudience));
}

#[test]
fn headers_that_ask_for_something_else_are_refused() {
    let claims = system(json!({})).to_string();
    let header_is =
        |header: &str| tokens().authenticate(Some(&signed_text(header, &claims)), at(NOW)).map(|_| ());
    for good in [
        r#"{"alg":"HS256"}"#,
        r#"{"typ":"jwt","alg":"HS256","kid":"7"}"#,
        r#"{"typ":"at+jwt","alg":"HS256"}"#,
        r#"{"typ":"application/at+jwt","alg":"HS256"}"#,
    ] {
        assert_eq!(header_is(good), Ok(()), "{good}");
    }
    for crit in [r#"["exp"]"#, r#"["b64"]"#, "[]", "null", "7", r#"{"a":1}"#] {
        let header = format!(r#"{{"alg":"HS256","crit":{crit}}}"#);
        assert_eq!(header_is(&header), Err(AuthError::CriticalHeader), "{header}");
    }
    for alg in ["none", "None", "HS384", "HS512", "RS256", "ES256", "hs256", ""] {
        let header = format!(r#"{{"alg":"{alg}"}}"#);
        assert_eq!(header_is(&header), Err(AuthError::WrongAlgorithm), "{header}");
    }
    for typ in ["secevent+jwt", "logout+jwt", "dpop+jwt", "JWE", ""] {
        assert_eq!(
            header_is(&format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#)),
            Err(AuthError::WrongType),
            "{typ}"
        );
    }
    for malformed in ["", "7", "[]", "{}", r#"{"alg":7}"#, r#"{"alg":"none","alg":"HS256"}"#, "not json"] {
        assert!(matches!(header_is(malformed), Err(AuthError::Malformed(_))), "{malformed}");
    }
}

#[test]
fn claims_that_stand_twice_or_are_too_many_are_refused() {
    let twice = format!(r#"{{"role":"customer","role":"system","exp":{}}}"#, NOW + 60);
    let error = refusal(&signed_text(r#"{"alg":"HS256"}"#, &twice));
    assert!(matches!(&error, AuthError::Malformed(_)), "{error}");
    let large = system(json!({"padding": "x".repeat(MAX_TOKEN_BYTES)}));
    assert_eq!(refusal(&signed(&large)), AuthError::TooLarge);
    for sub in ["a\nb", "a\u{202e}b", "\u{1b}[2J", &"x".repeat(201)] {
        let error = refusal(&signed(&system(json!({ "sub": sub }))));
        assert!(matches!(error, AuthError::Malformed(_)), "{sub:?}: {error}");
    }
}

#[test]
fn an_address_counts_unless_it_is_not_verified() {
    let email = |changes| tokens().authenticate(Some(&signed(&system(changes))), at(NOW)).unwrap().email;
    let address = "ada@example.org";
    let known = Some(address.to_owned());
    assert_eq!(email(json!({})), None);
    assert_eq!(email(json!({ "email": address })), known);
    for (verified, expected) in [
        (json!(true), &known),
        (json!("true"), &known),
        (json!(null), &known),
        (json!(false), &None),
        (json!("false"), &None),
        (json!(1), &None),
    ] {
        assert_eq!(&email(json!({"email": address, "email_verified": verified})), expected, "{verified}");
    }
}

#[test]
fn two_headers_are_no_token() {
    let mut headers = HeaderMap::new();
    assert_eq!(authorization_header(&headers), None);
    let good = signed(&system(json!({})));
    headers.append(AUTHORIZATION, good.parse().unwrap());
    assert!(tokens().authenticate(authorization_header(&headers).as_deref(), at(NOW)).is_ok());
    headers.append(AUTHORIZATION, good.parse().unwrap());
    let refused = tokens().authenticate(authorization_header(&headers).as_deref(), at(NOW));
    assert!(matches!(refused, Err(AuthError::Malformed(_))), "{refused:?}");
}

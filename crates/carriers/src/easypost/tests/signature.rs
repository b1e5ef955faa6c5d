//! Verification of EasyPost pushes: which signatures are accepted.

use chrono::TimeDelta;

use super::*;

fn secrets<const N: usize>(secrets: [&str; N]) -> Secrets {
    Secrets::new(secrets.map(str::to_owned)).unwrap()
}

fn check(secrets: &Secrets, headers: &[(&str, &str)], body: &[u8], at: DateTime<Utc>) -> Result<(), Refused> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    Easypost.verify(secrets, &Request { at, query: "", headers: &headers, body })
}

/// The headers with which EasyPost would sign the body: one of the older signature, three of the newer.
fn signed(secret: &str, body: &[u8], at: DateTime<Utc>) -> Vec<(String, String)> {
    Easypost.sign(&secrets([secret]), body, at)
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

const OLDER: &str = "hmac-sha256-hex=01b4ea87b6ef57c4a81668b6f533304ba8357bdc071bbab5896de5742c4c4bd0";
const NEWER: [(&str, &str); 3] = [
    ("x-hmac-signature-v2", "1397d6c77da94d1986591bebbed338d4476b52943bef047d8ac8fc0abcff6b68"),
    ("x-timestamp", "Tue, 19 Aug 2025 20:37:09 -0000"),
    ("x-path", "/hooks/ep"),
];

#[test]
fn the_older_signature_is_the_hmac_of_the_body() {
    let (secrets, body, at) = (secrets(["ep-secret"]), br#"{"id":"evt_1"}"#, DateTime::UNIX_EPOCH);
    assert_eq!(signed("ep-secret", body, at)[0], ("x-hmac-signature".to_owned(), OLDER.to_owned()));
    let bare = OLDER.trim_start_matches("hmac-sha256-hex=");
    for sent in [OLDER, bare, &OLDER.to_uppercase(), &bare.to_uppercase()] {
        assert_eq!(check(&secrets, &[("X-Hmac-Signature", sent)], body, at), Ok(()), "{sent}");
    }
    for malformed in
        ["hmac-sha256-hex=", "abc", &bare[1..], &format!("{bare}0"), "hmac-sha1-hex=0123", &"é".repeat(32)]
    {
        let refused = check(&secrets, &[("x-hmac-signature", malformed)], body, at);
        assert_eq!(refused, Err(Refused::MalformedHeader("x-hmac-signature")), "{malformed}");
    }
    assert_eq!(check(&secrets, &[], body, at), Err(Refused::MissingHeader("x-hmac-signature".to_owned())));
}

#[test]
fn the_newer_signature_covers_time_method_path_and_body_and_is_fresh() {
    let (secrets, body) = (secrets(["ep-secret"]), br#"{"id":"evt_1"}"#);
    let at: DateTime<Utc> = "2025-08-19T20:37:09Z".parse().unwrap();
    assert_eq!(check(&secrets, &NEWER, body, at), Ok(()));
    assert_eq!(check(&secrets, &NEWER, body, at + TimeDelta::minutes(5)), Ok(()));
    for late in [TimeDelta::seconds(301), TimeDelta::seconds(-301), TimeDelta::days(365)] {
        assert_eq!(check(&secrets, &NEWER, body, at + late), Err(Refused::Stale(at)));
    }
    let with = |index: usize, value: &str| {
        let mut headers: Vec<(&str, &str)> = NEWER.to_vec();
        headers[index].1 = value;
        check(&secrets, &headers, body, at)
    };
    assert_eq!(with(0, &format!("hmac-sha256-hex={}", NEWER[0].1)), Ok(()));
    assert_eq!(with(1, "Tue, 19 Aug 2025 20:37:10 -0000"), Err(Refused::Mismatch));
    assert_eq!(with(2, "/hooks/eq"), Err(Refused::Mismatch));
    assert_eq!(with(0, "1397"), Err(Refused::MalformedHeader("x-hmac-signature-v2")));
    // EasyPost does not write ISO 8601 times.
    assert_eq!(with(1, "2025-08-19T20:37:09Z"), Err(Refused::MalformedHeader("x-timestamp")));
    for (index, name) in [(1, "x-timestamp"), (2, "x-path")] {
        assert_eq!(with(index, ""), Err(Refused::MissingHeader(name.to_owned())));
    }
    // If the newer signature is sent, it alone counts.
    let mut both = vec![("x-hmac-signature", OLDER)];
    both.extend(NEWER);
    assert_eq!(check(&secrets, &both, body, at), Ok(()));
    assert_eq!(check(&secrets, &both, body, at + TimeDelta::hours(1)), Err(Refused::Stale(at)));
    both[0].1 = "nonsense";
    assert_eq!(check(&secrets, &both, body, at), Ok(()));
}

#[test]
fn the_key_is_the_secret_in_its_decomposed_form() {
    // EasyPost's own test vector (secret `sécret`, HMAC `38f3f53c…`) is not used: it signs the 3,550 bytes of an
    // event from its repositories, and we have copied none of them. These values were computed by openssl over a body
    // of ours. The body has a number that would change if the JSON were written again.
    let body = br#"{"id":"evt_2","weight":614.4}"#;
    let decomposed = "ce4ae0c76063192be91aa7c62d3c7fc3f2a4f0d00bf862dd1905113006e692b4";
    let simulated = "3623a2dee145c0851a088af24b8b013bc5a5281b57324ba5f7018e91a0ce435f";
    let at = DateTime::UNIX_EPOCH;
    for secret in ["s\u{e9}cret", "se\u{301}cret"] {
        let secrets = secrets([secret]);
        assert_eq!(check(&secrets, &[("x-hmac-signature", decomposed)], body, at), Ok(()));
        assert_eq!(check(&secrets, &[("x-hmac-signature", simulated)], body, at), Err(Refused::Mismatch));
    }
    // The compatibility form (NFKD), not only the canonical one: a ligature becomes its letters.
    let ligature = "b38706425390becf31e1c82fa3404d6028d686bf1e6f198ffee547aafb4e00ce";
    assert_eq!(check(&secrets(["\u{fb01}n\u{2460}"]), &[("x-hmac-signature", ligature)], body, at), Ok(()));
}

#[test]
fn a_composed_body_is_accepted_and_refused_with_any_byte_changed() {
    let scans = [simulated_scan(Status(LabelCreated), 0), simulated_scan(Status(OutForDelivery), 30)];
    let body = Easypost.simulate(&history(Sender::Easypost, &scans)).remove(0);
    let at = scans[1].at.to_utc();
    let owned = signed("old", &body, at);
    let all = borrowed(&owned);
    // Both signatures together and each alone, and with the secret as the second of two.
    for headers in [&all[..], &all[..1], &all[1..]] {
        assert_eq!(check(&secrets(["old"]), headers, &body, at), Ok(()));
        assert_eq!(check(&secrets(["new", "old"]), headers, &body, at), Ok(()));
        assert_eq!(check(&secrets(["new"]), headers, &body, at), Err(Refused::Mismatch));
        for index in 0..body.len() {
            let mut changed = body.clone();
            changed[index] ^= 1;
            assert_eq!(check(&secrets(["old"]), headers, &changed, at), Err(Refused::Mismatch), "{index}");
        }
    }
    let later = at + TimeDelta::minutes(6);
    assert!(matches!(check(&secrets(["old"]), &all, &body, later), Err(Refused::Stale(_))));
    assert_eq!(check(&secrets(["old"]), &all[..1], &body, later), Ok(()), "the older one has no time");
}

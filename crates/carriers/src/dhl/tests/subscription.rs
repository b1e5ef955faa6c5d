//! How a subscription starts, and what DHL reports about it.

use super::*;

const VALIDATE: &str = include_str!("../../../samples/dhl_validate.json");
const READY: &str = include_str!("../../../samples/dhl_ready.json");

fn remark(body: &str) -> String {
    match parsed(body) {
        Ok(Push::Remark(remark)) => remark,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_subscription_is_confirmed_by_its_id_and_secret() {
    let activation = |body: &str| match parsed(body) {
        Ok(Push::Activation(activation)) => Ok(activation),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    };
    let expected = Activation {
        subscription: "3f0c1c5e-7d7a-4d4e-9b1e-2f1a6f0c9d11".to_owned(),
        secret: "b1f7e6a4-say-it-back".to_owned(),
    };
    assert_eq!(activation(VALIDATE), Ok(expected));
    let of = |address: &str| {
        activation(&format!(r#"{{"scope":"Subscription.Validate","secret":" s ","self":"{address}"}}"#))
            .map(|activation| activation.subscription)
    };
    for address in [
        "https://h/a/b/id_1.x-Y",
        "https://h/id_1.x-Y/",
        "https://h/id_1.x-Y?a=b/c#d",
        "id_1.x-Y",
        "/v1/id_1.x-Y",
    ] {
        assert_eq!(of(address).as_deref(), Ok("id_1.x-Y"), "{address}");
    }
    let long = format!("https://h/{}", "a".repeat(129));
    for address in [
        "",
        "https://h",
        "https://h/",
        "https://api-eu.dhl.com?x",
        "https://h/a/..",
        "https://h/a/.",
        "https://h/a%2Fb",
        "https://h/a b",
        "https://h/a:b",
        "https://h/é",
        "https://h/a\\\\b",
        &long,
    ] {
        assert_eq!(of(address), Err("`self` does not end in the id of a subscription".into()), "{address}");
    }
    let unsaid = activation(r#"{"scope":"subscription.validate","self":"https://h/1"}"#);
    assert_eq!(unsaid, Err("`secret` is missing".into()));
    let long = format!(
        r#"{{"scope":"subscription.validate","self":"https://h/1","secret":"{}"}}"#,
        "s".repeat(1_001)
    );
    assert_eq!(activation(&long), Err("`secret` has more than 1000 bytes".into()));
    for control in ["\\u0000", "\\n", "\\u007f", "\\u0085"] {
        let odd = VALIDATE.replace("say-it-back", &format!("say{control}back"));
        assert_ne!(odd, VALIDATE);
        let refused = Err("`secret` has control characters".into());
        assert_eq!(activation(&odd), refused, "{control}");
    }
    assert!(!format!("{:?}", parsed(VALIDATE)).contains("say-it-back"));
}

#[test]
fn the_id_of_a_subscription_stays_one_segment_of_a_path() {
    let longest = "a".repeat(MAX_SUBSCRIPTION);
    for id in ["3f0c-9_A.b", &longest] {
        assert!(is_subscription_id(id), "{id}");
    }
    let longer = "a".repeat(MAX_SUBSCRIPTION + 1);
    for id in ["", ".", "..", "../x", "a/b", "a?b", "a#b", "a b", "%2e%2e", "@evil.example", "ä", &longer] {
        assert!(!is_subscription_id(id), "{id}");
    }
}

#[test]
fn what_becomes_of_a_subscription_is_told_in_words() {
    assert_eq!(
        remark(READY),
        "DHL says that subscription 3f0c1c5e-7d7a-4d4e-9b1e-2f1a6f0c9d11 is live: \
         until 2027-01-15T00:00:00Z; 1 shipment"
    );
    for (scope, words) in [
        ("failure", "has failed: no answer"),
        ("Deleted", "is deleted: no answer"),
        ("cancelled", "is cancelled: no answer"),
        ("EXPIRED", "has expired: no answer"),
    ] {
        let body =
            format!(r#"{{"scope":"subscription.{scope}","self":"https://h/1","failure":"no answer"}}"#);
        assert_eq!(remark(&body), format!("DHL says that subscription 1 {words}"));
    }
    let bare = r#"{"scope":"subscription.expired"}"#;
    assert_eq!(remark(bare), "DHL says that subscription (without an id) has expired");
    let other = r#"{"scope":"subscription.paused"}"#;
    assert_eq!(remark(other), "DHL sent `subscription.paused`, which is not about parcels");
    // A body with shipments is parsed with any scope.
    assert_eq!(parcel(&EXPRESS.replace("subscription.push", "subscription.update")), parcel(EXPRESS));
    assert_eq!(parcels(r#"{"scope":"subscription.push"}"#), []);
    assert_eq!(parcels(r#"{"shipments":[]}"#), []);
    assert_eq!(parcels(r#"{"shipments":[{"id":"1","events":[{},7,null]}]}"#), []);
}

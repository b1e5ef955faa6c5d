use super::*;

fn item(quantity: u32, name: &str) -> Item {
    Item { name: name.to_owned(), quantity }
}

fn called_off(quantity: u32, name: &str, reason: &str) -> CalledOff {
    CalledOff { name: name.to_owned(), quantity, reason: Some(reason.to_owned()) }
}

fn shipment(number: &str) -> ShipmentSummary {
    ShipmentSummary {
        carrier: "FedEx".to_owned(),
        tracking_number: number.to_owned(),
        url: Some(format!("https://carrier.example/track?a=1&number={number}")),
        status: "In transit".to_owned(),
        estimated_delivery: Some("2026-11-26".parse().unwrap()),
        condition: None,
        pickup_place: None,
        items: vec![item(2, "Blue mug, 0.3 l"), item(1, "Wooden spoon")],
    }
}

fn mail(kind: Kind) -> OrderMail {
    OrderMail {
        kind,
        shop: "Corner Shop".to_owned(),
        order: "A-1001".to_owned(),
        progress: "shipped: 3 of 3 items".to_owned(),
        shipments: vec![shipment("794600000001")],
        remaining: Vec::new(),
        called_off: Vec::new(),
        total: "USD 59.00".to_owned(),
        placed_at: "2026-11-03T08:05:09Z".parse().unwrap(),
        link: "https://shop.example/track/t0ken".to_owned(),
    }
}

fn rendered(mail: &OrderMail) -> Mail {
    mail.render("jane@example.com", "notify-1-shipped").unwrap()
}

fn kinds() -> [Kind; 9] {
    [
        Kind::Shipped,
        Kind::OutForDelivery,
        Kind::ReadyForCollection { place: Some("Kiosk Sun, Main Street 5".to_owned()) },
        Kind::ReadyForCollection { place: None },
        Kind::Delivered,
        Kind::Cancelled { reason: Some("The teapot is sold out".to_owned()) },
        Kind::Cancelled { reason: None },
        Kind::NumberReplaced {
            number: Some("FedEx 794600000001".to_owned()),
            void: vec!["1Z0001".to_owned(), "1Z0002".to_owned()],
        },
        Kind::DeliveryRetracted,
    ]
}

#[test]
fn every_kind_says_what_happened_in_subject_text_and_html() {
    let said = [
        ("has been shipped", "on its way", "FedEx has your parcel."),
        ("is out for delivery", "out for delivery", "with you soon"),
        ("is ready for collection", "ready for collection", "Kiosk Sun, Main Street 5"),
        ("is ready for collection", "ready for collection", "the carrier"),
        ("has been delivered", "has been delivered", "handed over"),
        ("has been cancelled", "has been cancelled", "The teapot is sold out"),
        ("has been cancelled", "has been cancelled", "Nothing of it will be delivered."),
        (
            "has a new tracking number",
            "new tracking number",
            "numbers 1Z0001, 1Z0002, which we sent you before, are void",
        ),
        ("has not been delivered yet", "wrong about the delivery", "That was a mistake"),
    ];
    for (kind, (subject, headline, sentence)) in kinds().into_iter().zip(said) {
        let mail = rendered(&mail(kind));
        assert_eq!(mail.subject, format!("Your order A-1001 {subject}"));
        for body in [&mail.text, &mail.html] {
            let fixed =
                ["A-1001", "3 November 2026", "USD 59.00", "https://shop.example/track/t0ken", "Corner Shop"];
            for wanted in
                [headline, sentence, "Shipped: 3 of 3 items.", "794600000001"].into_iter().chain(fixed)
            {
                assert!(body.contains(wanted), "{wanted:?} in {body}");
            }
        }
    }
}

#[test]
fn a_split_order_shows_each_shipment_and_what_is_in_none() {
    let late = ShipmentSummary {
        condition: Some("Delayed: weather".to_owned()),
        estimated_delivery: None,
        ..shipment("1Z0000000002")
    };
    let split = OrderMail {
        shipments: vec![shipment("794600000001"), late],
        remaining: vec![item(1, "Teapot")],
        progress: "partial shipment: 2 of 3 items shipped".to_owned(),
        ..mail(Kind::Shipped)
    };
    let mail = rendered(&split);
    let expected = "\
Your order is on its way

Hello,

Your order travels in 2 parcels.
Partial shipment: 2 of 3 items shipped.

Order A-1001, placed on 3 November 2026
Total: USD 59.00

Follow your order: https://shop.example/track/t0ken


PARCEL 1 OF 2: In transit
FedEx 794600000001
https://carrier.example/track?a=1&number=794600000001
Expected: Thursday, 26 November 2026
  2 x Blue mug, 0.3 l
  1 x Wooden spoon


PARCEL 2 OF 2: In transit
FedEx 1Z0000000002
https://carrier.example/track?a=1&number=1Z0000000002
Please note: Delayed: weather
  2 x Blue mug, 0.3 l
  1 x Wooden spoon


NOT IN A PARCEL YET
  1 x Teapot

-- 
Corner Shop";
    assert_eq!(mail.text.trim_end(), expected);
    for wanted in ["Parcel 1 of 2", "Parcel 2 of 2", "Delayed: weather", "Teapot", "Partial shipment: 2 of 3"]
    {
        assert!(mail.html.contains(wanted), "{wanted}");
    }
}

#[test]
fn what_is_not_known_leaves_no_gap() {
    let bare = OrderMail { shipments: Vec::new(), ..mail(Kind::Shipped) };
    let mail = rendered(&bare);
    let text = "Hello,\n\nYour order has left us.\nShipped: 3 of 3 items.\n\nOrder A-1001";
    assert!(mail.text.contains(text), "{}", mail.text);
    for body in [&mail.text, &mail.html] {
        assert!(!body.contains("None") && !body.contains("Some("), "{body}");
        assert!(!body.to_lowercase().contains("your parcel"), "{body}");
    }
}

#[test]
fn an_estimate_is_not_shown_once_it_is_no_news() {
    for kind in kinds() {
        let is_over =
            matches!(kind, Kind::ReadyForCollection { .. } | Kind::Delivered | Kind::Cancelled { .. });
        let mail = rendered(&mail(kind));
        assert_eq!(mail.text.contains("26 November"), !is_over);
        assert_eq!(mail.html.contains("26 November"), !is_over);
    }
}

#[test]
fn what_others_wrote_is_escaped_in_html_and_plain_in_text() {
    let evil = "<script>alert(\"1\")</script> & 'co'";
    let mut hostile = mail(Kind::ReadyForCollection { place: Some(evil.to_owned()) });
    hostile.shop = evil.to_owned();
    hostile.order = evil.to_owned();
    hostile.progress = evil.to_owned();
    hostile.total = evil.to_owned();
    hostile.link = format!("https://shop.example/\"{evil}");
    hostile.remaining = vec![item(1, evil)];
    hostile.called_off = vec![called_off(1, evil, evil)];
    hostile.shipments = vec![ShipmentSummary {
        carrier: evil.to_owned(),
        tracking_number: evil.to_owned(),
        url: Some(format!("https://carrier.example/\"{evil}")),
        status: evil.to_owned(),
        estimated_delivery: None,
        condition: Some(evil.to_owned()),
        pickup_place: Some(evil.to_owned()),
        items: vec![item(1, evil)],
    }];
    for kind in [hostile.kind.clone(), Kind::Cancelled { reason: Some(evil.to_owned()) }] {
        let mail = rendered(&OrderMail { kind, ..hostile.clone() });
        assert!(!mail.html.contains("<script") && !mail.html.contains("alert(\""), "{}", mail.html);
        assert!(mail.html.contains("&#60;script&#62;"), "{}", mail.html);
        assert!(mail.text.contains(evil));
    }
}

#[test]
fn a_reference_with_line_ends_makes_one_subject_line() {
    let mail =
        rendered(&OrderMail { order: "A-1\r\nBcc: eve@example.org".to_owned(), ..mail(Kind::Delivered) });
    assert_eq!(mail.subject, "Your order A-1 Bcc: eve@example.org has been delivered");
}

#[test]
fn the_address_is_on_the_envelope_only() {
    for kind in kinds() {
        let mail = rendered(&mail(kind));
        assert_eq!((mail.to.as_str(), mail.message_id.as_str()), ("jane@example.com", "notify-1-shipped"));
        assert!(
            !mail.html.contains("jane@") && !mail.text.contains("jane@") && !mail.subject.contains("jane@")
        );
    }
}

#[test]
fn html_stays_far_below_the_size_at_which_gmail_clips() {
    let many = OrderMail { shipments: vec![shipment("794600000001"); 10], ..mail(Kind::Shipped) };
    assert!(rendered(&many).html.len() < 60_000, "the limit is 102 kB");
}

#[test]
fn no_text_of_others_looks_like_a_line_of_ours() {
    let forged = "Main Street 5\r\n\r\nYour account is locked.\u{2028}Call\u{202e} us\u{1b}[2J";
    let line = "Main Street 5 Your account is locked. Call us [2J";
    for kind in [
        Kind::ReadyForCollection { place: Some(forged.to_owned()) },
        Kind::Cancelled { reason: Some(forged.to_owned()) },
    ] {
        let mut mail = mail(kind);
        mail.order = forged.to_owned();
        mail.progress = forged.to_owned();
        mail.shop = forged.to_owned();
        mail.remaining = vec![item(1, forged)];
        mail.called_off = vec![called_off(1, forged, forged)];
        mail.shipments[0].pickup_place = Some(forged.to_owned());
        mail.shipments[0].items = vec![item(1, forged)];
        mail.shipments[0].condition = Some(forged.to_owned());
        mail.shipments[0].status = forged.to_owned();
        let mail = rendered(&mail);
        assert!(mail.subject.contains(line), "{}", mail.subject);
        for text in [&mail.subject, &mail.text, &mail.html] {
            let safe = text.chars().all(|c| c == '\n' || !domain::text::is_unsafe(c));
            assert!(
                safe && !text.lines().any(|line| line.trim_start().starts_with("Your account")),
                "{text}"
            );
        }
    }
}

#[test]
fn what_was_called_off_is_listed_with_its_reason_and_nothing_speaks_of_it_where_nothing_was() {
    let partly = OrderMail {
        progress: "2 of 5 items delivered; 3 called off".to_owned(),
        called_off: vec![
            called_off(2, "Teapot", "The teapot is sold out"),
            CalledOff { reason: None, ..called_off(1, "Lid", "") },
        ],
        ..mail(Kind::Delivered)
    };
    let told = rendered(&partly);
    let block = "\n\n\nCALLED OFF\n  2 x Teapot: The teapot is sold out\n  1 x Lid\n\n-- \n";
    assert!(told.text.contains(block), "{}", told.text);
    assert!(told.text.contains("2 of 5 items delivered; 3 called off."), "{}", told.text);
    for wanted in ["Called off", "Teapot<br>", "The teapot is sold out", "Lid</td>"] {
        assert!(told.html.contains(wanted), "{wanted}");
    }
    let whole = rendered(&mail(Kind::Delivered));
    assert!(!format!("{}{}", whole.text, whole.html).to_lowercase().contains("called off"));
}

#[test]
fn several_pickup_places_stand_beside_their_shipments_and_one_is_told_once() {
    let at = |number, place: &str| ShipmentSummary {
        status: "Ready for collection".to_owned(),
        pickup_place: Some(place.to_owned()),
        ..shipment(number)
    };
    let several = OrderMail {
        shipments: vec![at("794600000001", "Kiosk Sun"), at("794600000002", "Kiosk Moon")],
        ..mail(Kind::ReadyForCollection { place: None })
    };
    let told = rendered(&several);
    assert!(told.text.contains("You can collect it now.\n"), "{}", told.text);
    for place in ["Kiosk Sun", "Kiosk Moon"] {
        assert!(told.text.contains(&format!("\nWhere: {place}\n")), "{}", told.text);
        assert!(told.html.contains(place));
    }
    let one = OrderMail {
        shipments: vec![at("794600000001", "Kiosk Sun")],
        ..mail(Kind::ReadyForCollection { place: Some("Kiosk Sun".to_owned()) })
    };
    let told = rendered(&one);
    assert_eq!(told.text.matches("Kiosk Sun").count(), 1, "{}", told.text);
}

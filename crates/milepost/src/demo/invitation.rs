//! What to open and to try, printed with everything that is needed for it.

use std::{env, io};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    print::Screen,
    server::Embedded,
    shop::{Shop, Who},
    simulation::UnderWay,
};

/// What a query keeps in an address; blanks become `+`.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b' ').remove(b'(').remove(b')').remove(b':').remove(b'-').remove(b',');

/// Said before the story: where everything is.
pub fn welcome(screen: &mut Screen, demo: &Embedded, shop: &Shop) -> io::Result<()> {
    screen.heading("Milepost demo", "Ctrl-C ends it, and nothing is left behind")?;
    if demo.usual_port_is_taken {
        screen.line("   Port 8080 is taken, so this is another one.")?;
    }
    screen.entry("mailbox", &format!("{}/mailbox", demo.url))?;
    screen.entry("database", &format!("SQLite in {}", demo.folder().display()))?;
    screen.entry("GraphiQL", "with support's token in the headers:")?;
    screen.copy(&graphiql(demo, shop, None))
}

/// Said after the story: what to try now.
pub fn your_turn(
    screen: &mut Screen,
    demo: &Embedded,
    shop: &Shop,
    waiting: &UnderWay,
    secret: &str,
) -> io::Result<()> {
    screen.heading("Your turn", "Ctrl-C ends it")?;
    screen.line("   Be the carrier: this order waits for a scan, and its customer's page shows it.\n")?;
    screen.copy(&waiting.order.page)?;
    if let Some(parcel) = waiting.parcels.first() {
        let program = env::args().next().unwrap_or_else(|| "milepost".to_owned());
        screen.copy(&format!(
            "{program} scan --carrier {} --tracking {} --status out_for_delivery \\\n  --secret {secret} --to {}",
            parcel.carrier, parcel.number, demo.url
        ))?;
    }
    screen.line("\n   Ask from a script, as support or as the customer Ada:\n")?;
    screen.copy(&format!("export SUPPORT={}", shop.client(Who::Sam).token()))?;
    screen.copy(&format!("export CUSTOMER={}", shop.client(Who::Ada).token()))?;
    screen.copy(&format!(
        "curl {}/graphql \\\n  \
         -H \"Authorization: Bearer $SUPPORT\" -H 'Content-Type: application/json' \\\n  \
         -d '{{\"query\":\"{{ orders(first: 5) {{ nodes {{ reference status progress {{ summary }} }} }} }}\"}}'",
        demo.url
    ))
}

/// The first order to be followed live, with everything that is needed for it.
pub fn watch(screen: &mut Screen, demo: &Embedded, shop: &Shop, order: &UnderWay) -> io::Result<()> {
    let parcels = order.parcels.len();
    screen
        .line(&format!("\n   Watch order {} in {parcels} parcels, live; press play:\n", order.reference))?;
    screen.copy(&graphiql(demo, shop, Some(&subscription(order))))
}

/// Another order to be followed, after the one before was delivered.
pub fn watch_next(screen: &mut Screen, order: &UnderWay) -> io::Result<()> {
    screen.line(&format!("\n   Delivered. Next is {}: orderId {}", order.reference, order.order.id))
}

fn subscription(order: &UnderWay) -> String {
    let id = &order.order.id;
    format!(
        "subscription {{\n  orderUpdated(orderId: \"{id}\") {{\n    event {{ toStatus occurredAt }}\n    \
         order {{\n      status\n      progress {{ summary }}\n      \
         shipments {{ trackingNumber status }}\n    }}\n  }}\n}}\n"
    )
}

/// GraphiQL with support's token and, maybe, a query. What stands behind `#` is not sent to any server.
fn graphiql(demo: &Embedded, shop: &Shop, query: Option<&str>) -> String {
    let query = query
        .map(|query| format!("?query={}", utf8_percent_encode(query, PLAIN).to_string().replace(' ', "+")));
    format!("{}/graphql{}#token={}", demo.url, query.unwrap_or_default(), shop.client(Who::Sam).token())
}

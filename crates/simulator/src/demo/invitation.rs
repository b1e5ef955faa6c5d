//! Prints what a user of the demo can open and try, with ready-made addresses, commands and tokens.
//!
//! Called by `demo::play_demo` before the story (`print_welcome`), and after it by `demo::keep_orders_moving`. The
//! functions send nothing. `build_graphiql_url` without a query gives the empty editor.

use std::{env, io};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Installation,
    print::Screen,
    shop::{Shop, Who},
    simulation::LabelledOrder,
};

/// The characters of a query to percent-encode. Spaces are not among them, because they become `+`.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b' ').remove(b'(').remove(b')').remove(b':').remove(b'-').remove(b',');

/// Prints the addresses of the demo's parts, before the story.
pub fn print_welcome(screen: &mut Screen, demo: &Installation, shop: &Shop) -> io::Result<()> {
    screen.print_heading("Milepost demo", "Ctrl-C ends it, and nothing is left behind")?;
    if demo.usual_port_is_taken {
        screen.print_line("   Port 8080 is taken, so this is another one.")?;
    }
    screen.print_entry("mailbox", &format!("{}/mailbox", demo.url))?;
    screen.print_entry("database", &format!("SQLite in {}", demo.folder.display()))?;
    screen.print_entry("GraphiQL", "with support's token in the headers:")?;
    screen.print_unbroken(&build_graphiql_url(demo, shop, None))
}

/// Prints commands to try after the story: post a scan as the carrier, and query the API.
pub fn print_commands_to_try(
    screen: &mut Screen,
    demo: &Installation,
    shop: &Shop,
    waiting: &LabelledOrder,
    secret: &str,
) -> io::Result<()> {
    screen.print_heading("Your turn", "Ctrl-C ends it")?;
    screen
        .print_line("   Be the carrier: this order waits for a scan, and its customer's page shows it.\n")?;
    screen.print_unbroken(&waiting.order.page)?;
    if let Some(parcel) = waiting.parcels.first() {
        let program = env::args().next().unwrap_or_else(|| "milepost".to_owned());
        screen.print_unbroken(&format!(
            "{program} scan --carrier {} --tracking {} --status out_for_delivery \\\n  --secret {secret} --to {}",
            parcel.carrier, parcel.number, demo.url
        ))?;
    }
    screen.print_line("\n   Ask from a script, as support or as the customer Ada:\n")?;
    screen.print_unbroken(&format!("export SUPPORT={}", shop.client(Who::Sam).token()))?;
    screen.print_unbroken(&format!("export CUSTOMER={}", shop.client(Who::Ada).token()))?;
    screen.print_unbroken(&format!(
        "curl {}/graphql \\\n  \
         -H \"Authorization: Bearer $SUPPORT\" -H 'Content-Type: application/json' \\\n  \
         -d '{{\"query\":\"{{ orders(first: 5) {{ nodes {{ reference status progress {{ summary }} }} }} }}\"}}'",
        demo.url
    ))
}

/// Prints an address of GraphiQL with a subscription, to watch the first order live.
pub fn print_live_view(
    screen: &mut Screen,
    demo: &Installation,
    shop: &Shop,
    order: &LabelledOrder,
) -> io::Result<()> {
    let parcels = order.parcels.len();
    screen.print_line(&format!(
        "\n   Watch order {} in {parcels} parcels, live; press play:\n",
        order.reference
    ))?;
    screen.print_unbroken(&build_graphiql_url(demo, shop, Some(&build_subscription_query(order))))
}

/// Prints the id of the next order to watch, after the previous one was delivered.
pub fn print_next_order(screen: &mut Screen, order: &LabelledOrder) -> io::Result<()> {
    screen.print_line(&format!("\n   Delivered. Next is {}: orderId {}", order.reference, order.order.id))
}

fn build_subscription_query(order: &LabelledOrder) -> String {
    let id = &order.order.id;
    format!(
        "subscription {{\n  orderUpdated(orderId: \"{id}\") {{\n    event {{ toStatus occurredAt }}\n    \
         order {{\n      status\n      progress {{ summary }}\n      \
         shipments {{ trackingNumber status }}\n    }}\n  }}\n}}\n"
    )
}

/// Returns the address of GraphiQL with support's token and, if given, a query. The token is behind `#`, so the browser
/// does not send it to a server.
fn build_graphiql_url(demo: &Installation, shop: &Shop, query: Option<&str>) -> String {
    let query = query
        .map(|query| format!("?query={}", utf8_percent_encode(query, PLAIN).to_string().replace(' ', "+")));
    format!("{}/graphql{}#token={}", demo.url, query.unwrap_or_default(), shop.client(Who::Sam).token())
}

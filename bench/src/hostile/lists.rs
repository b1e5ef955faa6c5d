//! Attacks with nested lists over orders with 1,000 items, with the token of the customer to whom the orders belong, or
//! of support.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::join_all;
use serde_json::json;
use tokio::time::sleep;

use super::{
    attack::{Attack, Finding},
    client::{ATTACKER, Reply, exchange, graphql},
    target::Target,
    wire::Wire,
};
use crate::usage;

const COMPLEXITY: &str = "complexity of lists";
const SIZE: &str = "complexity, size of an answer, deadline";

/// The largest response that is permitted: the server's limit of 16 MiB, and 1 MiB for the rest of the response.
const MAX_ANSWER: usize = 17 * 1024 * 1024;
/// The longest time that is permitted for a response: the server's timeout, and 2 s for the network.
const DEADLINE: Duration = Duration::from_secs(12);
const PATIENCE: Duration = Duration::from_secs(20);

const ITEM: &str = "{id sku name quantity cancelled cancelReason allocated shipped delivered origin{kind code} \
    acceptBy acceptedAt declinedAt declineReason shipBy overdue returnRequested returnReason returned}";

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks: Vec<_> = documents()
        .into_iter()
        .map(|(name, who, document)| Attack::new(name, move |target| bounded(name, who, document, 1, target)))
        .collect();
    attacks.push(Attack::new("lists: five aliases of orders, six at once", |target| {
        bounded("lists: five aliases of orders, six at once", Who::Customer, five_aliases, 6, target)
    }));
    attacks.push(Attack::new("lists: the largest page that is granted, 16 at once", largest_granted));
    attacks.push(Attack::new("lists: the most orders by id that are granted, 16 at once", most_by_id));
    attacks.push(Attack::new("lists: pages of webhooks of 7 MB, 8 at once", webhooks_without_bodies));
    attacks.push(Attack::new("lists: callers who are gone", abandoned));
    attacks
}

#[derive(Clone, Copy)]
enum Who {
    Customer,
    Support,
}

impl Who {
    fn token(self, target: &Target) -> &str {
        match self {
            Self::Customer => &target.tokens.customer,
            Self::Support => &target.tokens.support,
        }
    }
}

type Document = fn(&Target) -> String;

fn aliases(count: usize, field: impl Fn(usize) -> String) -> String {
    let fields: Vec<_> = (0..count).map(|n| format!("a{n}:{}", field(n))).collect();
    format!("{{{}}}", fields.join(" "))
}

fn five_aliases(_: &Target) -> String {
    aliases(5, |_| format!("orders(first:100){{nodes{{items{ITEM}}}}}"))
}

/// A query for the shipments of the order of each shipment, nested `rounds` times. Each round multiplies the result by
/// 200.
fn there_and_back(target: &Target, rounds: usize) -> String {
    let inner = (0..rounds).fold("id".to_owned(), |inner, _| format!("shipments{{order{{{inner}}}}}"));
    format!("{{order(id:\"{}\"){{{inner}}}}}", target.shop.many_shipments)
}

/// Documents that request more than a response may contain.
fn documents() -> Vec<(&'static str, Who, Document)> {
    vec![
        ("lists: five aliases of orders with items", Who::Customer, five_aliases),
        ("lists: one page of orders with items", Who::Customer, |_| {
            format!("{{orders(first:100){{nodes{{items{ITEM}}}}}}}")
        }),
        ("lists: edges and nodes with items", Who::Customer, |_| {
            format!("{{orders(first:100){{edges{{node{{items{ITEM}}}}} nodes{{items{ITEM}}}}}}}")
        }),
        ("lists: last instead of first", Who::Customer, |_| {
            format!("{{orders(last:100){{nodes{{items{ITEM}}}}}}}")
        }),
        ("lists: items 40 times in one order", Who::Customer, |target| {
            let items: Vec<_> = (0..40).map(|n| format!("i{n}:items{ITEM}")).collect();
            format!("{{order(id:\"{}\"){{{}}}}}", target.shop.big[0], items.join(" "))
        }),
        ("lists: 50 orders by id with items", Who::Customer, |target| {
            aliases(50, |n| format!("order(id:\"{}\"){{items{ITEM}}}", target.shop.big[n]))
        }),
        ("lists: 50 nodes by id with items", Who::Customer, |target| {
            aliases(50, |n| format!("node(id:\"{}\"){{...on Order{{items{ITEM}}}}}", target.shop.big[n]))
        }),
        ("lists: items in fragments", Who::Customer, |_| {
            let spreads: Vec<_> = (0..20).map(|n| format!("...f{n}")).collect();
            let fragments: Vec<_> =
                (0..20).map(|n| format!("fragment f{n} on Order{{x{n}:items{ITEM}}}")).collect();
            format!("{{orders(first:100){{nodes{{{}}}}}}} {}", spreads.join(" "), fragments.join(" "))
        }),
        ("lists: shipments of the order of a shipment, 2 rounds", Who::Customer, |target| {
            there_and_back(target, 2)
        }),
        ("lists: shipments of the order of a shipment, 4 rounds", Who::Customer, |target| {
            there_and_back(target, 4)
        }),
        ("lists: items of the order of each shipment", Who::Customer, |target| {
            format!("{{order(id:\"{}\"){{shipments{{order{{items{ITEM}}}}}}}}}", target.shop.many_shipments)
        }),
        ("lists: shipments with their items' items", Who::Customer, |target| {
            let shipments: Vec<_> =
                (0..45).map(|n| format!("s{n}:shipments{{id items{{quantity item{ITEM}}}}}")).collect();
            format!("{{order(id:\"{}\"){{{}}}}}", target.shop.big[0], shipments.join(" "))
        }),
        ("lists: scans of all shipments, 45 aliases", Who::Customer, |target| {
            let scans: Vec<_> = (0..45)
                .map(|n| format!("s{n}:scans(first:100){{nodes{{id carrierCode description location}}}}"))
                .collect();
            format!("{{order(id:\"{}\"){{shipments{{{}}}}}}}", target.shop.many_shipments, scans.join(" "))
        }),
        ("lists: transitions and what blocks them, pages of orders", Who::Customer, |_| {
            aliases(10, |_| {
                format!(
                    "orders(first:100){{nodes{{allowedTransitions{{to blockedBy{{message \
                     shipments{{id items{{item{ITEM}}}}}}}}}}}}}"
                )
            })
        }),
        ("lists: transitions of an order with 200 shipments", Who::Customer, |target| {
            let one = "allowedTransitions{to blockedBy{message shipments{id trackingNumber carrierUrl \
                       order{allowedTransitions{blockedBy{shipments{id}}}}}}}";
            format!("{{order(id:\"{}\"){{{one}}}}}", target.shop.many_shipments)
        }),
        ("lists: notifications and events, 20 aliases of orders", Who::Customer, |_| {
            aliases(20, |_| {
                "orders(first:100){nodes{notifications{id key recipient} events(first:100){nodes{id notes metadata}}}}"
                    .to_owned()
            })
        }),
        ("lists: orders behind a dry run, 40 aliases", Who::Support, |target| {
            let moves: Vec<_> = (0..40)
                .map(|n| {
                    format!(
                        "m{n}:transitionOrder(input:{{orderId:\"{}\",to:PAYMENT_CONFIRMED,dryRun:true}})\
                         {{...on TransitionOrderSuccess{{order{{items{ITEM} shipments{{id}}}}}}}}",
                        target.shop.big[20 + n]
                    )
                })
                .collect();
            format!("mutation{{{}}}", moves.join(" "))
        }),
        ("lists: bodies of webhooks", Who::Support, |_| "{webhooks(first:100){nodes{id body}}}".to_owned()),
        ("lists: bodies of webhooks, 40 aliases", Who::Support, |_| {
            aliases(40, |_| "webhooks(first:20){nodes{id body}}".to_owned())
        }),
        ("lists: scans of webhooks, 40 aliases", Who::Support, |_| {
            aliases(40, |_| "webhooks(first:100){nodes{id scans{id description location}}}".to_owned())
        }),
    ]
}

/// Sends the same document `at_once` times. Each must be answered in time, by an error or by a response of at most
/// [`MAX_ANSWER`].
async fn bounded(
    name: &'static str,
    who: Who,
    document: Document,
    at_once: usize,
    target: Target,
) -> Result<Vec<Finding>> {
    let query = document(&target);
    let mut requests = Vec::new();
    for _ in 0..at_once {
        requests.push(graphql(who.token(&target), &query, &json!({}))?);
    }
    let replies =
        join_all(requests.into_iter().map(|request| exchange(target.port, ATTACKER, request, PATIENCE)))
            .await;
    let mut line = Finding::new(name, COMPLEXITY);
    for reply in &replies {
        let bytes = reply.answer().map_or(0, |answer| answer.bytes);
        let granted = reply.answer().is_some() && reply.codes().is_empty();
        let ended = if granted { format!("{reply}, {} KiB", bytes / 1024) } else { reply.to_string() };
        line.add(ended, reply.after());
        line.expect(reply.answer().is_some(), "it was not answered");
        line.expect(bytes <= MAX_ANSWER, format!("an answer of {} KiB", bytes / 1024));
        line.expect(reply.after() < DEADLINE, "it had no deadline");
    }
    Ok(vec![line])
}

/// Finds the largest request of a kind that the server accepts, then sends it 16 times at once. `sizes` goes from large
/// to small.
async fn largest(
    name: &'static str,
    sizes: &[usize],
    query: impl Fn(usize) -> String,
    target: &Target,
) -> Result<Vec<Finding>> {
    let ask = async |size: usize| -> Result<Reply> {
        let request = graphql(&target.tokens.customer, &query(size), &json!({}))?;
        Ok(exchange(target.port, ATTACKER, request, PATIENCE).await)
    };
    let mut line = Finding::new(name, SIZE);
    let mut found = None;
    for size in sizes {
        let reply = ask(*size).await?;
        if reply.status() == Some(200) && reply.codes().is_empty() {
            found = Some((*size, reply));
            break;
        }
    }
    let Some((size, first)) = found else {
        line.expect(false, "nothing of the kind is granted, not even one");
        return Ok(vec![line]);
    };
    let bytes = first.answer().map_or(0, |answer| answer.bytes);
    line.what = format!("{name} ({size}, {} KiB each)", bytes / 1024);
    line.expect(bytes <= MAX_ANSWER, "an answer is larger than 16 MiB");
    for reply in join_all((0..16).map(|_| ask(size))).await {
        let reply = reply?;
        line.add_reply(&reply);
        line.expect(reply.answer().is_some(), "one was not answered");
    }
    Ok(vec![line])
}

async fn largest_granted(target: Target) -> Result<Vec<Finding>> {
    let query =
        |size| format!("{{orders(first:{size},filter:{{statuses:[PLACED]}}){{nodes{{id items{ITEM}}}}}}}");
    let name = "lists: the largest page of orders with items that is granted, 16 at once";
    largest(name, &[10, 8, 6, 5, 4, 3, 2, 1], query, &target).await
}

async fn most_by_id(target: Target) -> Result<Vec<Finding>> {
    let big = target.shop.big.clone();
    let query = |size| aliases(size, |n| format!("order(id:\"{}\"){{items{ITEM}}}", big[n]));
    let name = "lists: the most orders by id with items that are granted, 16 at once";
    largest(name, &[50, 40, 30, 20, 15, 10, 8, 6, 5, 4, 3, 2, 1], query, &target).await
}

/// Pages of webhooks without their bodies: the server must not read the bodies from the database.
async fn webhooks_without_bodies(target: Target) -> Result<Vec<Finding>> {
    let mut line = Finding::new(
        "lists: 8 pages of 40 webhooks of 7 MB, without bodies",
        "bodies are read where selected",
    );
    let ask = async || -> Result<Reply> {
        let request = graphql(&target.tokens.support, "{webhooks(first:40){nodes{id state}}}", &json!({}))?;
        Ok(exchange(target.port, ATTACKER, request, PATIENCE).await)
    };
    for reply in join_all((0..8).map(|_| ask())).await {
        let reply = reply?;
        line.add_reply(&reply);
        line.expect(reply.status() == Some(200) && reply.codes().is_empty(), "a page was not answered");
    }
    Ok(vec![line])
}

/// 100 clients that send a large permitted query and close the connection at once: the server must stop the work.
async fn abandoned(target: Target) -> Result<Vec<Finding>> {
    let query = format!("{{orders(first:3,filter:{{statuses:[PLACED]}}){{nodes{{items{ITEM}}}}}}}");
    let body = json!({"query": query}).to_string();
    let post = format!(
        "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        target.tokens.customer,
        body.len()
    );
    for _ in 0..100 {
        let mut wire = Wire::open(target.port, ATTACKER).await?;
        wire.send(post.as_bytes()).await;
    }
    sleep(Duration::from_secs(1)).await;
    let cpu = || usage::own(target.pid).context("the server has ended");
    let before = cpu()?;
    sleep(Duration::from_secs(2)).await;
    let used = cpu()? - before;
    let mut line = Finding::new("lists: 100 callers who are gone", "an operation stops with its caller");
    line.add(format!("{used:.2} s of CPU afterwards"), Duration::ZERO);
    line.expect(used < 0.5, "the server goes on working");
    Ok(vec![line])
}

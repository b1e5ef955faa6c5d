//! Attacks with many requests in a loop: with a customer's token, with a support token, and with wrong tokens.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::join_all;
use serde_json::{Value, json};

use super::{
    attack::{Attack, Finding},
    client::{ATTACKER, Reply, exchange, graphql},
    seed::order_input,
    target::Target,
};

const PATIENCE: Duration = Duration::from_secs(20);
/// The most orders that may be placed during the attack. The server's default setting permits 10 a minute.
const MAX_ORDERS: usize = 60;

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new("customers: orders in a loop", orders_in_a_loop),
        Attack::new("customers: counts in a loop", counts_in_a_loop),
        Attack::new("customers: wrong tokens in a loop", wrong_tokens),
    ]
}

/// Places 400 orders of 1,000 items, eight at a time.
async fn orders_in_a_loop(target: Target) -> Result<Vec<Finding>> {
    const PLACE: &str = "mutation($input:PlaceOrderInput!){placeOrder(input:$input){__typename \
        ...on PlaceOrderSuccess{order{id}} ...on Problem{message}}}";
    let mut input = order_input(1_000);
    if let Some(fields) = input.as_object_mut() {
        fields.remove("userId");
    }
    let variables = json!({"input": input});
    let mut line = Finding::new(
        "400 orders of 1,000 items, placed by a customer",
        "orders a minute; customers may place",
    );
    let mut placed = 0;
    for _ in 0..50 {
        let attempts = (0..8).map(|_| async {
            let request = graphql(&target.tokens.customer, PLACE, &variables)?;
            anyhow::Ok(exchange(target.port, ATTACKER, request, PATIENCE).await)
        });
        for reply in join_all(attempts).await {
            let reply = reply?;
            let kind = reply.answer().map(|answer| answer.json()["data"]["placeOrder"]["__typename"].clone());
            let kind = kind.as_ref().and_then(Value::as_str).map_or_else(|| reply.to_string(), str::to_owned);
            placed += usize::from(kind == "PlaceOrderSuccess");
            line.add(kind, reply.after());
            line.expect(reply.answer().is_some(), "one was not answered");
        }
    }
    line.expect(placed <= MAX_ORDERS, format!("{placed} orders were placed"));
    Ok(vec![line])
}

/// Twelve clients that request the total count of three lists in a loop, for 10 s.
async fn counts_in_a_loop(target: Target) -> Result<Vec<Finding>> {
    let query =
        "{orders(first:1){totalCount} orderEvents(first:1){totalCount} webhooks(first:1){totalCount}}";
    let mut line = Finding::new("12 clients that count every list", "a pool of its own for reads");
    let start = Instant::now();
    let client = async || -> Result<Vec<Reply>> {
        let mut replies = Vec::new();
        while start.elapsed() < Duration::from_secs(10) {
            let request = graphql(&target.tokens.support, query, &json!({}))?;
            replies.push(exchange(target.port, ATTACKER, request, PATIENCE).await);
        }
        Ok(replies)
    };
    for replies in join_all((0..12).map(|_| client())).await {
        for reply in replies? {
            line.add_reply(&reply);
            line.expect(reply.status().is_some_and(|status| status != 500), format!("{reply}"));
        }
    }
    Ok(vec![line])
}

/// Queries with tokens of other algorithms, without a valid signature, malformed, or with another scheme.
async fn wrong_tokens(target: Target) -> Result<Vec<Finding>> {
    let own = target.tokens.customer.trim_start_matches("Bearer ").to_owned();
    let parts: Vec<_> = own.split('.').collect();
    let (head, claims) = (parts.first().copied().unwrap_or(""), parts.get(1).copied().unwrap_or(""));
    let tokens = [
        // {"alg":"none"}
        format!("Bearer eyJhbGciOiJub25lIn0.{claims}."),
        format!("Bearer {head}.{claims}."),
        format!("Bearer {head}.{claims}.AAAA"),
        format!("Bearer {}", "x".repeat(6_000)),
        format!("Bearer {}", "a.".repeat(3_000)),
        format!("Bearer {own}{own}"),
        "Bearer ".to_owned(),
        "Basic YTpi".to_owned(),
    ];
    let mut line = Finding::new("1,600 queries with wrong tokens", "401");
    for _ in 0..25 {
        let attempts = tokens.iter().cycle().take(64).map(|token| async {
            let request = graphql(token, "{orders(first:1){totalCount}}", &json!({}))?;
            anyhow::Ok(exchange(target.port, ATTACKER, request, PATIENCE).await)
        });
        for reply in join_all(attempts).await {
            let reply = reply?;
            line.add_reply(&reply);
            line.expect(reply.status() == Some(401), format!("{reply}"));
        }
    }
    Ok(vec![line])
}

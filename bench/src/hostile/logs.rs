//! Attacks that try to forge log lines, with names, addresses and headers that contain control characters.

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    attack::{Attack, Finding},
    client::{ATTACKER, exchange, graphql, request},
    target::Target,
    wire::send_and_read,
};
use crate::server::{Server, Setup};

const PATIENCE: Duration = Duration::from_secs(5);
/// A word that all values of these attacks contain.
const MARK: &str = "FORGED";

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new("logs: text", |target| async move {
            send_all(&target, target.port).await?;
            let log = fs::read_to_string(target.folder.join("milepost.log"))?;
            Ok(vec![judge_text(&log)])
        }),
        Attack::new("logs: json", json_format),
    ]
}

/// Values that would begin a new line, send a command to the terminal, or change the direction of the text, if they
/// were logged without escapes.
const VALUES: [&str; 12] = [
    "foo%0aERROR%20FORGED",
    "foo%0d%0a2026-11-30T00:00:00Z%20ERROR%20FORGED",
    "foo%0dERROR%20FORGED",
    "foo%1b[31mFORGED",
    "foo%c2%9b31mFORGED",
    "foo%e2%80%a8FORGED",
    "foo%e2%80%aeFORGED",
    "foo%c2%85FORGED",
    "foo%00FORGED",
    "foo%08%08%08FORGED",
    "foo%7fFORGED",
    "foo%22,%22level%22:%22ERROR%22,%22FORGED%22:%22",
];

async fn send_all(target: &Target, port: u16) -> Result<()> {
    for value in VALUES {
        for path in [
            format!("/webhooks/{value}"),
            format!("/webhooks/{value}/token"),
            format!("/webhooks/ups?token={value}"),
            format!("/webhooks/shippo?token={value}"),
            format!("/track/{value}"),
            format!("/{value}"),
        ] {
            for method in ["POST", "GET"] {
                exchange(port, ATTACKER, request(method, &path, &[], "{}")?, PATIENCE).await;
            }
        }
    }
    let decoded = [
        "a\nERROR FORGED",
        "a\r\nERROR FORGED",
        "a\u{1b}[31mFORGED",
        "a\u{202e}FORGED",
        "a\u{2028}FORGED",
        "a\u{9b}31mFORGED",
    ];
    for text in decoded {
        let variables = json!({"v": text, "input": {"customerEmail": text, "totalCents": 1, "notes": text,
            "items": [{"sku": text, "name": text, "quantity": 1}]}});
        for query in [
            "query($v:ID!){node(id:$v){id}}",
            "query($v:String!){shipment(carrier:UPS,trackingNumber:$v){id}}",
            "query($v:String){orders(after:$v){totalCount}}",
            "mutation($input:PlaceOrderInput!){placeOrder(input:$input){__typename}}",
        ] {
            exchange(port, ATTACKER, graphql(&target.tokens.customer, query, &variables)?, PATIENCE).await;
        }
        let operation = json!({"query": "{__typename}", "operationName": text}).to_string();
        let headers =
            [("content-type", "application/json"), ("authorization", target.tokens.customer.as_str())];
        exchange(port, ATTACKER, request("POST", "/graphql", &headers, operation)?, PATIENCE).await;
    }
    // Send header values that a normal client would not send.
    for value in ["a\u{1b}[31mFORGED", "\u{e9}\u{202e}FORGED", "a\tFORGED", "a\u{7f}FORGED", "a\u{b}FORGED"] {
        for header in [
            "x-request-id",
            "user-agent",
            "authorization",
            "x-forwarded-for",
            "fdx-signature",
            "credential",
            "host",
        ] {
            let head = format!(
                "POST /webhooks/ups HTTP/1.1\r\nhost: a\r\n{header}: {value}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
            );
            send_and_read(port, ATTACKER, head.as_bytes(), PATIENCE).await;
        }
    }
    // Wait until the log lines are written.
    sleep(Duration::from_millis(300)).await;
    Ok(())
}

/// Checks a log in text format: each line with the mark begins with a time, and no line contains a character that a
/// terminal acts on.
fn judge_text(log: &str) -> Finding {
    let mut line = Finding::new("names and headers that forge lines, text format", "values are escaped");
    let lines: Vec<_> = log.split('\n').filter(|line| !line.is_empty()).collect();
    let marked = lines.iter().filter(|line| line.contains(MARK)).count();
    line.add(format!("{marked} lines with the mark of {}", lines.len()), Duration::ZERO);
    for text in &lines {
        let dated = text.get(..4).is_some_and(|year| year.parse::<u16>().is_ok());
        line.expect(dated || !text.contains(MARK), "a line of the attacker's own");
        line.expect(
            !text.chars().any(acts),
            format!("a raw control character: {}", text.escape_debug().take(160).collect::<String>()),
        );
    }
    line
}

/// Whether a character can end a line, act on a terminal, or change the direction of a text.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The same attack on a server that logs JSON: each line must be a JSON object without a field of the attacker.
async fn json_format(target: Target) -> Result<Vec<Finding>> {
    let folder = tempfile::tempdir()?;
    let milepost = fs::read_link(format!("/proc/{}/exe", target.pid)).context("the server has ended")?;
    let settings = [
        ("MILEPOST_LOG_FORMAT", "json"),
        ("MILEPOST_WEBHOOK_SECRET_UPS", "x"),
        ("MILEPOST_WEBHOOK_SECRET_SHIPPO", "y"),
    ];
    let setup = Setup { settings: &settings, ..Setup::default() };
    let server = Server::start(&milepost, setup, folder.path()).await?;
    send_all(&target, server.port).await?;
    server.stop().await?;
    let log = fs::read_to_string(folder.path().join("milepost.log"))?;
    let mut line = Finding::new("names and headers that forge lines, JSON format", "values are escaped");
    let lines: Vec<_> = log.split('\n').filter(|line| !line.is_empty()).collect();
    line.add(format!("{} lines", lines.len()), Duration::ZERO);
    for text in lines {
        let read = serde_json::from_str::<Value>(text);
        line.expect(read.as_ref().is_ok_and(Value::is_object), "a line that is no JSON object");
        line.expect(
            !text.chars().any(acts),
            format!("a raw control character: {}", text.escape_debug().take(160).collect::<String>()),
        );
        line.expect(read.is_ok_and(|read| read.get(MARK).is_none()), "a field of the attacker's own");
    }
    Ok(vec![line])
}

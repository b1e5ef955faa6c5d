//! Tests the log of a server that receives hostile requests: values cannot forge a line, and errors are logged with
//! their causes.

use domain::text::is_unsafe;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{database::Database, http, proxy::Proxy, wait::until};

use crate::installation::{on_postgres, program, support};

/// The name of a sender, URL-encoded, that tries to forge log lines, to change the colour and to reverse the text
/// direction.
const FORGED: &str = "foo%0a2026-01-01T00:00:00Z%20ERROR%20forged%0d%1b%5b2J%c2%9b%e2%80%a8%e2%80%ae%22%7d%0a%7b%22level%22:%22ERROR%22%7d";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_request_writes_no_line_of_its_own() {
    for format in ["text", "json"] {
        let folder = TempDir::new().unwrap();
        let server = program(folder.path()).set("MILEPOST_LOG_FORMAT", format).serve(&[]).await;
        let answer = http::client().post(format!("{}/webhooks/{FORGED}", server.url())).send().await.unwrap();
        assert_eq!(answer.status(), 404);
        let told = answer.text().await.unwrap();
        assert!(!told.trim_end().contains(is_unsafe), "{told:?}");
        server.logs("forged").await;
        let log = server.log();
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.iter().filter(|line| line.contains("forged")).count(), 1, "{log}");
        for line in lines {
            assert!(!line.contains(is_unsafe), "{line:?}");
            let level = match format {
                "json" => {
                    serde_json::from_str::<Value>(line).expect(line)["level"].as_str().unwrap().to_owned()
                }
                _ => line.split_whitespace().nth(1).unwrap_or_default().to_owned(),
            };
            assert!(["INFO", "WARN"].contains(&level.as_str()), "{line}");
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_causes_of_an_error_are_in_both_formats() {
    let Some(database) = Database::postgres().await else { return };
    let (before, rest) = database.url.split_once('@').unwrap();
    let (target, name) = rest.split_once('/').unwrap();
    for format in ["text", "json"] {
        let mut wire = Proxy::start(target).await.unwrap();
        let folder = TempDir::new().unwrap();
        let program = on_postgres(folder.path(), &format!("{before}@{}/{name}", wire.address()));
        let program = program.set("MILEPOST_LOG_FORMAT", format);
        let server = program.serve(&[]).await;
        let support = support(&program, &server).await;
        wire.cut();
        let (_, answer) = support.send("{ orders { totalCount } }", json!({})).await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{answer}");
        let line = until("the failure in the log", async || {
            let log = server.log();
            log.lines().find(|line| line.contains("a request failed")).map(str::to_owned)
        })
        .await;
        let error = match format {
            "json" => {
                serde_json::from_str::<Value>(&line).expect(&line)["error"].as_str().unwrap().to_owned()
            }
            _ => line.split_once(" error=").expect(&line).1.to_owned(),
        };
        let causes = error.strip_prefix("the request could not be carried out: ");
        assert!(causes.is_some_and(|causes| causes.len() > 10), "{format}: {line}");
        wire.mend().await.unwrap();
        server.stop().await;
    }
}

//! Tests that hostile values are harmless in both formats, wherever a value can appear in a line.

use std::{
    error::Error,
    io,
    sync::{Arc, Mutex},
};

use domain::text::is_unsafe;
use serde_json::Value;
use tracing::subscriber::with_default;

use super::*;

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Failure {
    text: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

fn failure(text: &str, cause: Option<Failure>) -> Failure {
    Failure { text: text.to_owned(), source: cause.map(Into::into) }
}

fn written(format: LogFormat, ansi: bool, log: impl FnOnce()) -> String {
    let output = Output::default();
    let writer = output.clone();
    let subscriber = build_subscriber(format, EnvFilter::new("trace"), move || writer.clone(), ansi);
    with_default(subscriber, log);
    let bytes = output.0.lock().unwrap().clone();
    String::from_utf8(bytes).expect("a log is text")
}

fn lines(format: LogFormat, log: impl FnOnce()) -> Vec<String> {
    written(format, false, log).split_terminator('\n').map(str::to_owned).collect()
}

/// A text with every unsafe character, and with parts that imitate a log line.
fn hostile() -> String {
    let unsafe_characters: String =
        (0..=0xffff).filter_map(char::from_u32).filter(|&c| is_unsafe(c)).collect();
    format!(
        "foo\n2026-01-01T00:00:00Z ERROR forged: {unsafe_characters}\x1b[2J\r\n\"}}\n{{\"level\":\"ERROR\"}}\\"
    )
}

/// Logs a hostile value in every way: as message, text, `%`, `?`, an error and its causes, a span's field, and a span's
/// field that is recorded later.
fn log_everywhere(text: &str) {
    let span = tracing::info_span!("request", id = text, shown = %text, debugged = ?text, later = tracing::field::Empty);
    span.record("later", text);
    let _entered = span.enter();
    let inner = tracing::info_span!("inner", %text);
    let _inner = inner.enter();
    tracing::info!(text, shown = %text, debugged = ?text, option = Some(text), "told: {text}");
    let error = failure(text, Some(failure(&format!("1 {text}"), Some(failure(&format!("2 {text}"), None)))));
    tracing::error!(error = &error as &dyn Error, shown = %error, "{text}");
}

#[test]
fn no_value_writes_a_line_of_its_own_or_anything_a_terminal_obeys() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let lines = lines(format, || log_everywhere(&hostile()));
        assert_eq!(lines.len(), 2, "{format:?}: {lines:#?}");
        for line in &lines {
            assert!(!line.contains(is_unsafe), "{format:?}: {line:?}");
        }
    }
}

#[test]
fn json_keeps_every_value_as_it_was() {
    let text = hostile();
    let lines = lines(LogFormat::Json, || log_everywhere(&text));
    let [told, failed] = [0, 1].map(|at| serde_json::from_str::<Value>(&lines[at]).expect("JSON"));
    assert_eq!(told["message"], format!("told: {text}"));
    for field in ["text", "shown", "option"] {
        assert_eq!(told[field], text, "{field}");
    }
    assert_eq!(told["spans"][0]["later"], text);
    assert_eq!(told["spans"][0]["name"], "request");
    assert_eq!(told["span"]["text"], text);
    assert_eq!((&told["level"], &failed["level"]), (&"INFO".into(), &"ERROR".into()));
    assert!(told["target"].as_str().unwrap().ends_with("telemetry::tests"));
}

#[test]
fn colours_are_ours_and_no_others() {
    let log = written(LogFormat::Text, true, || tracing::info!(text = %"a\x1b[2Jb", "red: \x1b[31m"));
    assert!(log.contains(r"red: \u{1b}[31m") && log.contains(r"a\u{1b}[2Jb"), "{log:?}");
    assert!(log.contains('\x1b'), "a terminal gets colours: {log:?}");
}

#[test]
fn an_error_is_logged_with_its_causes_in_both_formats() {
    let error =
        || failure("the request failed", Some(failure("pool: timed out", Some(failure("timed out", None)))));
    let log = || tracing::error!(error = &error() as &dyn Error, "it failed");
    let chain = "the request failed: pool: timed out";
    let text = lines(LogFormat::Text, log);
    assert!(text[0].ends_with(&format!("it failed error={chain}")), "{text:?}");
    let json: Value = serde_json::from_str(&lines(LogFormat::Json, log)[0]).unwrap();
    assert_eq!(json["error"], chain);
    assert_eq!(json["message"], "it failed");
}

#[test]
fn numbers_and_flags_stay_what_they_are_in_json() {
    let log = || tracing::info!(count = 3_u64, change = -1_i64, share = 0.5, ready = true, "counted");
    let json: Value = serde_json::from_str(&lines(LogFormat::Json, log)[0]).unwrap();
    let expected = serde_json::json!([3, -1, 0.5, true]);
    assert_eq!(serde_json::json!([json["count"], json["change"], json["share"], json["ready"]]), expected);
    let text = lines(LogFormat::Text, log);
    assert!(text[0].ends_with("counted count=3 change=-1 share=0.5 ready=true"), "{text:?}");
}

#[test]
fn a_long_value_is_cut_within_a_character() {
    let long = "é".repeat(100_000);
    for format in [LogFormat::Text, LogFormat::Json] {
        let lines = lines(format, || tracing::info!(%long, "cut"));
        assert!(lines[0].len() < value::MAX_BYTES + 500 && lines[0].contains("é…"), "{}", lines[0].len());
    }
}

#[test]
fn a_panic_is_an_event_in_the_format_of_the_log() {
    let before = panic::take_hook();
    log_panics();
    let log = || {
        let broken =
            panic::catch_unwind(|| panic!("no such thing: {}", "a\n2026-01-01 ERROR forged\u{1b}[2J"));
        assert!(broken.is_err());
    };
    let (text, json) = (lines(LogFormat::Text, log), lines(LogFormat::Json, log));
    panic::set_hook(before);
    assert_eq!((text.len(), json.len()), (1, 1), "{text:?} {json:?}");
    assert!(
        text[0].contains(r"a\n2026-01-01 ERROR forged\u{1b}[2J") && !text[0].contains(is_unsafe),
        "{text:?}"
    );
    let json: Value = serde_json::from_str(&json[0]).unwrap();
    assert_eq!(json["panic"], "no such thing: a\n2026-01-01 ERROR forged\u{1b}[2J");
    assert!(json["place"].as_str().unwrap().contains("telemetry/tests.rs:"), "{json}");
}

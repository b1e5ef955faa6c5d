//! The JSON format of the log: one object a line. tracing-subscriber calls it.
//!
//! An object has `timestamp`, `level`, the event's fields, `target`, then `span` (the innermost span) and `spans` (all
//! spans, outermost first). Each span has its `name` and its fields.
//!
//! - `JsonFields` stores the fields of a span as text when the span begins, or gets more fields.
//! - `JsonEvents` writes an event, and reads those texts with `build_span_object`. A text that cannot be parsed counts
//!   as empty.
//! - `Visitor` collects fields. It leaves out those of the `log` crate. Texts are cut, numbers and booleans stay what
//!   they are.
//!
//! tracing-subscriber has a JSON format too, but it logs errors without their causes, and leaves some unsafe characters
//! unescaped.

use std::{
    error::Error,
    fmt::{self, Debug, Write},
};

use domain::{ErrorChain, text::is_unsafe};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::Record,
};
use tracing_log::NormalizeEvent;
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::{LookupSpan, SpanRef},
};

use super::value::Bounded;

/// Stores the fields of a span as the text of a JSON object.
pub struct JsonFields;

/// Writes an event as one line of JSON. It works only together with [`JsonFields`].
pub struct JsonEvents;

impl<'writer> FormatFields<'writer> for JsonFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        writer.write_str(&write_object(Map::new(), |visitor| fields.record(visitor))?)
    }

    fn add_fields(&self, current: &'writer mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        current.fields = write_object(parse_object(&current.fields), |visitor| fields.record(visitor))?;
        Ok(())
    }
}

/// The JSON of an object with the fields that `record` adds to it.
fn write_object(
    mut object: Map<String, Value>,
    record: impl FnOnce(&mut Visitor),
) -> Result<String, fmt::Error> {
    let mut visitor = Visitor::default();
    record(&mut visitor);
    object.extend(visitor.0.into_iter().map(|(name, value)| (name.to_owned(), value)));
    serde_json::to_string(&object).map_err(|_| fmt::Error)
}

impl<S, N> FormatEvent<S, N> for JsonEvents
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut fields = Visitor::default();
        event.record(&mut fields);
        let spans = context
            .event_scope()
            .map(|scope| scope.from_root().map(|span| build_span_object(&span)).collect());
        let line = Line {
            timestamp,
            level: metadata.level().as_str(),
            fields: fields.0,
            target: metadata.target(),
            spans: spans.unwrap_or_default(),
        };
        let json = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        write_with_escapes(&mut writer, &json)?;
        writer.write_char('\n')
    }
}

struct Line<'a> {
    timestamp: String,
    level: &'static str,
    fields: Vec<(&'static str, Value)>,
    target: &'a str,
    spans: Vec<Value>,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &self.timestamp)?;
        map.serialize_entry("level", self.level)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("target", self.target)?;
        if let Some(innermost) = self.spans.last() {
            map.serialize_entry("span", innermost)?;
            map.serialize_entry("spans", &self.spans)?;
        }
        map.end()
    }
}

fn build_span_object<S: for<'a> LookupSpan<'a>>(span: &SpanRef<'_, S>) -> Value {
    let extensions = span.extensions();
    let fields = extensions.get::<FormattedFields<JsonFields>>();
    let mut object = fields.map(|fields| parse_object(&fields.fields)).unwrap_or_default();
    object.insert("name".to_owned(), span.name().into());
    Value::Object(object)
}

/// Parses a text that [`JsonFields`] wrote.
fn parse_object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap_or_default()
}

/// Writes JSON, with unsafe characters as `\u…`. serde_json has escaped the characters below U+0020 already. The others
/// can stand only inside strings, where the escape means the same character.
fn write_with_escapes(writer: &mut Writer<'_>, json: &str) -> fmt::Result {
    let mut rest = json;
    while let Some(at) = rest.find(is_unsafe) {
        let (safe, tail) = rest.split_at(at);
        writer.write_str(safe)?;
        let mut tail = tail.chars();
        if let Some(c) = tail.next() {
            write!(writer, "\\u{:04x}", u32::from(c))?;
        }
        rest = tail.as_str();
    }
    writer.write_str(rest)
}

#[derive(Default)]
struct Visitor(Vec<(&'static str, Value)>);

impl Visitor {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        // The `log` crate adds the place of the event as fields; the event's metadata has the place already.
        if !field.name().starts_with("log.") {
            let name = field.name();
            self.0.push((name.strip_prefix("r#").unwrap_or(name), value.into()));
        }
    }

    fn add_text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let mut text = String::new();
        let written = Bounded::new(&mut text).write_fmt(value);
        if written.is_ok() {
            self.add(field, text);
        }
    }
}

impl Visit for Visitor {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add_text(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.add_text(field, format_args!("{}", ErrorChain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add_text(field, format_args!("{value:?}"));
    }
}

//! Makes failed fields `null`. If a field may not be `null`, its parent becomes `null` instead.
//!
//! The specification requires this (<https://spec.graphql.org/October2021/#sec-Handling-Field-Errors>). async-graphql
//! leaves a failed field out of its object and keeps the rest, even if the field is non-null. Typed clients fail on
//! both. `extension` calls [`NullPropagation`].

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use async_graphql::{QueryPathNode, QueryPathSegment, Response, ServerError, ServerResult, Value};

/// The failures of one operation.
#[derive(Default)]
pub struct NullPropagation {
    /// Whether there are failures. Most operations have none, and then nothing is locked.
    has_failed: AtomicBool,
    failures: Mutex<Failures>,
}

/// The failures of one execution: of a request, or of one update of a subscription.
#[derive(Default)]
struct Failures {
    errors: Vec<ServerError>,
    /// The paths of values that must become `null`, because a non-null value below them is `null`. The path of the root
    /// is the empty string.
    nulled: HashSet<String>,
}

impl NullPropagation {
    /// Runs an execution, and adds the failures of its fields to its response.
    pub async fn complete_execution(&self, execution: impl Future<Output = Response>) -> Response {
        // The execution of the previous update of a subscription may have been dropped with its failures.
        self.take_failures();
        let mut response = execution.await;
        let Failures { errors, nulled } = self.take_failures();
        response.errors.extend(errors);
        if nulled.contains("") {
            response.data = Value::Null;
        }
        response
    }

    fn take_failures(&self) -> Failures {
        if !self.has_failed.swap(false, Relaxed) {
            return Failures::default();
        }
        std::mem::take(&mut *self.failures.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The value of a field, or of an element of a list, after the failures inside it. `declared` is the field's type.
    /// Call it after it was called for all values inside this one.
    pub fn propagate(
        &self,
        place: &QueryPathNode<'_>,
        declared: &str,
        resolved: ServerResult<Option<Value>>,
    ) -> Option<Value> {
        let resolved = match resolved {
            Ok(value) if !self.has_failed.load(Relaxed) => return value,
            resolved => resolved,
        };
        self.has_failed.store(true, Relaxed);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let value = match resolved {
            Ok(value) => value.unwrap_or_default(),
            Err(error) => {
                failures.errors.push(error);
                Value::Null
            }
        };
        let path = place.to_string();
        let value = if failures.nulled.contains(&path) { Value::Null } else { value };
        // For an element of a list the library gives a wrong type. Elements are checked with the list that contains
        // them.
        if matches!(place.segment, QueryPathSegment::Index(_)) {
            return Some(value);
        }
        let value = propagate_null(value, declared).unwrap_or_else(|| {
            let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
            failures.nulled.insert(parent.to_owned());
            Value::Null
        });
        Some(value)
    }
}

/// Applies a type, such as `[Thing!]`, to a value: a list with a `null` that may not be in it becomes `null`. Returns
/// `None` if the value itself is then `null` and may not be.
fn propagate_null(value: Value, declared: &str) -> Option<Value> {
    let (inner, needed) = declared.strip_suffix('!').map_or((declared, false), |inner| (inner, true));
    let element = inner.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    let value = match (value, element) {
        (Value::List(values), Some(element)) => {
            let values =
                values.into_iter().map(|value| propagate_null(value, element)).collect::<Option<_>>();
            values.map_or(Value::Null, Value::List)
        }
        (value, _) => value,
    };
    if needed && value == Value::Null { None } else { Some(value) }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, Error, Object, Result, Schema, Subscription};
    use futures::{Stream, StreamExt, stream};
    use serde_json::json;

    use super::*;
    use crate::graphql::extension::OperationExtensions;

    struct Thing(i32);

    #[Object]
    impl Thing {
        async fn number(&self) -> i32 {
            self.0
        }

        async fn optional(&self) -> Result<Option<i32>> {
            Err(Error::new("optional"))
        }

        /// A non-null field that fails for odd numbers.
        async fn needed(&self) -> Result<i32> {
            if self.0 % 2 == 0 { Ok(self.0) } else { Err(Error::new("needed")) }
        }

        async fn inner(&self) -> Thing {
            Thing(self.0)
        }

        async fn maybe(&self) -> Option<Thing> {
            Some(Thing(self.0))
        }

        async fn things(&self) -> Vec<Thing> {
            vec![Thing(0), Thing(1)]
        }

        async fn gaps(&self) -> Vec<Option<Thing>> {
            vec![Some(Thing(0)), Some(Thing(1)), None]
        }

        async fn lists(&self) -> Vec<Option<Vec<Thing>>> {
            vec![Some(vec![Thing(0)]), Some(vec![Thing(2), Thing(1)]), Some(vec![])]
        }
    }

    struct Events;

    #[Subscription]
    impl Events {
        async fn things(&self) -> impl Stream<Item = Thing> {
            stream::iter([Thing(1), Thing(2)])
        }
    }

    fn schema() -> Schema<Thing, EmptyMutation, Events> {
        Schema::build(Thing(1), EmptyMutation, Events)
            .extension(OperationExtensions::without_limits())
            .finish()
    }

    /// Runs a query. Returns the data and the number of errors.
    async fn run(query: &str) -> (serde_json::Value, usize) {
        let response = schema().execute(query).await;
        (response.data.into_json().unwrap(), response.errors.len())
    }

    #[tokio::test]
    async fn a_failed_nullable_field_is_null() {
        assert_eq!(run("{ optional number }").await, (json!({"optional": null, "number": 1}), 1));
        assert_eq!(run("{ maybe { optional } }").await, (json!({"maybe": {"optional": null}}), 1));
    }

    #[tokio::test]
    async fn a_failed_needed_field_nulls_the_nearest_parent_that_may_be_null() {
        assert_eq!(run("{ number maybe { number needed } }").await, (json!({"number": 1, "maybe": null}), 1));
        let deep = "{ number maybe { inner { inner { needed } } } }";
        assert_eq!(run(deep).await, (json!({"number": 1, "maybe": null}), 1));
        assert_eq!(run("{ number inner { needed } }").await, (json!(null), 1));
        assert_eq!(run("{ number needed }").await, (json!(null), 1));
    }

    #[tokio::test]
    async fn an_element_of_a_list_is_nulled_alone_where_it_may_be() {
        let gaps = json!({"gaps": [{"needed": 0}, null, null]});
        assert_eq!(run("{ gaps { needed } }").await, (gaps, 1));
        let lists = json!({"lists": [[{"needed": 0}], null, []]});
        assert_eq!(run("{ lists { needed } }").await, (lists, 1));
        assert_eq!(run("{ maybe { things { needed } } }").await, (json!({"maybe": null}), 1));
    }

    #[tokio::test]
    async fn every_event_of_a_subscription_is_judged_by_itself() {
        let responses: Vec<_> = schema().execute_stream("subscription { things { needed } }").collect().await;
        assert_eq!(responses[0].data, Value::Null);
        assert_eq!(responses[0].errors[0].path.len(), 2);
        assert_eq!(responses[1].data.clone().into_json().unwrap(), json!({"things": {"needed": 2}}));
        assert!(responses[1].errors.is_empty());
    }
}

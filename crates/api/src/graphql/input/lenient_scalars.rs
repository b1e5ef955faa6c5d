//! Input scalars that keep a value that does not fit, so that it is refused later with the name of its field.
//!
//! 1. async-graphql itself would refuse a text that is no time, or a number that is too large, with the names of types.
//!    [`Lenient`] keeps such a value until its field is read. Then the refusal is an `InvalidInput` with the name of
//!    the field, like every other refusal.
//! 2. A value of another kind, such as a text for a number, is refused before the field is read.
//! 3. Requests of the transports go through `documents`, which already refuses variables with numbers beyond 32 bits.
//!    For numbers, rule 1 is for callers that execute the schema directly.

use std::borrow::Cow;

use async_graphql::{InputType, InputValueResult, Value, registry::Registry};
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use super::super::time::check_plausible;

/// The message for a value that is no time.
const NO_TIME: &str = "a time with an offset is needed, as in 2026-01-15T07:02:09-05:00";
/// The message for a value that is no number of 32 bits.
pub(super) const NO_NUMBER: &str = "a whole number from -2147483648 to 2147483647 is needed";

/// A time as the client sent it.
pub type Time = Lenient<DateTime<Utc>>;

/// A value of the scalar `T`, or another value that the client sent in its place. In the schema its type is `T`.
pub struct Lenient<T>(Result<T, Value>);

impl<T: Copy> Lenient<T> {
    /// The value; `None` if the client sent no valid one.
    pub fn get(&self) -> Option<T> {
        self.0.as_ref().ok().copied()
    }
}

impl Time {
    /// The time, if the database can store it.
    ///
    /// # Errors
    /// A message that says what is needed instead.
    pub fn parse_plausible_time(&self) -> Result<DateTime<Utc>, &'static str> {
        self.get().ok_or(NO_TIME).and_then(check_plausible)
    }
}

impl<T: InputType> InputType for Lenient<T> {
    type RawValueType = T::RawValueType;

    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match (T::parse(value.clone()), value) {
            (Ok(value), _) => Ok(Self(Ok(value))),
            // A missing value or `null` is not kept: the library reports that a required value is missing.
            (Err(error), None | Some(Value::Null)) => Err(error.propagate()),
            (Err(_), Some(value)) => Ok(Self(Err(value))),
        }
    }

    fn to_value(&self) -> Value {
        match &self.0 {
            Ok(value) => value.to_value(),
            Err(value) => value.clone(),
        }
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        self.0.as_ref().ok()?.as_raw_value()
    }
}

impl<T: Serialize> Serialize for Lenient<T> {
    /// Serializes like the value itself, so that the input of an idempotency key stays the same.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(value) => value.serialize(serializer),
            Err(value) => value.serialize(serializer),
        }
    }
}

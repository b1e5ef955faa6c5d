//! A time or a number as it was sent. A text that is no time, or a whole number that is too large, would be refused by
//! the library with the name of its type and of the input around it; kept until its field is read, it is refused as
//! everything else is: by that field. What is not even of the scalar's kind, a text for a number, the library refuses
//! before, and names the argument.

use std::borrow::Cow;

use async_graphql::{InputType, InputValueResult, Value, registry::Registry};
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use super::super::time::plausible;

/// What is said of a time that is none.
const NO_TIME: &str = "a time with an offset is needed, as in 2026-01-15T07:02:09-05:00";
/// What is said of a number that is none.
pub(super) const NO_NUMBER: &str = "a whole number from -2147483648 to 2147483647 is needed";

/// A time as it was sent.
pub type Time = Lenient<DateTime<Utc>>;

/// A value of the scalar `T`; or, in its place, something that is none. In the schema it is `T`.
pub struct Lenient<T>(Result<T, Value>);

impl<T: Copy> Lenient<T> {
    /// The value, if it is one.
    pub fn get(&self) -> Option<T> {
        self.0.as_ref().ok().copied()
    }
}

impl Time {
    /// The time, if it is one that records can have.
    ///
    /// # Errors
    /// What is needed instead.
    pub fn read(&self) -> Result<DateTime<Utc>, &'static str> {
        self.get().ok_or(NO_TIME).and_then(plausible)
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
            // That nothing was sent is not the field's business.
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
    /// As the value itself, so that an idempotency key is remembered with the same input.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(value) => value.serialize(serializer),
            Err(value) => value.serialize(serializer),
        }
    }
}

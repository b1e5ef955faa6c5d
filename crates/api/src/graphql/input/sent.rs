//! A time or a number as it was sent. One that cannot be read would be refused by the library, with the name of its type
//! and of the input around it; kept until its field is read, it is refused as everything else is: by that field.

use std::borrow::Cow;

use async_graphql::{InputType, InputValueResult, Value, registry::Registry};
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

/// What is said of a number that is none.
pub(super) const NO_NUMBER: &str = "a whole number from -2147483648 to 2147483647 is needed";

/// A time as it was sent.
pub type Time = Sent<DateTime<Utc>>;

/// A value of the scalar `T`; or, in its place, something that is none. In the schema it is `T`.
pub struct Sent<T>(Result<T, Value>);

impl<T: Copy> Sent<T> {
    /// The value, if it is one.
    pub fn get(&self) -> Option<T> {
        self.0.as_ref().ok().copied()
    }
}

impl<T: InputType> InputType for Sent<T> {
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

impl<T: Serialize> Serialize for Sent<T> {
    /// As the value itself, so that an idempotency key is remembered with the same input.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(value) => value.serialize(serializer),
            Err(value) => value.serialize(serializer),
        }
    }
}

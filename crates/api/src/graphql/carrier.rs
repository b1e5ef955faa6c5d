//! The scalar `CarrierCode`.

use app::App;
use async_graphql::{Context, InputValueError, InputValueResult, Result, Scalar, ScalarType, Value};
use domain::{Carrier, CarrierDirectory, InputField, InvalidCarrier, Refusal};
use serde::{Serialize, Serializer};

use super::{error::bad_input, input::Lenient};

/// The carrier of a `CarrierCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarrierCode(pub Carrier);

/// The short code of a carrier, in lower-case letters, digits and `_`: `fedex`, `ups`, `usps`, `dhl`, `canada_post`,
/// `dpd_uk`. Answers contain the code. Inputs may also have another spelling of a known name, such as `FEDEX`, `FX`,
/// `CanadaPost` or `canada-post`, as a string or without quotes. A code that is in no list is a carrier too.
#[Scalar]
impl ScalarType for CarrierCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        let carrier = match &value {
            Value::String(text) => Carrier::parse(text),
            Value::Enum(name) => Carrier::parse(name),
            _ => return Err(InputValueError::expected_type(value)),
        };
        carrier.map(Self).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl Serialize for CarrierCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A carrier as the client sent it.
pub type CarrierInput = Lenient<CarrierCode>;

impl CarrierInput {
    /// The carrier, for a mutation.
    ///
    /// # Errors
    /// [`Refusal::InvalidInput`] for a text that is no code.
    pub(super) fn parse_for_mutation(
        &self,
        carriers: &CarrierDirectory,
    ) -> std::result::Result<Carrier, Refusal> {
        match self.get() {
            Some(CarrierCode(carrier)) => Ok(carriers.resolve(carrier)),
            None => Err(Refusal::invalid(InputField::Carrier, InvalidCarrier.to_string())),
        }
    }

    /// The carrier, for a query. `field` is its path in the arguments.
    ///
    /// # Errors
    /// `BAD_INPUT` for a text that is no code.
    pub(super) fn parse_for_query(&self, ctx: &Context<'_>, field: &str) -> Result<Carrier> {
        match self.get() {
            Some(CarrierCode(carrier)) => Ok(ctx.data::<App>()?.carriers().resolve(carrier)),
            None => Err(bad_input(field, InvalidCarrier)),
        }
    }
}

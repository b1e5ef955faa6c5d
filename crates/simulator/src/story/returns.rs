//! What a story does about returns, with `--orders`: units are asked back, sent back, received or written off.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    file::StoryParcel,
    orders::{Shop, not_done},
};

/// The reason for which a story asks units back or writes them off.
const REASON: &str = "the story says so";

/// A step of a return. It is about the units of one parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnStep {
    /// The customer is to send the units back.
    AskBack,
    /// The parcel is registered as a return shipment.
    SendBack,
    /// The units came in.
    Receive,
    /// The units are not expected any more.
    WriteOff,
}

impl ReturnStep {
    /// All steps, in the sequence in which a step of the story does them.
    pub const ALL: [Self; 4] = [Self::AskBack, Self::SendBack, Self::Receive, Self::WriteOff];

    /// The name of the field that lists the parcels.
    pub const fn field(self) -> &'static str {
        match self {
            Self::AskBack => "ask_back",
            Self::SendBack => "send_back",
            Self::Receive => "receive",
            Self::WriteOff => "write_off",
        }
    }

    /// What was done, for people.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::AskBack => "asked back",
            Self::SendBack => "sent back",
            Self::Receive => "received",
            Self::WriteOff => "written off",
        }
    }

    /// The mutation, and its input beside the order and the items.
    fn mutation(self, parcel: &StoryParcel) -> (&'static str, Value) {
        match self {
            Self::AskBack => ("initiateReturn", json!({ "reason": REASON })),
            Self::SendBack => (
                "createShipment",
                json!({
                    "direction": "RETURN",
                    "carrier": parcel.carrier.as_str(),
                    "trackingNumber": parcel.tracking,
                }),
            ),
            Self::Receive => ("receiveReturn", json!({})),
            Self::WriteOff => ("writeOffReturn", json!({ "reason": REASON })),
        }
    }
}

impl Shop {
    /// Does a step of a return with the units of a parcel. First waits until the server has read all posted webhooks.
    pub async fn do_return_step(
        &self,
        step: ReturnStep,
        parcel: &StoryParcel,
        begin: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        self.wait_until_read(begin).await?;
        let (name, mut input) = step.mutation(parcel);
        input["orderId"] = json!(self.order.id);
        input["items"] = json!([{ "itemId": self.order.item, "quantity": parcel.units }]);
        let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let query = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) {{ __typename ... on Problem {{ message }} }} }}"
        );
        let answer = self.client().mutate(name, &query, input).await;
        answer
            .and_then(|answer| Ok(answer.ensure_granted()?))
            .map_err(|error| not_done(error, &format!("{name} of parcel {}", parcel.name)))
    }
}

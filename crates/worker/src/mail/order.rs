//! Renders the mail about an order, as text and as HTML.
//!
//! The notification jobs fill an [`OrderMail`] with texts and times, and call `render`, which first makes all texts
//! safe. The templates are in `templates/mail`: they call the other methods, which return one piece of text each. What
//! is `None` or empty is left out of the mail. This module decides nothing: the caller chooses the kind of mail and the
//! texts for statuses. Everything here is pure.

use app::customer_text::CalledOff;
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};

use domain::text::single_line;

use super::Mail;

/// The content of one mail about one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderMail {
    pub kind: Kind,
    /// The name of the shop, as customers know it.
    pub shop: String,
    /// The name of the order: the shop's reference, or a short id.
    pub order: String,
    /// The progress of the order in units: "partial shipment: 2 of 3 items shipped".
    pub progress: String,
    /// The shipments of the order that are not cancelled.
    pub shipments: Vec<ShipmentSummary>,
    /// The items that are in no shipment yet. For a cancelled order, the ordered items.
    pub remaining: Vec<Item>,
    /// Units that were called off. Empty for a cancelled order.
    pub called_off: Vec<CalledOff>,
    /// The total of the order with its currency: "59.00 USD".
    pub total: String,
    pub placed_at: DateTime<Utc>,
    /// URL of the customer's page for this order.
    pub link: String,
}

/// The kind of mail: what happened to the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The carrier has received the order.
    Shipped,
    /// The order is out for delivery.
    OutForDelivery,
    /// A shipment can be collected at a pickup point.
    ReadyForCollection {
        /// The place, in readable form, if it is known.
        place: Option<String>,
    },
    Delivered,
    Cancelled {
        /// The reason, in a text that is meant for the customer.
        reason: Option<String>,
    },
    /// Numbers that the customer was told are void.
    NumberReplaced {
        /// The carrier and the number that takes their place, unless it is void as well by now.
        number: Option<String>,
        /// The numbers that are void, at least one.
        void: Vec<String>,
    },
    /// The customer was told of a delivery that was none.
    DeliveryRetracted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipmentSummary {
    /// The carrier's name, as customers know it.
    pub carrier: String,
    pub tracking_number: String,
    /// URL of the carrier's page for the tracking number.
    pub url: Option<String>,
    /// The status as text: "In transit".
    pub status: String,
    /// The day of the delivery, as the carrier wrote it. Shown only while the order is on its way.
    pub estimated_delivery: Option<NaiveDate>,
    /// The condition as text, if there is one.
    pub condition: Option<String>,
    /// The place where the shipment can be collected, if it waits there and the place is known.
    pub pickup_place: Option<String>,
    /// The contents of the shipment.
    pub items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub name: String,
    pub quantity: u32,
}

/// Rendering a template has failed.
#[derive(Debug, thiserror::Error)]
#[error("the template of an order mail failed")]
pub struct RenderError(#[from] askama::Error);

#[derive(Template)]
#[template(path = "mail/order.html")]
struct Html<'a> {
    mail: &'a OrderMail,
}

#[derive(Template)]
#[template(path = "mail/order.txt")]
struct Text<'a> {
    mail: &'a OrderMail,
}

impl OrderMail {
    /// Renders the mail to this address. For `message_id` see [`Mail::message_id`].
    ///
    /// # Errors
    /// None that a caller can cause, because the templates are written to memory.
    pub fn render(&self, to: &str, message_id: &str) -> Result<Mail, RenderError> {
        let mail = &self.with_safe_texts();
        Ok(Mail {
            to: to.to_owned(),
            subject: mail.subject(),
            text: Text { mail }.render()?,
            html: Html { mail }.render()?,
            message_id: message_id.to_owned(),
        })
    }

    /// The same mail with each text on one line and without control and bidirectional characters. Otherwise a text of
    /// others, for example a place that a carrier named or an item name from before names were checked, could look like
    /// a line of the shop.
    fn with_safe_texts(&self) -> Self {
        let items = |items: &[Item]| -> Vec<Item> {
            let safe = |item: &Item| Item { name: single_line(&item.name), quantity: item.quantity };
            items.iter().map(safe).collect()
        };
        let optional =
            |text: &Option<String>| text.as_deref().map(single_line).filter(|text| !text.is_empty());
        let shipment = |shipment: &ShipmentSummary| ShipmentSummary {
            carrier: single_line(&shipment.carrier),
            tracking_number: single_line(&shipment.tracking_number),
            url: shipment.url.as_deref().map(single_line),
            status: single_line(&shipment.status),
            estimated_delivery: shipment.estimated_delivery,
            condition: optional(&shipment.condition),
            pickup_place: optional(&shipment.pickup_place),
            items: items(&shipment.items),
        };
        let called_off = |one: &CalledOff| CalledOff {
            name: single_line(&one.name),
            quantity: one.quantity,
            reason: optional(&one.reason),
        };
        Self {
            kind: match &self.kind {
                Kind::Shipped => Kind::Shipped,
                Kind::OutForDelivery => Kind::OutForDelivery,
                Kind::ReadyForCollection { place } => Kind::ReadyForCollection { place: optional(place) },
                Kind::Delivered => Kind::Delivered,
                Kind::Cancelled { reason } => Kind::Cancelled { reason: optional(reason) },
                Kind::NumberReplaced { number, void } => Kind::NumberReplaced {
                    number: optional(number),
                    void: void.iter().map(|number| single_line(number)).collect(),
                },
                Kind::DeliveryRetracted => Kind::DeliveryRetracted,
            },
            shop: single_line(&self.shop),
            order: single_line(&self.order),
            progress: single_line(&self.progress),
            shipments: self.shipments.iter().map(shipment).collect(),
            remaining: items(&self.remaining),
            called_off: self.called_off.iter().map(called_off).collect(),
            total: single_line(&self.total),
            placed_at: self.placed_at,
            link: single_line(&self.link),
        }
    }

    fn subject(&self) -> String {
        let what = match self.kind {
            Kind::Shipped => "has been shipped",
            Kind::OutForDelivery => "is out for delivery",
            Kind::ReadyForCollection { .. } => "is ready for collection",
            Kind::Delivered => "has been delivered",
            Kind::Cancelled { .. } => "has been cancelled",
            Kind::NumberReplaced { .. } => "has a new tracking number",
            Kind::DeliveryRetracted => "has not been delivered yet",
        };
        format!("Your order {} {what}", self.order)
    }

    fn headline(&self) -> &'static str {
        match self.kind {
            Kind::Shipped => "Your order is on its way",
            Kind::OutForDelivery => "Your order is out for delivery",
            Kind::ReadyForCollection { .. } => "Your order is ready for collection",
            Kind::Delivered => "Your order has been delivered",
            Kind::Cancelled { .. } => "Your order has been cancelled",
            Kind::NumberReplaced { .. } => "Your order has a new tracking number",
            Kind::DeliveryRetracted => "We were wrong about the delivery",
        }
    }

    /// The main sentence of the mail.
    fn message(&self) -> String {
        let n = self.shipments.len();
        match &self.kind {
            Kind::Shipped if n > 1 => format!("Your order travels in {n} parcels."),
            Kind::Shipped if n == 1 => format!("{} has your parcel.", self.shipments[0].carrier),
            Kind::Shipped => "Your order has left us.".to_owned(),
            Kind::OutForDelivery if n > 1 => "Your parcels will be with you soon.".to_owned(),
            Kind::OutForDelivery => "It will be with you soon.".to_owned(),
            Kind::ReadyForCollection { place: None }
                if self.shipments.iter().all(|shipment| shipment.pickup_place.is_none()) =>
            {
                "You can collect it now; the carrier's page says where.".to_owned()
            }
            Kind::ReadyForCollection { .. } => "You can collect it now.".to_owned(),
            Kind::Delivered if n > 1 => "All of its parcels have been handed over.".to_owned(),
            Kind::Delivered => "It has been handed over.".to_owned(),
            Kind::Cancelled { .. } => "Nothing of it will be delivered.".to_owned(),
            Kind::NumberReplaced { void, .. } if void.len() > 1 => {
                format!("The numbers {}, which we sent you before, are void.", void.join(", "))
            }
            Kind::NumberReplaced { void, .. } => {
                format!("The number {}, which we sent you before, is void.", void.join(", "))
            }
            Kind::DeliveryRetracted => {
                "We wrote that your order had been delivered. That was a mistake, and we are sorry."
                    .to_owned()
            }
        }
    }

    /// The place where a shipment can be collected, unless the mail has it as its one fact already.
    fn pickup_place<'a>(&self, shipment: &'a ShipmentSummary) -> Option<&'a str> {
        match &self.kind {
            Kind::ReadyForCollection { place: Some(_) } => None,
            Kind::ReadyForCollection { place: None }
            | Kind::Shipped
            | Kind::OutForDelivery
            | Kind::Delivered
            | Kind::Cancelled { .. }
            | Kind::NumberReplaced { .. }
            | Kind::DeliveryRetracted => shipment.pickup_place.as_deref(),
        }
    }

    /// A further fact for the customer, and its label.
    fn status_fact(&self) -> Option<(&'static str, &str)> {
        match &self.kind {
            Kind::ReadyForCollection { place } => Some(("Where", place.as_deref()?)),
            Kind::Cancelled { reason } => Some(("Reason", reason.as_deref()?)),
            Kind::NumberReplaced { number, .. } => Some(("New number", number.as_deref()?)),
            Kind::Shipped | Kind::OutForDelivery | Kind::Delivered | Kind::DeliveryRetracted => None,
        }
    }

    /// The text of the link to the order's page.
    fn link_text(&self) -> &'static str {
        match self.kind {
            Kind::Shipped
            | Kind::OutForDelivery
            | Kind::ReadyForCollection { .. }
            | Kind::Delivered
            | Kind::NumberReplaced { .. }
            | Kind::DeliveryRetracted => "Follow your order",
            Kind::Cancelled { .. } => "See your order",
        }
    }

    /// The progress as a sentence.
    fn progress_sentence(&self) -> String {
        let mut letters = self.progress.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        format!("{first}{}.", letters.as_str())
    }

    /// The steps of an order, and whether it has reached each of them. Empty for a cancelled order and for a
    /// correction.
    fn steps(&self) -> Vec<(&'static str, bool)> {
        let (done, last_leg) = match self.kind {
            Kind::Shipped => (2, "Out for delivery"),
            Kind::OutForDelivery => (3, "Out for delivery"),
            Kind::ReadyForCollection { .. } => (3, "Ready to collect"),
            Kind::Delivered => (4, "Out for delivery"),
            Kind::Cancelled { .. } | Kind::NumberReplaced { .. } | Kind::DeliveryRetracted => {
                return Vec::new();
            }
        };
        let labels = ["Placed", "Shipped", last_leg, "Delivered"];
        labels.into_iter().enumerate().map(|(i, label)| (label, i < done)).collect()
    }

    /// The colour of the steps and of the button. White text on it has a contrast ratio above 5.
    fn accent(&self) -> &'static str {
        match self.kind {
            Kind::Shipped
            | Kind::OutForDelivery
            | Kind::ReadyForCollection { .. }
            | Kind::NumberReplaced { .. }
            | Kind::DeliveryRetracted => "#1d4ed8",
            Kind::Delivered => "#15803d",
            Kind::Cancelled { .. } => "#4b5563",
        }
    }

    fn remaining_heading(&self) -> &'static str {
        match self.kind {
            Kind::Cancelled { .. } => "Cancelled items",
            Kind::Shipped
            | Kind::OutForDelivery
            | Kind::ReadyForCollection { .. }
            | Kind::Delivered
            | Kind::NumberReplaced { .. }
            | Kind::DeliveryRetracted => "Not in a parcel yet",
        }
    }

    /// The day on which a shipment is expected. `None` once the order can be collected, is delivered or is cancelled.
    fn format_expected_delivery(&self, shipment: &ShipmentSummary) -> Option<String> {
        match self.kind {
            Kind::Shipped | Kind::OutForDelivery | Kind::NumberReplaced { .. } | Kind::DeliveryRetracted => {
                shipment.estimated_delivery.map(format_day)
            }
            Kind::ReadyForCollection { .. } | Kind::Delivered | Kind::Cancelled { .. } => None,
        }
    }

    fn format_placed_at(&self) -> String {
        self.placed_at.format("%-d %B %Y").to_string()
    }
}

/// A date as text, such as "Thursday, 26 November 2026".
fn format_day(date: NaiveDate) -> String {
    date.format("%A, %-d %B %Y").to_string()
}

#[cfg(test)]
mod tests;

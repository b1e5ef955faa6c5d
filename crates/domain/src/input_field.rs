//! The places of values in the inputs of requests. A [`Refusal::InvalidInput`](crate::Refusal::InvalidInput) names one.
//!
//! `domain`, `app` and `api` refuse values. `api` gives each place the path that clients see.

/// The place of a value in the input of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputField {
    /// The id of the order.
    OrderId,
    /// The id of the shipment.
    ShipmentId,
    /// The id of the notification.
    NotificationId,
    /// The id of the stored scan.
    ScanId,
    /// The id of the customer.
    UserId,
    /// The version of the order that the caller expects.
    ExpectedVersion,
    /// The idempotency key.
    IdempotencyKey,
    /// The customer's e-mail address.
    CustomerEmail,
    /// The list of e-mail addresses as a whole.
    CustomerEmails,
    /// The address with this index in the list of e-mail addresses.
    ListedCustomerEmail(usize),
    /// The merchant's own number for the order.
    Reference,
    /// The price of the order, in minor units.
    TotalCents,
    /// The currency of the price.
    Currency,
    /// When the order was placed.
    PlacedAt,
    /// The order that a new one replaces.
    Replaces,
    /// The notes.
    Notes,
    /// The attached data.
    Metadata,
    /// The reason of a request.
    Reason,
    /// The list of items as a whole.
    Items,
    /// A field of the item with this index in the list of items.
    Item(usize, ItemField),
    /// The list of item ids as a whole.
    ItemIds,
    /// The id with this index in the list of item ids.
    ItemId(usize),
    /// The origin as a whole.
    Origin,
    /// The code of the origin.
    OriginCode,
    /// A deadline of all named items.
    Deadline(DeadlineField),
    /// Whether the shipment goes to the customer or comes back.
    Direction,
    /// The carrier of the shipment.
    Carrier,
    /// The tracking number of the shipment.
    TrackingNumber,
    /// The list of further tracking numbers as a whole.
    FurtherNumbers,
    /// The carrier with this index in the list of further tracking numbers.
    FurtherCarrier(usize),
    /// The number with this index in the list of further tracking numbers.
    FurtherNumber(usize),
    /// When the delivery is expected, as an instant.
    EstimatedDelivery,
    /// When the delivery is expected, as a date or a window.
    DeliveryEstimate,
    /// When the scan happened.
    OccurredAt,
    /// The place of the scan.
    Location,
    /// The status that the scan reports.
    Status,
    /// The condition that the scan reports.
    Condition,
    /// The time of receipt of the oldest webhook to replay.
    Since,
}

/// A field of an item in the input of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemField {
    /// The id of the item.
    Id,
    /// The stock keeping unit.
    Sku,
    /// The name.
    Name,
    /// The number of units.
    Quantity,
    /// The code of the planned origin.
    OriginCode,
    /// A deadline of the supplier.
    Deadline(DeadlineField),
}

/// A field of [`Deadlines`](crate::Deadlines) in the input of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadlineField {
    /// Until when the supplier has to accept.
    AcceptBy,
    /// Until when a carrier has to have every unit.
    ShipBy,
}

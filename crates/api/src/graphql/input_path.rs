//! The paths of input values, as clients see them in `InvalidInput.field` and in `extensions.field`.

use domain::{DeadlineField, InputField, ItemField};

/// The path of a value in its input, for example `items[0].quantity`.
pub(super) fn build_input_path(field: InputField) -> String {
    let path = match field {
        InputField::Item(at, field) => return format!("items[{at}].{}", name_item_field(field)),
        InputField::ListedCustomerEmail(at) => return format!("customerEmails[{at}]"),
        InputField::FurtherCarrier(at) => return format!("furtherNumbers[{at}].carrier"),
        InputField::FurtherNumber(at) => return format!("furtherNumbers[{at}].trackingNumber"),
        InputField::ItemId(at) => return format!("itemIds[{at}]"),
        InputField::OrderId => "orderId",
        InputField::ShipmentId => "shipmentId",
        InputField::NotificationId => "notificationId",
        InputField::ScanId => "scanId",
        InputField::UserId => "userId",
        InputField::ExpectedVersion => "expectedVersion",
        InputField::IdempotencyKey => "idempotencyKey",
        InputField::CustomerEmail => "customerEmail",
        InputField::CustomerEmails => "customerEmails",
        InputField::Reference => "reference",
        InputField::TotalCents => "totalCents",
        InputField::Currency => "currency",
        InputField::PlacedAt => "placedAt",
        InputField::Replaces => "replaces",
        InputField::Notes => "notes",
        InputField::Metadata => "metadata",
        InputField::Reason => "reason",
        InputField::Items => "items",
        InputField::ItemIds => "itemIds",
        InputField::Origin => "origin",
        InputField::OriginCode => "origin.code",
        InputField::Deadline(deadline) => name_deadline(deadline),
        InputField::Direction => "direction",
        InputField::Carrier => "carrier",
        InputField::TrackingNumber => "trackingNumber",
        InputField::FurtherNumbers => "furtherNumbers",
        InputField::EstimatedDelivery => "estimatedDelivery",
        InputField::DeliveryEstimate => "deliveryEstimate",
        InputField::OccurredAt => "occurredAt",
        InputField::Location => "location",
        InputField::Status => "status",
        InputField::Condition => "condition",
        InputField::Since => "since",
    };
    path.to_owned()
}

fn name_item_field(field: ItemField) -> &'static str {
    match field {
        ItemField::Id => "itemId",
        ItemField::Sku => "sku",
        ItemField::Name => "name",
        ItemField::Quantity => "quantity",
        ItemField::OriginCode => "origin.code",
        ItemField::Deadline(deadline) => name_deadline(deadline),
    }
}

fn name_deadline(deadline: DeadlineField) -> &'static str {
    match deadline {
        DeadlineField::AcceptBy => "acceptBy",
        DeadlineField::ShipBy => "shipBy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_spelt_like_the_fields_of_the_schema() {
        for (field, path) in [
            (InputField::OrderId, "orderId"),
            (InputField::ShipmentId, "shipmentId"),
            (InputField::UserId, "userId"),
            (InputField::ExpectedVersion, "expectedVersion"),
            (InputField::IdempotencyKey, "idempotencyKey"),
            (InputField::CustomerEmail, "customerEmail"),
            (InputField::CustomerEmails, "customerEmails"),
            (InputField::ListedCustomerEmail(2), "customerEmails[2]"),
            (InputField::NotificationId, "notificationId"),
            (InputField::TotalCents, "totalCents"),
            (InputField::PlacedAt, "placedAt"),
            (InputField::Replaces, "replaces"),
            (InputField::TrackingNumber, "trackingNumber"),
            (InputField::FurtherNumbers, "furtherNumbers"),
            (InputField::FurtherCarrier(1), "furtherNumbers[1].carrier"),
            (InputField::FurtherNumber(0), "furtherNumbers[0].trackingNumber"),
            (InputField::EstimatedDelivery, "estimatedDelivery"),
            (InputField::DeliveryEstimate, "deliveryEstimate"),
            (InputField::OccurredAt, "occurredAt"),
            (InputField::ItemIds, "itemIds"),
            (InputField::ItemId(3), "itemIds[3]"),
            (InputField::OriginCode, "origin.code"),
            (InputField::Deadline(DeadlineField::AcceptBy), "acceptBy"),
            (InputField::Deadline(DeadlineField::ShipBy), "shipBy"),
            (InputField::Item(0, ItemField::Id), "items[0].itemId"),
            (InputField::Item(1, ItemField::Sku), "items[1].sku"),
            (InputField::Item(1, ItemField::Name), "items[1].name"),
            (InputField::Item(2, ItemField::Quantity), "items[2].quantity"),
            (InputField::Item(2, ItemField::OriginCode), "items[2].origin.code"),
            (InputField::Item(2, ItemField::Deadline(DeadlineField::AcceptBy)), "items[2].acceptBy"),
            (InputField::Item(2, ItemField::Deadline(DeadlineField::ShipBy)), "items[2].shipBy"),
        ] {
            assert_eq!(build_input_path(field), path);
        }
    }
}

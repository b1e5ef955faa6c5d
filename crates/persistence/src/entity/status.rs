//! The database's enum `order_status`. A test compares its members with those of the domain. `mapping` and the
//! statements convert in both directions; there is no status that the other side does not have.

use sea_orm::entity::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "order_status", rename_all = "snake_case")]
pub(crate) enum Status {
    Placed,
    PaymentConfirmed,
    Processing,
    AwaitingPickup,
    Shipped,
    OutForDelivery,
    Delivered,
    Cancelled,
    ReturnInitiated,
    Returned,
}

impl From<domain::OrderStatus> for Status {
    fn from(status: domain::OrderStatus) -> Self {
        match status {
            domain::OrderStatus::Placed => Self::Placed,
            domain::OrderStatus::PaymentConfirmed => Self::PaymentConfirmed,
            domain::OrderStatus::Processing => Self::Processing,
            domain::OrderStatus::AwaitingPickup => Self::AwaitingPickup,
            domain::OrderStatus::Shipped => Self::Shipped,
            domain::OrderStatus::OutForDelivery => Self::OutForDelivery,
            domain::OrderStatus::Delivered => Self::Delivered,
            domain::OrderStatus::Cancelled => Self::Cancelled,
            domain::OrderStatus::ReturnInitiated => Self::ReturnInitiated,
            domain::OrderStatus::Returned => Self::Returned,
        }
    }
}

impl From<Status> for domain::OrderStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Placed => Self::Placed,
            Status::PaymentConfirmed => Self::PaymentConfirmed,
            Status::Processing => Self::Processing,
            Status::AwaitingPickup => Self::AwaitingPickup,
            Status::Shipped => Self::Shipped,
            Status::OutForDelivery => Self::OutForDelivery,
            Status::Delivered => Self::Delivered,
            Status::Cancelled => Self::Cancelled,
            Status::ReturnInitiated => Self::ReturnInitiated,
            Status::Returned => Self::Returned,
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn the_database_spells_every_status_as_the_domain_does() {
        for status in domain::OrderStatus::ALL {
            assert_eq!(Status::from(status).to_value(), status.as_str());
            assert_eq!(domain::OrderStatus::from(Status::from(status)), status);
        }
        assert_eq!(Status::iter().count(), domain::OrderStatus::ALL.len());
    }
}

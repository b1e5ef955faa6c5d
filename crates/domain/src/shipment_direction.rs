//! The direction of a shipment. `return_shipment.rs` says how a return shipment differs.

use crate::string_enum::string_enum;

string_enum! {
    /// Whether a shipment goes to the customer or comes back.
    pub enum ShipmentDirection ("shipment direction") {
        /// It goes to the customer.
        Outbound => "outbound",
        /// The customer sends units back in it.
        Return => "return",
    }
}

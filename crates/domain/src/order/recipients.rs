//! The recipients of an order's notifications, as the caller who places the order names them.
//!
//! 1. `customerEmail` names one recipient, `customerEmails` names several. A request has one of them.
//! 2. Each address is one that any mail server takes. A list of addresses in one text is refused.
//! 3. No mailbox is named twice: it would get every mail twice.
//! 4. `place.rs` calls `read_recipients`: no address is no error, and gives an empty list. `app::orders` asks
//!    `given_addresses` what a customer gave.

use crate::{email::EmailAddress, input_field::InputField, order::NewOrder, refusal::Refusal};

/// The most recipients of one order. Each of them gets a mail of its own.
const MAX_RECIPIENTS: usize = 10;

impl NewOrder {
    /// The addresses as they were given, unchecked, each with its place in the input.
    ///
    /// # Errors
    /// [`Refusal::InvalidInput`] for [`InputField::CustomerEmails`], if both fields are given or the list has no or too
    /// many addresses.
    pub fn given_addresses(&self) -> Result<Vec<(InputField, &str)>, Refusal> {
        let Some(list) = &self.customer_emails else {
            let one = self.customer_email.as_deref().map(|address| (InputField::CustomerEmail, address));
            return Ok(one.into_iter().collect());
        };
        if self.customer_email.is_some() {
            return Err(Refusal::invalid(
                InputField::CustomerEmails,
                "customerEmail or customerEmails is taken, not both",
            ));
        }
        if list.is_empty() || list.len() > MAX_RECIPIENTS {
            let message = format!("1 to {MAX_RECIPIENTS} addresses are taken");
            return Err(Refusal::invalid(InputField::CustomerEmails, message));
        }
        let named =
            list.iter().enumerate().map(|(at, one)| (InputField::ListedCustomerEmail(at), one.as_str()));
        Ok(named.collect())
    }
}

/// The recipients of a new order, in the sequence in which they were given.
pub(super) fn read_recipients(new: &NewOrder) -> Result<Vec<EmailAddress>, Refusal> {
    let mut recipients: Vec<EmailAddress> = Vec::new();
    for (field, text) in new.given_addresses()? {
        let address =
            EmailAddress::parse(text).map_err(|error| Refusal::invalid(field, error.to_string()))?;
        if recipients.iter().any(|earlier| earlier.is_same_mailbox(&address)) {
            return Err(Refusal::invalid(field, "this address is in the list already"));
        }
        recipients.push(address);
    }
    Ok(recipients)
}
